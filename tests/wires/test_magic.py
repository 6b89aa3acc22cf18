"""Bytes are known by what they are, whatever the label says."""

from __future__ import annotations

import gzip
import io
import struct
import wave
import zipfile

import pytest

from guardrail.wires.magic import known, modality_of


def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(80))
    return out.getvalue()


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr(zipfile.ZipInfo("word/document.xml"), "<w/>")  # without the time of day, for it names a test
    return out.getvalue()


def box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + name + data


def mp4(brand: bytes, *handlers: bytes) -> bytes:
    tracks = b"".join(box(b"hdlr", bytes(8) + handler + bytes(12)) for handler in handlers)
    return box(b"ftyp", brand + bytes(4) + brand) + box(b"moov", tracks)


def webm(*codecs: bytes) -> bytes:
    tracks = b"".join(b"\x86" + bytes([0x80 | len(codec)]) + codec for codec in codecs)
    return b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01" + b"\x42\x82\x84webm" + tracks


OGG = b"OggS\x00\x02" + bytes(20) + b"\x01\x1e"

SAMPLES: list[tuple[bytes, str]] = [
    (b"\x89PNG\r\n\x1a\n" + bytes(9), "image"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image"),
    (b"GIF89a\x01\x00", "image"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image"),
    (b"BM\x46\x00\x00\x00" + bytes(4) + b"\x36\x00", "image"),
    (b"II*\x00\x08\x00", "image"),
    (b"MM\x00*\x00\x08", "image"),
    (mp4(b"heic"), "image"),
    (mp4(b"avif"), "image"),
    (wav(), "audio"),
    (b"ID3\x04\x00" + bytes(9), "audio"),
    (b"\xff\xfb\x90\x64" + bytes(9), "audio"),
    (b"\xff\xf1\x50\x80" + bytes(9), "audio"),
    (OGG + b"\x01vorbis", "audio"),
    (OGG + b"OpusHead", "audio"),
    (b"fLaC\x00\x00\x00\x22", "audio"),
    (mp4(b"M4A ", b"soun"), "audio"),
    (webm(b"A_OPUS"), "audio"),
    (OGG + b"\x80theora", "video"),
    (mp4(b"isom", b"vide", b"soun"), "video"),
    (webm(b"V_VP9", b"A_OPUS"), "video"),
    (b"RIFF\x24\x00\x00\x00AVI LIST", "video"),
    (b"\x00\x00\x01\xba\x44", "video"),
    (b"%PDF-1.7\n", "file"),
    (b"\n" * 900 + b"%PDF-1.4\n", "file"),
    (zipped(), "file"),
    (gzip.compress(b"text", mtime=0), "file"),
    (b"\x28\xb5\x2f\xfd\x04", "file"),
    (b"RIFF\x24\x00\x00\x00what", "file"),
]


@pytest.mark.parametrize("label", ["", "text/plain", "image/png", "audio/mpeg", "application/octet-stream"])
@pytest.mark.parametrize(("data", "modality"), SAMPLES)
def test_the_bytes_decide_and_not_the_label(data: bytes, modality: str, label: str) -> None:
    assert known(data, label) == modality
    assert modality_of(data, label) == modality


def test_film_with_a_name_for_sound_is_film() -> None:
    assert modality_of(mp4(b"M4A ", b"vide"), "audio/mp4") == "video"
    assert modality_of(webm(b"V_VP8"), "audio/webm") == "video"


def test_the_label_decides_where_a_container_shows_no_track() -> None:
    for data in (mp4(b"isom"), webm()):
        assert modality_of(data, "audio/webm") == "audio"
        assert modality_of(data, "") == modality_of(data, "image/png") == "video"


@pytest.mark.parametrize(
    "text",
    [b"", b"BMW is a car", b"ID3 is a tag", b"BZh is a name", b"fLaC is a format", b"{}", b"%PDF"],
)
def test_words_are_not_taken_for_media(text: bytes) -> None:

    assert known(text, "image/png") is None


def test_a_label_alone_makes_nothing_of_unknown_bytes() -> None:
    assert known(b"\x00\x9c\x11\x12", "image/png") is None
    assert modality_of(b"\x00\x9c\x11\x12", "image/png") == "file"
    assert modality_of(b"\xff\xe0", "audio/mpeg") == "file"
