"""Content codings of bodies (RFC 9110 section 8.4): undone in pieces, under a size and a ratio cap.

A small body can unpack to gigabytes, so output is counted while it grows, never afterwards. Knows
gzip, deflate, br and zstd; never what the bytes are about.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ..errors import BadRequest
from ..http import Headers

MAX_RATIO = 200
"""gzip of ordinary JSON stays under 1:20; zeros reach 1:1,028, and 1:660,000 with br."""
MAX_CODINGS = 2
"""More than two have no honest use, and a packed bomb shrinks again by each."""
_FREE = 1 << 20  # under this many bytes the ratio does not matter
_STEP = 1 << 16
_WINDOW_LOG = 23  # 8 MiB, the largest window a zstd content coding may ask for (RFC 9659)


def codings(headers: Headers) -> tuple[str, ...]:
    """The codings applied, in order, ``identity`` left out."""
    words = [w.strip().lower() for key, value in headers if key == "content-encoding" for w in value.split(",")]
    return tuple(word for word in words if word and word != "identity")


class _Layer(Protocol):
    """One coding. ``undo`` gives what a chunk unpacks to, at most some 100 kB at a time; it raises
    BadRequest for bytes after the end, and ``wrong`` for bytes that are not of this coding."""

    wrong: type[Exception]

    def undo(self, chunk: bytes) -> Iterator[bytes]: ...
    def ended(self) -> bool: ...


class _Zlib:
    """gzip and deflate (RFC 1950 to 1952)."""

    wrong: type[Exception] = zlib.error

    def __init__(self, wbits: int) -> None:
        self._deflate = wbits == zlib.MAX_WBITS
        self._unpack = zlib.decompressobj(wbits)

    def undo(self, chunk: bytes) -> Iterator[bytes]:
        if self._deflate and chunk:
            self._deflate = False
            if chunk[0] & 0x0F != zlib.DEFLATED:  # raw deflate, which clients send under the same name
                self._unpack = zlib.decompressobj(-zlib.MAX_WBITS)
        while chunk and not self._unpack.eof:
            if out := self._unpack.decompress(chunk, _STEP):
                yield out
            chunk = self._unpack.unconsumed_tail
        while not self._unpack.eof and (out := self._unpack.decompress(b"", _STEP)):
            yield out
        if chunk or self._unpack.unused_data:
            raise _trailing()

    def ended(self) -> bool:
        return self._unpack.eof


class _Brotli:
    """br (RFC 7932). Its window is 16 MiB at most; the large windows of later drafts are not read."""

    def __init__(self) -> None:
        import brotli

        self.wrong: type[Exception] = brotli.error
        self._unpack: Any = brotli.Decompressor()

    def undo(self, chunk: bytes) -> Iterator[bytes]:
        if chunk and self._unpack.is_finished():
            raise _trailing()
        yield self._unpack.process(chunk, output_buffer_limit=_STEP)
        while not self._unpack.can_accept_more_data():
            yield self._unpack.process(b"", output_buffer_limit=_STEP)

    def ended(self) -> bool:
        return bool(self._unpack.is_finished())


class _Zstd:
    """zstd (RFC 8878): one frame, which is not a skippable one, without a dictionary."""

    def __init__(self) -> None:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd

        self.wrong: type[Exception] = zstd.ZstdError
        limits: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
        self._unpack = zstd.ZstdDecompressor(options=limits)

    def undo(self, chunk: bytes) -> Iterator[bytes]:
        if self._unpack.eof:
            if chunk:
                raise _trailing()
            return
        yield self._unpack.decompress(chunk, _STEP)
        while not (self._unpack.eof or self._unpack.needs_input):
            yield self._unpack.decompress(b"", _STEP)
        if self._unpack.unused_data:
            raise _trailing()

    def ended(self) -> bool:
        return self._unpack.eof


_LAYERS: dict[str, Callable[[], _Layer]] = {
    "gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "x-gzip": lambda: _Zlib(16 + zlib.MAX_WBITS),
    "deflate": lambda: _Zlib(zlib.MAX_WBITS),
    "br": _Brotli,
    "zstd": _Zstd,
}


class Decoder:
    """Undoes the codings of one body, piece by piece; at most two.

    ``limit`` caps, in bytes, what each of them gives; what it gives may also be no more than
    ``MAX_RATIO`` times what came in. Raises BadRequest: 415 for a coding we do not read or for more
    than two, 413 over the caps, 400 for bytes that are not what they claim to be, end too early or
    go on after their end.
    """

    def __init__(self, applied: tuple[str, ...], limit: int) -> None:
        if len(applied) > MAX_CODINGS:
            raise BadRequest(
                f"the body is compressed more than {MAX_CODINGS} times; send it with one coding or none",
                code="coding",
                status=415,
            )
        if not all(name in _LAYERS for name in applied):
            raise BadRequest(
                "the body's content coding is not read here; send gzip, deflate, br, zstd or none",
                code="coding",
                status=415,
            )
        self._limit = limit
        self._names = applied[::-1]  # the last one applied is undone first
        self._layers = [_LAYERS[name]() for name in self._names]
        self._given = [0] * len(self._layers)
        self._taken = 0

    def feed(self, chunk: bytes) -> bytes:
        """What a chunk unpacks to; raises before more than the caps allow is held."""
        return b"".join(piece for n in range(0, len(chunk), _STEP) for piece in self._take(chunk[n : n + _STEP]))

    def finish(self) -> None:
        """The body has ended; raises where it should not have."""
        if not all(layer.ended() for layer in self._layers):
            raise BadRequest("the compressed body ends too early", code="coding")

    def _take(self, chunk: bytes) -> Iterator[bytes]:
        self._taken += len(chunk)
        return self._undo(chunk, 0)

    def _undo(self, chunk: bytes, at: int) -> Iterator[bytes]:
        if at == len(self._layers):
            yield chunk
            return
        layer = self._layers[at]
        try:
            for piece in layer.undo(chunk):
                self._given[at] += len(piece)
                self._check(self._given[at])
                yield from self._undo(piece, at + 1)
        except layer.wrong:
            raise BadRequest(
                f"the body is not {self._names[at]}, as its content coding says, or has bytes after its end",
                code="coding",
            ) from None

    def _check(self, size: int) -> None:
        if size > self._limit or (size > _FREE and size > MAX_RATIO * self._taken):
            raise BadRequest("the body is too large when unpacked", code="too_large", status=413)


def decoded(body: bytes, headers: Headers, limit: int) -> bytes:
    """A whole body less its codings; the same bytes where there are none."""
    applied = codings(headers)
    if not applied or not body:
        return body
    decoder = Decoder(applied, limit)
    plain = decoder.feed(body)
    decoder.finish()
    return plain


def _trailing() -> BadRequest:
    return BadRequest("bytes follow the end of the compressed body", code="coding")
