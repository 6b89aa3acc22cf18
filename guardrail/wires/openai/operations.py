"""The operations of OpenAI's HTTP API but chat, responses, conversations and realtime."""

from __future__ import annotations

from ...http import Request
from ..operation import Operation
from ..router import Router
from . import audio, embeddings, files, images, rest, threads
from .batches import Find
from .chat import Chat
from .completions import AgentChat, Completions, Infill
from .ocr import Ocr


def operations(find: Find | None = None) -> tuple[Operation, ...]:
    """One of each. ``find`` names the operation that a POST to a path would be, for the lines of batch
    files; without it only chat and those here are known to them."""
    known: list[Operation] = [Chat()]
    made = (
        Completions(),
        Infill(),
        AgentChat(),
        *embeddings.operations(),
        *images.operations(),
        *audio.operations(),
        *files.operations(find or finder(known)),
        *threads.operations(),
        Ocr(),
        *rest.plain(),
    )
    known += made
    return made


def finder(known: list[Operation]) -> Find:
    """A ``Find`` over operations, which may still be added until it is first asked."""
    routers: list[Router] = []

    def find(path: str) -> Operation | None:
        if not routers:
            routers.append(Router(known))
        match = routers[0].find(Request("POST", path, ()))
        return match.wire if match is not None and isinstance(match.wire, Operation) else None

    return find
