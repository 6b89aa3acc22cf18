"""Reading a JSON value by a path, as policies write it: ``$.result.score``, ``$.results[*].score``, ``$['a b'][0]``.

Knows paths and JSON values. What a path does not lead to is an error, never nothing: a field that has gone
must not look like a field that says no.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\*)\]|\[([0-9]{1,6})\]|\['([^'\x00-\x1f]+)'\]")

EACH = None
"""The step ``[*]``."""

Step = str | int | None


class Missing(LookupError):
    """A path leads to nothing in this value."""


@dataclass(frozen=True, slots=True)
class JsonPath:
    """``steps``: member names, places in a list, and ``EACH`` of a list."""

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Raises ValueError for what is no path."""
        steps: list[Step] = []
        at = 1
        while text.startswith("$") and (found := _STEP.match(text, at)):
            name, each, place, quoted = found.groups()
            steps.append(EACH if each else int(place) if place else name or quoted)
            at = found.end()
        if not steps or at != len(text):
            raise ValueError("is not a JSON path: write one such as $.result.score or $.results[*].score")
        return cls(tuple(steps))

    @property
    def stars(self) -> int:
        """How many steps are ``[*]``."""
        return self.steps.count(EACH)

    def all(self, value: Any) -> list[Any]:
        """What the path leads to, in order; exactly one where it has no ``[*]``. Raises Missing."""
        return _follow([value], self.steps)

    def each(self, value: Any) -> list[list[Any]]:
        """What the path leads to in each element of its first ``[*]``. Raises Missing."""
        first = self.steps.index(EACH) + 1 if EACH in self.steps else len(self.steps)
        return [_follow([element], self.steps[first:]) for element in _follow([value], self.steps[:first])]


def _follow(values: list[Any], steps: tuple[Step, ...]) -> list[Any]:
    for step in steps:
        values = [below for value in values for below in _below(value, step)]
    return values


def _below(value: Any, step: Step) -> list[Any]:
    if isinstance(step, str):
        if isinstance(value, dict) and step in value:
            return [value[step]]
    elif isinstance(value, list):
        if step is EACH:
            return value
        if step < len(value):
            return [value[step]]
    raise Missing("the path leads to nothing")
