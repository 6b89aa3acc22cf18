"""One request and the stream that answers it: written from an API's documents, or recorded.

Knows how to send it through an exchange driven by hand. Of what is looked for it knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from guardrail.http import Head, Request
from guardrail.policy.plan import Plan
from guardrail.wires.protocol import Codec, Notice
from tests.support import plans, traffic
from tests.support.drive import Result, call
from tests.wires.case import AWS, NDJSON, SSE, Case, cases, framed

ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
_STREAMS = (SSE, NDJSON, AWS, "application/stream+json")
_NOTICE = Notice(plans.SAY, "content_refused", "d0", answer=True)


@dataclass(frozen=True)
class Talk:
    """``answer`` has its lines ended by LF."""

    name: str
    path: str
    request: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    media: str
    method: str = "POST"
    query: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    def ends(self) -> list[str]:
        """The names of the line ends that this framing knows."""
        if self.media.startswith(AWS):
            return ["LF"]
        return ["LF", "CRLF"] if self.media.startswith(NDJSON) else list(ENDS)

    def ended(self, end: str) -> bytes:
        """The answer with its lines ended so. JSON has no line end inside its strings."""
        return self.answer if end == "LF" else self.answer.replace(b"\n", ENDS[end].encode())

    def go(self, plan: Plan, raw: bytes, cuts: Iterable[int] = ()) -> Result:
        return call(
            plan,
            self.request,
            raw,
            cuts=cuts,
            status=self.status,
            headers=(("content-type", self.media),),
            request_headers=self.headers,
            path=self.path,
            method=self.method,
            query=self.query,
        )

    def ending(self) -> bytes:
        """What a refusal consists of where nothing of the answer has left: words of ours, and of the API."""
        codec = self.codec()
        return codec.refuse(_NOTICE) if codec is not None else b""

    def codec(self) -> Codec | None:
        """What reads this stream; None where it is read as a whole."""
        asked = Request(self.method, self.path, self.headers, query=self.query)
        match = plans.NOTHING.router.find(asked)
        if match is None:
            return None
        body = match.wire.request(self.request, asked)
        return match.wire.stream(body, Head(self.status, (("content-type", self.media),)))


def of_case(case: Case, events: Sequence[Any] | None = None) -> Talk:
    media = (("content-type", case.request_type),) if case.request_type else ()
    return Talk(
        case.name,
        case.path,
        case.asked,
        case.said(events),
        case.answer_type,
        case.method,
        case.query,
        case.status,
        (*media, *case.headers),
    )


@cache
def own() -> dict[str, Talk]:
    """Every stream among the cases of all formats."""
    return {name: replace(of_case(case), name=name) for name, case in cases().items() if case.events is not None}


@cache
def recorded() -> dict[str, Talk]:
    """Every recorded stream of a known API; none where ``GUARDRAIL_TRAFFIC`` names no folder."""
    found = {}
    for each in traffic.recorded():
        path, _, query = each.path.partition("?")
        media = (("content-type", each.request_type),) if each.request_type else ()
        if each.content_type.partition(";")[0] in _STREAMS:
            answer = each.answer if each.content_type.startswith(AWS) else each.answer.replace(b"\r\n", b"\n")
            talk = Talk(each.id, path, each.request, answer, each.content_type, each.method, query, each.status, media)
            if talk.codec() is not None:
                found[f"{each.provider} {each.endpoint} {each.id}"] = talk
    return found


def streamed(
    path: str, events: Sequence[Any], request: bytes, media: str = SSE, done: str = "", query: str = ""
) -> Talk:
    """A stream made for a test, of these events (trees, or pairs of a name and a tree)."""
    asked = (("content-type", "application/json"),)
    return Talk("made", path, request, framed(events, media, done), media, query=query, headers=asked)
