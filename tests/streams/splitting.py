"""Cuts the bytes of a stream into events, as far as they are whole: what a client of each framing does.

Knows bytes only; of what an event says it knows nothing.
"""

from __future__ import annotations

import json
import re
from typing import Protocol

from guardrail.wires.aws import AwsEvents

_BLANK = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(r"\r\n|\n|\r")
_GAP = re.compile(r"[\s,\[\]]*")

Whole = tuple[list[tuple[str, str, str]], bytes]
"""The (name, data, aside) of each event that is whole, and the bytes that are none yet."""


class Splitter(Protocol):
    """``end``: what has to follow the last event, where it may be missing."""

    end: bytes

    def split(self, raw: bytes) -> Whole: ...


class _Lines:
    """JSON lines."""

    end = b"\n"

    def split(self, raw: bytes) -> Whole:
        *lines, rest = raw.split(b"\n")
        return [("", line.decode("utf-8", "replace"), "") for line in lines if line.strip()], rest


class _Events:
    """Server-sent events (WHATWG HTML 9.2.6)."""

    end = b"\n\n"

    def split(self, raw: bytes) -> Whole:
        out, at = [], 0
        for match in _BLANK.finditer(raw):
            text = raw[at : match.end()].decode("utf-8", "surrogateescape").removeprefix("\ufeff")
            out.append(self._event(text))
            at = match.end()
        return [event for event in out if any(event)], raw[at:]

    def _event(self, text: str) -> tuple[str, str, str]:
        name, data, aside = "", list[str](), list[str]()
        for line in filter(None, _LINE.split(text)):
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "event":
                name = value
            else:
                (data if key == "data" else aside).append(value)
        return name, "\n".join(data), "\n".join(aside)


class _Array:
    """A JSON array that comes element by element."""

    end = b""

    def split(self, raw: bytes) -> Whole:
        text = raw.decode("utf-8", "surrogateescape")
        out, at = list[tuple[str, str, str]](), 0
        decoder = json.JSONDecoder()
        while True:
            begin = _GAP.match(text, at)
            assert begin is not None
            try:
                _, at = decoder.raw_decode(text, begin.end())
            except ValueError:
                rest = text[begin.end() :]
                return out, rest.encode("utf-8", "surrogateescape")
            out.append(("", text[begin.end() : at], ""))


class _Messages:
    """The binary event stream of AWS."""

    end = b""

    def split(self, raw: bytes) -> Whole:
        events = list(AwsEvents().feed(raw))
        at = sum(len(event.raw) for event in events)
        return [(event.name, event.data.decode("utf-8", "replace"), event.aside) for event in events], raw[at:]


class _Text:
    """Text without events."""

    end = b""

    def split(self, raw: bytes) -> Whole:
        text = raw.decode("utf-8", "replace")
        return ([("", text, "")] if text else []), b""


def framing(media: str) -> Splitter:
    media = media.partition(";")[0].strip()
    if media == "text/event-stream":
        return _Events()
    if "eventstream" in media:
        return _Messages()
    if media in ("application/x-ndjson", "application/jsonl", "application/stream+json"):
        return _Lines()
    return _Array() if media == "application/json" else _Text()
