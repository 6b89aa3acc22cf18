"""Content codings of bodies (RFC 9110 section 8.4): decoded in pieces, under a size and a ratio cap.

A small body can unpack to gigabytes, so output is counted while it grows, never afterwards.
"""

from __future__ import annotations

import zlib

from ..errors import BadRequest
from ..http import Headers

MAX_RATIO = 200
"""gzip of ordinary JSON stays under 1:20; zeros reach 1:1,028."""
_FREE = 1 << 20  # under this many bytes the ratio does not matter
_STEP = 1 << 16
_WBITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def codings(headers: Headers) -> tuple[str, ...]:
    """The codings applied, in order, ``identity`` left out."""
    words = [w.strip().lower() for key, value in headers if key == "content-encoding" for w in value.split(",")]
    return tuple(word for word in words if word and word != "identity")


class Decoder:
    """Undoes one gzip or deflate coding, piece by piece.

    Raises BadRequest: 415 for a coding we do not read or for several, 413 over the caps, 400 for
    bytes that are not what they claim to be, or go on after their end.
    """

    def __init__(self, applied: tuple[str, ...], limit: int) -> None:
        if len(applied) > 1:
            raise BadRequest(
                "the body is compressed more than once; send it with one coding or none", code="coding", status=415
            )
        if applied[0] not in _WBITS:
            raise BadRequest(
                "the body's content coding is not read here; send gzip, deflate or none", code="coding", status=415
            )
        self._name, self._limit = applied[0], limit
        self._unpack = zlib.decompressobj(_WBITS[self._name])
        self._taken = self._given = 0

    def feed(self, chunk: bytes) -> bytes:
        if self._name == "deflate" and not self._taken and chunk and chunk[0] & 0x0F != 8:
            self._unpack = zlib.decompressobj(-15)  # raw deflate, which clients send under the same name
        self._taken += len(chunk)
        out = bytearray()
        pending = chunk
        try:
            while pending and not self._unpack.eof:
                out += self._unpack.decompress(pending, _STEP)
                pending = self._unpack.unconsumed_tail
                self._check(len(out))
            if not pending and not self._unpack.eof:
                while more := self._unpack.decompress(b"", _STEP):
                    out += more
                    self._check(len(out))
        except zlib.error:
            raise BadRequest(f"the body is not {self._name}, as its content coding says", code="coding") from None
        if self._unpack.unused_data or (pending and self._unpack.eof):
            raise BadRequest("bytes follow the end of the compressed body", code="coding")
        self._given += len(out)
        return bytes(out)

    def finish(self) -> None:
        if not self._unpack.eof:
            raise BadRequest("the compressed body ends too early", code="coding")

    def _check(self, growing: int) -> None:
        size = self._given + growing
        if size > self._limit or (size > _FREE and size > MAX_RATIO * max(1, self._taken)):
            raise BadRequest("the body is too large when unpacked", code="too_large", status=413)


def decoded(body: bytes, headers: Headers, limit: int) -> bytes:
    """A whole body less its coding; the same bytes where there is none."""
    applied = codings(headers)
    if not applied or not body:
        return body
    decoder = Decoder(applied, limit)
    plain = b"".join(decoder.feed(body[n : n + _STEP]) for n in range(0, len(body), _STEP))
    decoder.finish()
    return plain
