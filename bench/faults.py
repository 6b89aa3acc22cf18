"""``python -m bench.faults``: every way in which a moderation service fails, and how each ends for a caller.

Kinds of fault x fail modes x directions x whole and streamed replies x both colours, through a guarded client. Prints
one line a kind, with the longest time over the deadline; fails where an exchange ends otherwise than documented.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import httpx

from guardrail import Guard, transports
from guardrail.store.recorder import memory

from .faulty import KINDS, Faulty, faulty

DEADLINE = 0.4
"""Seconds that the check may take."""

WORDS = ("refuse", "flag", "allow")
SAID, SAFE = "a harmless reply, canary", "What is a good soup?"
POLICY = """
guardrail: 1
name: faults
checks:
  harm: {{use: openai, api_key: sk-canary-zq7x, url: "{url}", timeout: {deadline}, attempts: 2, on_error: {word}}}
input: [{input}]
output: [{output}]
rules:
  - {{when: harm, do: refuse}}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One exchange: what fails, what the policy says to that, which texts are judged, how the reply comes, by whom."""

    kind: str
    word: str
    direction: str
    streamed: bool
    sync: bool


@dataclass(frozen=True, slots=True)
class End:
    """How it ended: what the caller read, what the log says, and seconds over the deadline (loading not counted)."""

    case: Case
    status: int
    passed: bool
    outcome: str
    action: str
    reason: str
    over: float
    leaked: bool

    @property
    def right(self) -> bool:
        """As documented: never clean, never quiet; refused or passed by the policy's own word. A refusal is an answer
        503, for nobody judged the text; within a stream, which has begun with 200, it is its end."""
        words = {"refuse": ("refuse", False), "flag": ("flag", True), "allow": ("allow", True)}
        begun = self.case.streamed and self.case.direction == "output"
        status = 503 if self.case.word == "refuse" and not begun else 200
        expected = (status, *words[self.case.word], "not_evaluated", False)
        return (self.status, self.action, self.passed, self.outcome, self.leaked) == expected and bool(self.reason)


def cases(kinds: Sequence[str] = KINDS) -> Iterator[Case]:
    for kind, word, direction, streamed, sync in product(
        kinds, WORDS, ("input", "output"), (False, True), (True, False)
    ):
        yield Case(kind, word, direction, streamed, sync)


def ended(case: Case, server: Faulty, folder: Path) -> End:
    """Make one exchange."""
    path = folder / "faults.yaml"
    asked = {case.direction: "harm"}
    path.write_text(
        POLICY.format(
            url=server.url(case.kind),
            deadline=DEADLINE,
            word=case.word,
            input=asked.get("input", ""),
            output=asked.get("output", ""),
        )
    )
    guard = Guard.from_policy(path, log="none")
    recorder = memory()
    guard._recorder = recorder
    begun = time.perf_counter()
    status, text = _sync(guard, case) if case.sync else asyncio.run(_async(guard, case))
    seconds = time.perf_counter() - begun
    guard.close()
    (row,) = recorder.rows
    reason = row.not_evaluated[0].reason if row.not_evaluated else ""
    return End(
        case,
        status,
        "canary" in text,
        str(row.outcome),
        row.action.word,
        reason,
        max(0.0, seconds - DEADLINE),
        "zq7x" in text or (case.word == "refuse" and case.direction == "output" and "canary" in text),
    )


def _model(*, streamed: bool) -> httpx.Response:
    if not streamed:
        return httpx.Response(200, json={"choices": [{"index": 0, "message": {"content": SAID}}]})
    events = [{"choices": [{"index": 0, "delta": {"content": part + " "}}]} for part in SAID.split()]
    lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    return httpx.Response(200, content=lines.encode(), headers={"content-type": "text/event-stream"})


def _request(case: Case) -> dict[str, Any]:
    return {"model": "m", "stream": case.streamed, "messages": [{"role": "user", "content": SAFE}]}


def _sync(guard: Guard, case: Case) -> tuple[int, str]:
    inner = httpx.MockTransport(lambda _: _model(streamed=case.streamed))
    with httpx.Client(transport=transports(httpx)[0](inner, policy=guard)) as client:
        answer = client.post("http://model/v1/chat/completions", json=_request(case))
        return answer.status_code, answer.text


async def _async(guard: Guard, case: Case) -> tuple[int, str]:
    inner = httpx.MockTransport(lambda _: _model(streamed=case.streamed))
    async with httpx.AsyncClient(transport=transports(httpx)[1](inner, policy=guard)) as client:
        answer = await client.post("http://model/v1/chat/completions", json=_request(case))
    await guard.aclose()
    return answer.status_code, answer.text


def table(ends: Sequence[End]) -> list[str]:
    """One line a kind of fault."""
    lines = [f"{'fault':18} {'reason':14} {'refuse':>7} {'flag':>7} {'allow':>7}  over the deadline, ms (worst)"]
    for kind in dict.fromkeys(end.case.kind for end in ends):
        of = [end for end in ends if end.case.kind == kind]
        right = {word: [end.right for end in of if end.case.word == word] for word in WORDS}
        marks = [f"{sum(right[word])}/{len(right[word])}" for word in WORDS]
        reasons = ", ".join(sorted({end.reason for end in of}))
        worst = max(end.over for end in of) * 1000
        lines.append(f"{kind:18} {reasons:14} {marks[0]:>7} {marks[1]:>7} {marks[2]:>7}  {worst:.0f}")
    return lines


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=KINDS, metavar="KIND", default=KINDS, help="some kinds of fault")
    asked = parser.parse_args(words)
    with faulty() as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for sync in (True, False):  # what is loaded once is not a service's time
            ended(Case("no results", "allow", "input", streamed=False, sync=sync), server, folder)
        ends = [ended(case, server, folder) for case in cases(asked.only)]
    print("\n".join(table(ends)))
    print(f"{sum(end.right for end in ends)} of {len(ends)} exchanges ended as documented")
    for end in ends:
        if not end.right:
            print("not so:", end, file=sys.stderr)
    return 0 if all(end.right for end in ends) else 1


if __name__ == "__main__":
    sys.exit(main())
