"""A chat model that keeps time, as a server: ``python -m bench.paced``.

The name of the model that is asked for says what it answers: how many tokens, how fast, and what comes
then. Knows the wire format, no guard.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import TYPE_CHECKING, Any

from .model import frames, head_of_stream, request_body
from .service import SENTENCES
from .stub import serve
from .texts import tokens

if TYPE_CHECKING:
    from guardrail.doors.asgi import Scope
    from guardrail.doors.delivery import Receive, Send

READ = 65_536
"""Bytes in one read of a flood."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is said. ``rate`` in tokens a second (0: as fast as it goes), ``first`` in seconds before the head.

    ``refused``: which of the service's sentences comes first. ``flood``: so many bytes of reads that are
    full, before all else. ``silent``: nothing comes after the tokens, and no end.
    """

    tokens: int = 0
    rate: float = 0.0
    first: float = 0.0
    refused: str = ""
    flood: int = 0
    silent: bool = False

    def name(self) -> str:
        """As the name of a model."""
        parts = (self.tokens, self.rate, self.first, self.refused, self.flood, int(self.silent))
        return "_".join(("paced", *map(str, parts)))

    @classmethod
    def read(cls, name: str) -> Script:
        _, count, rate, first, refused, flood, silent = name.split("_")
        return cls(int(count), float(rate), float(first), refused, int(flood), silent == "1")

    def pieces(self) -> list[str]:
        """The text, a piece a token."""
        if not self.refused:
            return tokens(self.tokens)
        first, *rest = f"{SENTENCES[self.refused]} {''.join(tokens(self.tokens))}".split(" ")
        return [first, *(f" {word}" for word in rest)]


async def paced(scope: Scope, receive: Receive, send: Send) -> None:
    """The app."""
    assert scope["type"] == "http"
    script = Script.read(json.loads(await request_body(receive))["model"])
    loop = asyncio.get_running_loop()
    began = loop.time() + script.first
    await _until(began)
    await send(head_of_stream())
    if script.flood:
        read = _read()
        for _ in range(script.flood // len(read)):
            await _body(send, read)
    opening, *said, finish, done = _frames(script)
    await _body(send, opening)
    number = next(_NUMBERS)
    for n, data in enumerate(said):
        if script.rate:
            await _until(began + n / script.rate)
        if n % _OWN == 0 and not script.refused:
            data = data.replace(_CONTENT, b"%s%d" % (_CONTENT, number), 1)
        await _body(send, data)
    if script.silent:
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await _body(send, finish + done)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


_NUMBERS = count(100_000)
OWN_NUMBER = re.compile(r"[1-9][0-9]{5}")
"""A stream's own number, as it stands in the text; there are no other digits there."""
_OWN = 16
"""Tokens between two that hold the stream's own number: nobody knows a window of it from another stream."""
_CONTENT = b'"content": "'


async def _until(when: float) -> None:
    """Each token by the clock, so that a late one makes none of the next ones late."""
    if (wait := when - asyncio.get_running_loop().time()) > 0:
        await asyncio.sleep(wait)


async def _body(send: Send, data: bytes) -> None:
    message: dict[str, Any] = {"type": "http.response.body", "body": data, "more_body": True}
    await send(message)


@cache
def _frames(script: Script) -> Sequence[bytes]:
    return frames(script.pieces())


@cache
def _read() -> bytes:
    """Whole frames of tokens, as many as one read holds."""
    out = b""
    for frame in frames(tokens(1_000))[1:-2]:
        if len(out) + len(frame) > READ:
            break
        out += frame
    return out


if __name__ == "__main__":
    serve(paced)
