"""Drives cases through the doors in memory, and says what became of each.

Knows ASGI, the guard's public doors and the judge; makes no cases.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from guardrail.core import Guard
from guardrail.doors.asgi import GuardrailMiddleware
from guardrail.doors.gateway import gateway
from guardrail.verdict import Decision
from tests.support.plans import Word, plan

from . import judge
from .grammar import Case, case
from .words import CANARY

DOORS = ("middleware", "gateway")
_WHOLE = ("", "request", "response", "*", "body")


class Upstream:
    """Remembers the one request it got, and answers as the case says."""

    def __init__(self) -> None:
        self.now: Case | None = None
        self.target, self.body, self.headers = "", b"", list[tuple[str, str]]()
        self.reached = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.now is not None
        parts, more = [], True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        self.reached, self.body = True, b"".join(parts)
        self.headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in scope["headers"]]
        query = scope["query_string"].decode("latin-1")
        self.target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        answer = self.now.answer
        head = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        for piece in answer.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@dataclass
class Report:
    """Counts of one run. ``failures`` name cases by door and index only, for a case is text."""

    seed: int
    cases: int = 0
    requests: Counter[str] = field(default_factory=Counter)  # "door outcome"
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[str, int, str]] = field(default_factory=list)
    seconds: float = 0.0

    def total(self, outcome: str) -> int:
        return sum(self.requests[f"{door} {outcome}"] for door in DOORS)

    @property
    def driven(self) -> int:
        return sum(self.requests.values())

    @property
    def accepted(self) -> float:
        """The part of the cases that reached the upstream without the canary."""
        return self.total("accepted") / max(1, self.driven)

    def lines(self) -> list[str]:
        out = [
            f"seed {self.seed}: {self.cases} cases, {self.driven} calls, {self.driven / max(self.seconds, 1e-9):.0f} calls/s"
        ]
        for door in DOORS:
            for name, counter in (("requests", self.requests), ("answers", self.answers)):
                counts = {k.partition(" ")[2]: n for k, n in sorted(counter.items()) if k.startswith(door)}
                if counts:
                    out.append(f"  {door:<10} {name:<8} " + ", ".join(f"{k} {n}" for k, n in counts.items()))
        out.append(
            f"  accepted {self.accepted:.1%}; unguarded passes {self.total('unguarded')}; answers shown {self._shown()}"
        )
        return out

    def _shown(self) -> int:
        return sum(self.answers[f"{door} shown"] for door in DOORS)


class Bench:
    """One guard behind each door, in front of one upstream."""

    def __init__(self) -> None:
        self.rows: list[Decision] = []
        self.upstream = Upstream()
        self._apps: dict[str, Any] = {}
        for door in DOORS:
            guard = Guard(plan(Word(CANARY)), log="none")
            submit = guard.submit

            def remember(decision: Decision, submit: Any = submit) -> Any:
                self.rows.append(decision)
                return submit(decision)

            guard.submit = remember  # type: ignore[method-assign]
            self._apps[door] = (
                GuardrailMiddleware(self.upstream, guard) if door == "middleware" else gateway(guard, self.upstream)
            )

    async def drive(self, made: Case, door: str, report: Report) -> None:
        """One case through one door, counted."""
        upstream = self.upstream
        upstream.now, upstream.reached = made, False
        self.rows.clear()
        body, head, error = await _ask(self._apps[door], made)
        if error is not None:
            report.failures.append((door, made.index, error))
        outcome = self._request(made)
        report.requests[f"{door} {outcome}"] += 1
        if outcome == "unguarded":
            report.failures.append((door, made.index, "unguarded"))
        if any(gap.reason == "bug" for row in self.rows for gap in row.not_evaluated):
            report.failures.append((door, made.index, "the guard failed"))
        if len(self.rows) > 1:
            report.failures.append((door, made.index, f"{len(self.rows)} rows"))
        if upstream.reached and made.answer.planted:
            shown = self._answer(body, head)
            report.answers[f"{door} {shown}"] += 1
            if shown == "shown":
                report.failures.append((door, made.index, "answer shown"))

    def _request(self, made: Case) -> str:
        upstream = self.upstream
        if not upstream.reached:
            return "refused"
        if not made.planted:
            return "accepted"
        seen = judge.in_body(upstream.body, upstream.headers)
        if made.method.upper() != made.api.method and not any(
            k == "x-http-method-override" for k, _ in upstream.headers
        ):
            seen = [s for s in seen if s.reader != judge.API]  # no such operation, so nobody who knows its fields
        if not seen:
            return "in the target" if judge.in_target(upstream.target) else "accepted"
        return "said so" if self._says(seen, "request") else "unguarded"

    def _says(self, seen: list[judge.Sighting], side: str) -> bool:
        """Is there a row that lists as not evaluated each place where the canary was read?"""
        places = [gap.where for row in self.rows for gap in row.not_evaluated]
        if not places:
            return False
        return all(s.path is None or any(place in _WHOLE or s.path.startswith(place) for place in places) for s in seen)

    def _answer(self, body: bytes, head: list[tuple[str, str]]) -> str:
        if not judge.in_answer(body, head):
            return "hidden"
        return "said so" if any(row.not_evaluated for row in self.rows) else "shown"


async def _ask(app: Any, made: Case) -> tuple[bytes, list[tuple[str, str]], str | None]:
    """What the caller got: body, headers, and what was wrong with the conversation, if anything."""
    waiting = [
        {"type": "http.request", "body": c, "more_body": n < len(made.chunks) - 1} for n, c in enumerate(made.chunks)
    ]
    waiting.reverse()
    head: list[tuple[str, str]] = []
    pieces: list[bytes] = []
    state = {"status": 0, "ended": 0}

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            state["status"] = state["status"] * 1000 + message["status"]
            head.extend((k.decode("latin-1").lower(), v.decode("latin-1")) for k, v in message["headers"])
        else:
            pieces.append(message.get("body", b""))
            state["ended"] += not message.get("more_body", False)

    raw, _, query = made.target.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": made.method, "scheme": "http",
        "path": unquote(raw), "raw_path": raw.encode("latin-1"), "query_string": query.encode("latin-1"), "root_path": "",
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in made.headers],
        "client": ("127.0.0.1", 1), "server": ("test", 80), "extensions": {}, "app": None,
    }  # fmt: skip
    try:
        await app(scope, receive, send)
    except Exception as error:  # noqa: BLE001 - whatever is raised is a finding, not the end of the run
        return b"".join(pieces), head, f"raised {type(error).__name__}"
    wrong = None if 99 < state["status"] < 600 and state["ended"] == 1 else "no valid answer"
    return b"".join(pieces), head, wrong


def fuzz(seed: int, indices: Iterable[int], doors: Iterable[str] = DOORS) -> Report:
    """Run these cases."""
    report = Report(seed)
    bench, begun = Bench(), time.perf_counter()

    async def run() -> None:
        for index in indices:
            made = case(seed, index)
            report.cases += 1
            for door in doors:
                await bench.drive(made, door, report)

    asyncio.run(run())
    report.seconds = time.perf_counter() - begun
    return report


def hunt(seed: int, indices: Iterable[int], fault: Callable[[], AbstractContextManager[None]]) -> int | None:
    """How many cases it takes to find a fault: until one passes unguarded that does not without it. None: not found."""
    bench = Bench()

    async def unguarded(made: Case) -> int:
        report = Report(seed)
        for door in DOORS:
            await bench.drive(made, door, report)
        return report.total("unguarded")

    async def run() -> int | None:
        for count, index in enumerate(indices, 1):
            made = case(seed, index)
            with fault():
                broken = await unguarded(made)
            if broken and broken > await unguarded(made):
                return count
        return None

    return asyncio.run(run())


def visible(made: Case) -> bool:
    """Does the judge see the canary in the request as it was sent, with no guard between?"""
    return bool(judge.in_body(b"".join(made.chunks), made.headers)) or judge.in_target(made.target)


def described(made: Case) -> str:
    """A case in words: what was done, never its text."""
    return json.dumps({"api": made.api.name, "method": made.method, "tags": made.tags, "answer": made.answer.what})
