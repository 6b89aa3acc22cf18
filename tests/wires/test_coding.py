"""Content codings: undone in any pieces, under caps, and refused where they are not what they say."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.errors import BadRequest
from guardrail.wires.coding import Decoder, codings, decoded
from tests.support.drive import pieces

MiB = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "zlib": ("deflate", zlib.compress),
    "raw": ("deflate", raw_deflate),
}


def headers(*values: str) -> tuple[tuple[str, str], ...]:
    return tuple(("content-encoding", value) for value in values)


def unpack(name: str, raw: bytes, cuts: list[int], limit: int = MiB) -> bytes:
    decoder = Decoder((name,), limit)
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
    if coder == "raw" and wrong == "changed":
        return  # raw deflate has no checksum
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
    "values", [["br"], ["zstd"], ["compress"], ["gzip, gzip"], ["gzip", "gzip"], ["deflate,gzip"], ["aes128gcm"]]
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
