"""An Exchange driven by hand, in memory: what a door does, without a door."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from guardrail.exchange import Exchange
from guardrail.flow import Call, Commit, Effect, Together, run
from guardrail.flow import Settled as Outcome
from guardrail.http import Head, Release, Request
from guardrail.policy.plan import Plan
from guardrail.verdict import Decision

JSON = (("content-type", "application/json"),)
EVENTS = (("content-type", "text/event-stream"),)
CHAT = "/v1/chat/completions"


@dataclass
class Result:
    """What became of one call: ``sent`` is what upstream was asked, None where it was not."""

    sent: Request | None = None
    head: Head | None = None
    body: bytes = b""
    increments: list[bytes] = field(default_factory=list)
    rows: list[Decision] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return self.rows[-1].outcome == "refused"

    def take(self, release: Release) -> None:
        assert not (release.head is not None and self.head is not None), "a second head"
        assert self.head is not None or release.head is not None or not release.body, "bytes before the head"
        self.head = self.head or release.head
        self.body += release.body
        self.increments.append(release.body)


def perform_into(rows: list[Decision]) -> Callable[[Effect], Any]:
    def perform(effect: Effect) -> Any:
        if isinstance(effect, Commit):
            rows.append(effect.decision)
            return None
        if isinstance(effect, Call):
            return effect.fn(*effect.args)
        if isinstance(effect, Together):
            return [Outcome(run(flow, perform)) for flow in effect.flows]
        raise AssertionError(f"nothing here answers {type(effect).__name__}")

    return perform


def pieces(raw: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The bytes, cut at these places."""
    places = [0, *sorted({c for c in cuts if 0 < c < len(raw)}), len(raw)]
    return [raw[a:b] for a, b in pairwise(places) if b > a]


def call(
    plan: Plan,
    request: bytes,
    answer: bytes = b"",
    *,
    cuts: Iterable[int] = (),
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = JSON,
    request_headers: tuple[tuple[str, str], ...] = JSON,
    path: str = CHAT,
    method: str = "POST",
    query: str = "",
    ends: bool = True,
) -> Result:
    """One call from beginning to end. ``ends`` False: the caller leaves before upstream has ended."""
    result = Result()
    perform = perform_into(result.rows)
    asked = Request(method, path, request_headers, query=query)
    exchange = Exchange(
        plan, plan.router.find(asked), asked, door="test", id="d0", now=lambda: 0.0, store=result.rows.append
    )
    try:
        if (denied := run(exchange.admit(), perform)) is not None:
            result.take(denied)
            return result
        read = exchange.wants_body or not exchange.is_file(request)
        step = run(exchange.admit_body(request), perform) if read else replace(exchange.unread(), body=request)
        if isinstance(step, Release):
            result.take(step)
            return result
        result.sent = step
        exchange.response(Head(status, headers))
        result.take(exchange.take())
        for piece in pieces(answer, cuts):
            exchange.feed(piece)
            result.take(exchange.take())
            result.take(run(exchange.pump(), perform))
            if exchange.over:
                return result
        if ends:
            exchange.finish()
            result.take(exchange.take())
            result.take(run(exchange.pump(), perform))
            assert exchange.over, "upstream has ended, and the exchange has not"
    finally:
        exchange.close("disconnected")
    assert len(result.rows) == 1 or not ends, f"{len(result.rows)} rows"
    return result
