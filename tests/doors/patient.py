"""A call whose stream is waited for with some patience, and what it leaves behind."""

from __future__ import annotations

import asyncio
from typing import Any

from guardrail import Decision
from guardrail.policy.plan import Patience

from .calling import Ask, Tap, quiet, spoken
from .driver import guarding
from .remote import judging

ALIVE = b": keep-alive\n"
OPENED = spoken("so ", "it ", "is")[:3]


class Case:
    def __init__(self, door: str, patience: Patience, far: Any = None, **more: Any) -> None:
        self.guard, self.rows = guarding(judging(far, patience=patience, **more.pop("plan", {})))
        self.tap = Tap()
        self.ask = Ask(door, self.guard, self.tap, **more)

    def row(self) -> Decision:
        (row,) = self.rows
        return row

    async def left_clean(self) -> None:
        await quiet()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert self.tap.open == 0
        assert self.ask.overlapped <= 1, "two senders at one time"
