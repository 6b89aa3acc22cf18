"""Somebody far away who judges, and answers only when a test says so.

``Far`` is a moderator that asks; a ``Desk`` holds its questions until they are answered, in both worlds;
``judging`` is a plan in which it judges.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import pytest

from guardrail.doors import delivery
from guardrail.errors import NotEvaluated
from guardrail.flow import Fetch, Flow, Reply
from guardrail.policy.plan import Patience, Plan
from guardrail.verdict import Action, Finding, Kind
from guardrail.worlds import AsyncWorld, SyncWorld, sending, sending_async
from tests.support import plans

from .calling import until
from .driver import BAD, MASKED

NEVER = Patience(None, None, None, None)


# -- who judges ------------------------------------------------------------------------------------


@dataclass
class Far(plans.Judge):
    """A moderator that asks somebody else about its windows."""

    name: str = "far"
    remote: bool = True
    timeout: float = 20.0
    reads: frozenset[Kind] = frozenset({Kind.USER, Kind.ASSISTANT})
    closed: int = 0  # questions that were given up

    def ask(self, texts: Sequence[str], prompt: str = "") -> Flow[Sequence[Sequence[Finding]]]:
        self.asked += texts
        try:
            reply = yield Fetch("POST", "http://far.example/", json.dumps(list(texts)).encode(), timeout=self.timeout)
        except GeneratorExit:
            self.closed += 1
            raise
        if reply.status != 200:
            raise NotEvaluated("status", f"it answered {reply.status}")
        return [[Finding(self.category, 1.0, 0, len(t), self.name)] if self.word in t else [] for t in texts]


@dataclass
class Question:
    texts: list[str]
    reply: asyncio.Future[Reply] | Future[Reply]

    def answer(self, status: int = 200) -> None:
        if not self.reply.done():
            self.reply.set_result(Reply(status, (), b""))


class Desk:
    """Where the questions arrive. ``out``: how many wait for an answer; ``most``: how many did at one time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.questions: list[Question] = []
        self.out = self.most = 0
        self.at_once = False  # every question is answered as it comes, after one turn of the loop

        async def exchange(client: Any, fetch: Fetch, end: float) -> Reply:
            question = self._take(fetch, asyncio.get_running_loop().create_future())
            try:
                if self.at_once:
                    await asyncio.sleep(0)
                    question.answer()
                assert isinstance(question.reply, asyncio.Future)
                return await question.reply
            finally:
                self.out -= 1

        def blocking(client: Any, fetch: Fetch, end: float) -> Reply:
            question = self._take(fetch, Future())
            if self.at_once:
                question.answer()
            assert isinstance(question.reply, Future)
            try:
                return question.reply.result(20)
            finally:
                self.out -= 1

        async def no_client(self: AsyncWorld) -> None:
            await asyncio.sleep(0)

        monkeypatch.setattr(delivery, "GRACE", 0.05)
        monkeypatch.setattr(sending_async, "_exchange", exchange)
        monkeypatch.setattr(sending, "_exchange", blocking)
        monkeypatch.setattr(AsyncWorld, "_get_client", no_client)
        monkeypatch.setattr(SyncWorld, "_get_client", lambda self: None)

    def _take(self, fetch: Fetch, reply: Any) -> Question:
        question = Question(json.loads(fetch.body), reply)
        self.out += 1
        self.most = max(self.most, self.out)
        self.questions.append(question)
        return question

    async def asked(self, n: int = 1) -> Question:
        """The n-th question, once it has come."""
        await until(lambda: len(self.questions) >= n)
        return self.questions[n - 1]

    def waited_for(self, n: int = 1) -> Question:
        """``asked`` for threads."""
        end = time.monotonic() + 5
        while len(self.questions) < n:
            assert time.monotonic() < end, "no question came"
            time.sleep(0.001)
        return self.questions[n - 1]


# -- plans -----------------------------------------------------------------------------------------


def judging(
    far: plans.Judge | None = None,
    near: plans.Judge | None = None,
    *,
    overlap: str = "none",
    on_error: Action = Action.REFUSE,
    patience: Patience = NEVER,
    strategy: str = "window",
    **changes: Any,
) -> Plan:
    """``far`` judges the answer, ``near`` the request; one word is refused and one masked everywhere by exact checks."""
    exact = (plans.Word(BAD), plans.Word(MASKED, plans.MASKED))
    errors = {"far": on_error}

    def lane(judge: plans.Judge | None, words: dict[str, str]) -> Any:
        return replace(plans.lane(*exact, *([judge] if judge else [])), on_error=errors, strategies=words)

    words = {far.name: strategy} if far is not None and strategy != "window" else {}
    made = plans.plan()
    return replace(made, input=lane(near, {}), output=lane(far, words), overlap=overlap, patience=patience, **changes)
