"""One exchange of an API, written from its documents: what the laws of ``test_laws`` are tried on."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from guardrail.wires.aws import AwsEvents

SSE = "text/event-stream"
NDJSON = "application/x-ndjson"
AWS = "application/vnd.amazon.eventstream"


@dataclass(frozen=True)
class Case:
    """``answer``: a tree, bytes, or (for a stream) a list of events, each (name, tree) or a tree.

    ``answer_type`` says how events are framed; ``application/json`` with events is a JSON array sent
    in pieces. ``done``: data that ends the stream, such as ``[DONE]``. Trees hold no canary.
    """

    name: str
    path: str
    request: Any = None
    answer: Any = None
    method: str = "POST"
    request_type: str = "application/json"
    answer_type: str = "application/json"
    events: Sequence[Any] | None = None
    done: str = ""
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200

    @property
    def asked(self) -> bytes:
        return raw(self.request)

    def said(self, events: Sequence[Any] | None = None, end: str = "\n") -> bytes:
        """The answer's bytes; of a stream with these events in place of its own, and this line end."""
        chosen = self.events if events is None else events
        return raw(self.answer) if chosen is None else framed(chosen, self.answer_type, self.done, end)


def raw(body: Any) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def framed(events: Sequence[Any], media: str, done: str = "", end: str = "\n") -> bytes:
    """Events as the bytes of a stream."""
    pairs = [event if isinstance(event, tuple) else ("", event) for event in events]
    texts = [(name, tree if isinstance(tree, str) else json.dumps(tree)) for name, tree in pairs]
    if media == SSE:
        out = "".join((f"event: {name}{end}" if name else "") + f"data: {text}{end}{end}" for name, text in texts)
        return (out + (f"data: {done}{end}{end}" if done else "")).encode()
    if media == AWS:
        framing = AwsEvents()
        return b"".join(framing.write(text.encode(), name) for name, text in texts)
    if media == NDJSON:
        return "".join(f"{text}{_line(end)}" for _, text in texts).encode()
    return ("[" + f",{end}".join(text for _, text in texts) + f"{end}]").encode()


def _line(end: str) -> str:
    """A line end that readers of JSON Lines know: a CR alone is none."""
    return "\n" if end == "\r" else end


@cache
def cases() -> dict[str, Case]:
    """Every case of every format, by folder and name."""
    here = Path(__file__).parent
    named = [(f"{p.parent.name}: {c.name}", c) for p in sorted(here.glob("*/cases_*.py")) for c in _load(p)]
    found = dict(named)
    assert len(found) > 100, "where are the cases?"
    assert len(found) == len(named), "two cases have one name"
    return found


def _load(path: Path) -> list[Case]:
    spec = importlib.util.spec_from_file_location(f"cases_{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    cases: list[Case] = module.CASES
    return cases
