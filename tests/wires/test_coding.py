"""Content codings: undone in any pieces, under caps, and refused where they are not what they say."""

from __future__ import annotations

import gzip
import random
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import BadRequest
from guardrail.wires.coding import Decoder, codings, decoded
from tests.support.drive import pieces

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MiB = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def br(data: bytes) -> bytes:
    return bytes(brotli.compress(data, quality=5))


def zst(data: bytes, window_log: int = 17) -> bytes:
    chosen: dict[int, int] = {
        zstd.CompressionParameter.window_log: window_log,
        zstd.CompressionParameter.checksum_flag: 1,
    }
    packer = zstd.ZstdCompressor(options=chosen)
    return packer.compress(data) + packer.flush()


CODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw": ("deflate", raw_deflate),
    "br": ("br", br),
    "zstd": ("zstd", zst),
}
UNMARKED = ("raw", "br")  # no checksum


def headers(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple(("content-encoding", value) for value in values)


def unpack(name: str, raw: bytes, cuts: list[int], limit: int = MiB) -> bytes:
    decoder = Decoder(tuple(name.split()), limit)
    plain = b"".join(decoder.feed(piece) for piece in pieces(raw, cuts))
    decoder.finish()
    return plain


@pytest.mark.parametrize("coder", CODERS)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_round_trip_in_any_pieces(coder: str, data: bytes, cuts: list[int]) -> None:
    name, pack = CODERS[coder]
    assert unpack(name, pack(data), cuts) == data
    if data:
        assert decoded(pack(data), headers(name), MiB) == data


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("wrong", ["trailing", "trailing later", "short", "member", "garbage", "plain", "changed"])
def test_bytes_that_are_not_what_they_claim_are_refused(coder: str, wrong: str) -> None:
    name, pack = CODERS[coder]
    data = b'{"a":"some text that is packed"}' * 9
    whole = pack(data)
    raw, cuts = {
        "trailing": (whole + b"x", []),
        "trailing later": (whole + b"x", [len(whole)]),
        "member": (whole + pack(b"more"), [len(whole)]),
        "short": (whole[:-1], []),
        "garbage": (b"\x1f\x8b\x08\x00" + b"\xff" * 40, []),
        "plain": (data, []),
        "changed": (whole[:20] + bytes([whole[20] ^ 0xFF]) + whole[21:], []),
    }[wrong]
    if coder in UNMARKED and wrong == "changed":
        return
    with pytest.raises(BadRequest) as caught:
        unpack(name, raw, cuts)
    assert caught.value.status == 400


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("step", [100, 1 << 20])
def test_bombs_are_stopped_while_they_grow(coder: str, step: int) -> None:
    name, pack = CODERS[coder]
    bomb = pack(bytes(128 * MiB))
    tracemalloc.start()
    with pytest.raises(BadRequest, match="too large when unpacked") as caught:
        unpack(name, bomb, list(range(0, len(bomb), step)), limit=64 * MiB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 100 * MiB if step > 100 else peak < 8 * MiB


def test_the_size_cap_is_exact() -> None:
    assert len(unpack("gzip", gzip.compress(bytes(1000)), [], limit=1000)) == 1000
    with pytest.raises(BadRequest):
        unpack("gzip", gzip.compress(bytes(1001)), [], limit=1000)


@pytest.mark.parametrize(
    "values",
    [
        ["compress"],
        ["aes128gcm"],
        ["dcb"],
        ["gzip, unheard-of"],
        ["unheard-of, gzip"],
        ["gzip, gzip, gzip"],
        ["gzip", "br", "zstd"],
        ["gzip, identity, br", "zstd"],
    ],
)
def test_codings_that_are_not_read_are_refused(values: list[str]) -> None:
    with pytest.raises(BadRequest) as caught:
        decoded(b"abc", headers(*values), MiB)
    assert caught.value.status == 415
    assert "send" in str(caught.value)


def test_no_coding_is_no_copy() -> None:
    body = b"abc"
    for none in ((), ("identity",), ("", "Identity, ")):
        assert decoded(body, headers(*none), MiB) is body
    assert codings(headers("GZip, identity")) == ("gzip",)


def test_trailing_bytes_are_refused_wherever_the_steps_of_reading_end() -> None:
    whole = gzip.compress(bytes(range(256)) * 700, compresslevel=0)
    body = whole[: 1 << 16]
    for size in range(100, 200_000, 30_000):
        whole = gzip.compress(bytes(size), compresslevel=0)
        body = whole + bytes((1 << 16) - len(whole) % (1 << 16)) + b"x"
        with pytest.raises(BadRequest, match="follow"):
            decoded(body, headers("gzip"), MiB)


@pytest.mark.parametrize("inner", CODERS)
@pytest.mark.parametrize("outer", CODERS)
@given(data=st.binary(min_size=1, max_size=200), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_two_codings_are_undone_in_any_pieces(inner: str, outer: str, data: bytes, cuts: list[int]) -> None:
    (first, pack), (second, wrap) = CODERS[inner], CODERS[outer]
    raw = wrap(pack(data))
    assert unpack(f"{first} {second}", raw, cuts) == data
    assert decoded(raw, headers(f"{first}, identity", second), MiB) == data


@pytest.mark.parametrize("coder", CODERS)
@given(data=st.binary(min_size=1, max_size=200), extra=st.binary(min_size=1, max_size=9), at=st.integers(0, 300))
def test_trailing_bytes_are_refused_wherever_they_are_cut(coder: str, data: bytes, extra: bytes, at: int) -> None:
    name, pack = CODERS[coder]
    for names, raw in ((name, pack(data) + extra), (f"{name} gzip", gzip.compress(pack(data) + extra))):
        with pytest.raises(BadRequest) as caught:
            unpack(names, raw, [at])
        assert caught.value.status == 400


@pytest.mark.parametrize("coder", CODERS)
@given(data=st.binary(min_size=1, max_size=200), at=st.integers(0, 300))
def test_early_ends_are_refused(coder: str, data: bytes, at: int) -> None:
    name, pack = CODERS[coder]
    whole = pack(data)
    for names, raw in ((name, whole), (f"{name} gzip", gzip.compress(whole[: at % len(whole)]))):
        with pytest.raises(BadRequest, match="ends too early"):
            unpack(names, raw[: at % len(raw)] if names == name else raw, [])


@pytest.mark.parametrize("coder", ["gzip", "gzip gzip", "br", "br gzip", "zstd", "zstd zstd", "gzip br"])
@pytest.mark.parametrize("step", [10, 1000, 1 << 20])
def test_bombs_of_64_kb_are_stopped_in_little_memory(coder: str, step: int) -> None:
    body = random.Random(1).randbytes(40_000) + bytes(200 * MiB)  # the noise makes room under the ratio cap
    for name in coder.split():
        body = CODERS[name][1](body)
    assert len(body) < 400_000
    raw = body[: 64 << 10] if coder == "gzip" else body
    tracemalloc.start()
    with pytest.raises(BadRequest, match="too large when unpacked") as caught:
        unpack(coder, raw, list(range(0, len(raw), step)), limit=64 * MiB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.status == 413
    assert peak < 64 * MiB


def test_a_window_over_8_mib_is_refused() -> None:
    assert unpack("zstd", zst(b"text" * 9, window_log=23), []) == b"text" * 9
    with pytest.raises(BadRequest) as caught:
        unpack("zstd", zst(b"text" * 9, window_log=24), [])
    assert caught.value.status == 400


def test_zstd_frames_that_some_readers_skip_are_refused() -> None:
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00text"
    for raw in (skipped + zst(b"more"), zst(b"more") + skipped, zst(b"a") + zst(b"b")):
        with pytest.raises(BadRequest):
            unpack("zstd", raw, [])


def test_both_of_two_codings_are_capped() -> None:
    body = random.Random(2).randbytes(3000)
    assert unpack("gzip gzip", gzip.compress(gzip.compress(body)), [], limit=4000) == body
    packed = gzip.compress(body[:100] + bytes(200_000))  # small as it comes out, large in between
    with pytest.raises(BadRequest, match="too large"):
        unpack("deflate gzip", gzip.compress(zlib.compress(packed, level=0) + bytes(9000)), [], limit=5000)


def test_the_order_of_codings_is_that_of_the_header() -> None:
    raw = br(gzip.compress(b"text"))
    assert decoded(raw, headers("gzip", "br"), MiB) == b"text"
    with pytest.raises(BadRequest):
        decoded(raw, headers("br, gzip"), MiB)


def test_the_libraries_are_loaded_on_first_use() -> None:
    told = (
        "import sys, guardrail.wires.coding as c; c.Decoder(('gzip',), 9);"
        "print([m for m in sys.modules if 'brotli' in m or 'zstd' in m])"
    )
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "[]\n"
