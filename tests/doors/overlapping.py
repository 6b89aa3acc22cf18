"""A call whose input check waits at the desk beside the upstream call, and what became of both."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from guardrail import Decision
from guardrail.verdict import Action
from tests.support import events

from .calling import Ask, Tap, quiet, spoken
from .driver import guarding
from .remote import Desk, Far, judging

ODD = "peculiar"
"""What only the judge far away objects to."""
ANSWER = [*spoken("so ", "it ", "is"), events.DONE]
WHOLE = json.dumps({"choices": [{"index": 0, "message": {"content": "fine"}}]}).encode()


class Case:
    """A call whose input check waits at the desk, and what became of it."""

    def __init__(self, door: str, desk: Desk, text: str = "hello", *, overlap: str = "app", **more: Any) -> None:
        on_error = more.pop("on_error", Action.REFUSE)
        self.far = more.pop("far", None) or Far(ODD)
        plan = judging(more.pop("output", None), self.far, overlap=overlap, on_error=on_error)
        self.guard, self.rows = guarding(plan)
        self.desk, self.tap = desk, Tap()
        self.ask = Ask(door, self.guard, self.tap, text, **more)

    def row(self) -> Decision:
        (row,) = self.rows
        return row

    async def left_clean(self) -> None:
        """No task, no slot and no upstream is left."""
        await quiet()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert self.guard.aworld()._running == 0
        assert self.desk.out == 0
        assert self.tap.open == 0
