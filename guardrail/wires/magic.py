"""What bytes are, by how they begin: picture, sound, film or some other file. Never what they show.

A label is a claim, so it decides only what the bytes leave open: whether a container that may hold
sound or film, and in which no track is found, is only sound.
"""

from __future__ import annotations

import re

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"\xff\xd8\xff", "image"),  # JPEG
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"II*\x00", "image"),  # TIFF
    (b"MM\x00*", "image"),
    (b"II+\x00", "image"),  # BigTIFF
    (b"MM\x00+", "image"),
    (b"\x00\x00\x01\x00", "image"),  # ICO
    (b"\xff\x0a", "image"),  # JPEG XL
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image"),
    (b"fLaC\x00", "audio"),
    (b"fLaC\x80", "audio"),
    (b"caff\x00", "audio"),
    (b"#!AMR", "audio"),
    (b"\x00\x00\x01\xba", "video"),  # MPEG program stream
    (b"\x00\x00\x01\xb3", "video"),  # MPEG video
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video"),  # ASF (WMV, WMA)
    (b"FLV\x01", "video"),
    (b"PK\x03\x04", "file"),  # ZIP, and so office documents and EPUB
    (b"PK\x05\x06", "file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "file"),  # older office documents
    (b"\x1f\x8b", "file"),  # gzip
    (b"\x28\xb5\x2f\xfd", "file"),  # zstd
    (b"\xfd7zXZ\x00", "file"),
    (b"7z\xbc\xaf\x27\x1c", "file"),
    (b"Rar!\x1a\x07", "file"),
    (b"{\\rtf", "file"),  # its text is ASCII, but hides behind escapes
    (b"%!PS", "file"),
)
_RIFF = {b"WAVE": "audio", b"WEBP": "image", b"AVI ": "video"}
_STILLS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif", b"mif2"})
_PDF = re.compile(rb"%PDF-\d")
_PDF_WITHIN = 1024
"""Readers of PDF take its first line anywhere in so many bytes (ISO 32000-1, annex H, note 13)."""
_BZIP = re.compile(rb"BZh[1-9][\x31\x17]")
_HANDLER = re.compile(rb"hdlr.{8}(vide|soun)", re.DOTALL)
_TRACK = re.compile(rb"\x86[\x80-\xff]([VA])_")  # Matroska's CodecID element
_OGG_FILM = re.compile(rb"OggS.{22,300}?(?:\x80theora|BBCD\x00|\x80daala|OVP80)", re.DOTALL)


def known(data: bytes, media: str = "") -> str | None:
    """The modality that the first bytes show: image, audio, video or file; None where they show none.

    Bytes may be of a known kind and be readable text all the same. ``media`` is the media type
    they are labelled with.
    """
    for start, modality in _STARTS:
        if data.startswith(start):
            return modality
    if data[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(data[8:12], "file")
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return "audio"
    if data[:2] == b"BM" and data[6:10] == bytes(4):
        return "image"
    if data[:3] == b"ID3" and len(data) > 3 and data[3] < 0x10:
        return "audio"
    if data[4:8] == b"ftyp":
        return "image" if data[8:12] in _STILLS else _container({m[1] for m in _HANDLER.finditer(data)}, b"vide", media)
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return _container({m[1] for m in _TRACK.finditer(data)}, b"V", media)
    if data[:4] == b"OggS":
        return "video" if _OGG_FILM.search(data[: 1 << 16]) else "audio"
    if _PDF.search(data, 0, _PDF_WITHIN) or _BZIP.match(data):
        return "file"
    return "audio" if _mpeg_audio(data) else None


def modality_of(data: bytes, media: str) -> str:
    """The modality of bytes that are no text: image, audio, video, or file where nothing is known."""
    return known(data, media) or "file"


def _container(tracks: set[bytes], film: bytes, media: str) -> str:
    if tracks:
        return "video" if film in tracks else "audio"
    return "audio" if media.lower().startswith("audio/") else "video"


def _mpeg_audio(data: bytes) -> bool:
    """A frame header of layer II or III (ISO 11172-3) or ADTS. Layer I is not used, and looks like UTF-16's mark."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return False
    if data[1] & 0xF6 == 0xF0:  # ADTS: AAC
        return data[2] >> 2 & 0x0F < 13
    version, layer = data[1] >> 3 & 3, data[1] >> 1 & 3
    return version != 1 and layer in (1, 2) and data[2] >> 4 != 15 and data[2] >> 2 & 3 != 3


_PEEK = 1_024


def is_binary(data: bytes) -> bool:
    """Are these first bytes of a body those of a file, rather than of text that calls itself one?

    Text is UTF-8 without control characters. What is packed (gzip, zstd) counts as a file.
    """
    head = data[:_PEEK]
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) - error.start > 3 or error.reason != "unexpected end of data":
            return True
        text = head[: error.start].decode("utf-8")
    return any(c < " " and c not in "\t\n\r\f\x1b" for c in text) or known(head) is not None
