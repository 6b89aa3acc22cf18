"""The laws of a stream, tried with one answer, one set of checks, one line end, and any cuts.

However the bytes were cut, the caller reads the same and the verdict is the same. Where nothing is to be
changed, the bytes are those that came. Of a refused or masked span not one piece leaves, at no moment and
in no field. And what is refused ends as its API ends an answer. Who breaks which is told by name only.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from guardrail.checks.protocol import Scanner
from guardrail.verdict import Action
from tests.streams.ends import wrong_end
from tests.streams.needles import hidden, needles, spans, without_ours
from tests.streams.reading import Reader, read, unescaped
from tests.streams.talk import Talk
from tests.support import plans
from tests.support.drive import Result
from tests.support.plans import FLAGGED, Judge

_TIMES = re.compile(r"\.(created|created_at|createTime|expires_at|\w+_at)$")
"""Places at which an ending of ours names the time."""
_GIVEN = re.compile(r"\.(?:args|arguments|input|output|parameters|properties)\b")
"""Fields whose keys are a model's own."""


@dataclass
class Trial:
    """One answer held to the laws. ``checks`` read the answer only; none: nothing is to be found."""

    talk: Talk
    checks: Sequence[Scanner | Judge] = field(default=(), repr=False)
    end: str = "LF"
    needles: list[str] = field(init=False, repr=False)
    raw: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        asked = [*self.checks] or [plans.Word("\x00never\x00")]
        self.plan = replace(plans.plan(*asked), input=plans.NOTHING.input)  # type: ignore[arg-type]
        self.raw = self.talk.ended(self.end)
        self.answer = read(self.raw, self.talk.media)
        self.needles = needles(self.answer, read(self.talk.ending(), self.talk.media), self.checks)
        self._overlap = 6 * max((len(needle) for needle in self.needles), default=0) + 12
        self._seen: dict[Any, list[str]] = {}
        self.reference = self.talk.go(self.plan, self.raw)
        self.heard = _texts(self._left(self.reference))

    @property
    def action(self) -> Action:
        return self.reference.rows[-1].action

    def broken(self, cuts: Iterable[int] = ()) -> list[str]:
        """The laws that are broken with these cuts; none where all hold."""
        result = self.talk.go(self.plan, self.raw, cuts)
        told, wanted = self._told(result), self._told(self.reference)
        out = [] if told == wanted else ["the verdict depends on the cuts"]
        if told == wanted and _count(result) != _count(self.reference):
            out.append("how many findings there are depends on the cuts")
        if result.body != self.reference.body and _texts(self._left(result)) != self.heard:
            out.append("the text depends on the cuts")
        return out + self._once(result)

    def _once(self, result: Result) -> list[str]:
        """What does not depend on other results, found once for each body and the moments at which it left."""
        moments, at = [], 0
        for increment in result.increments:
            at += len(increment)
            moments.append(at)
        key = (result.body, self._told(result), tuple(dict.fromkeys(moments)))
        if key not in self._seen:
            self._seen[key] = [law for law in self._alone(result) if law]
        return self._seen[key]

    def _alone(self, result: Result) -> Iterable[str]:
        row = result.rows[-1]
        left = self._left(result)
        if row.action < Action.REDACT and row.ended == "complete" and result.body != self.raw:
            yield "the bytes are not those that came"
        if row.action is Action.REDACT and len(left.events) != len(self.answer.events):
            yield "a mask changed how many events there are"
        if row.ended == "refused" and (wrong := wrong_end(row.wire, left.events, self.talk.request)):
            yield f"the end is not valid: {wrong}"
        if row.ended not in ("complete", "refused"):
            yield f"the answer ended otherwise: {row.ended}"
        flags = [c for c in self.checks if not isinstance(c, Judge) and FLAGGED in c.categories]
        if row.ended == "complete" and self._finds(flags) and not any(f.category == FLAGGED for f in row.findings):
            yield "a word that should be flagged was not"
        if self._finds(hidden(self.checks)) and row.action < Action.REDACT:
            yield "a word that should be hidden was not seen"
        yield self._leak(result)

    def _leak(self, result: Result) -> str:
        """Follows the caller from one increment to the next: is there a piece of a span in what has left by then?"""
        reader, seen = Reader(self._media(result)), dict[str, int]()
        count = sum(1 for increment in result.increments if increment)
        for n, increment in enumerate(filter(None, result.increments), 1):
            grown = reader.feed(increment)
            if n == count:
                reader.finish()
                grown = set(reader.texts)
            for place in grown:
                text = reader.texts[place]
                fresh = text[max(0, seen.get(place, 0) - self._overlap) :]
                seen[place] = len(text)
                if self._tells(fresh):
                    return f"a piece of a hidden span left, at {_spelled(place)}, in increment {n} of {count}"
            if reader.rest and self._tells(reader.rest.decode("utf-8", "replace")):
                return f"a piece of a hidden span left in half an event, in increment {n} of {count}"
        return ""

    def _tells(self, text: str) -> bool:
        plain = unescaped(text)
        texts = [without_ours(text)] if plain == text else [without_ours(text), without_ours(plain)]
        return any(needle in each for each in texts for needle in self.needles)

    def _finds(self, checks: Sequence[Scanner]) -> bool:
        return bool(checks) and any(spans(text, checks) for text in self.answer.texts.values())

    def _told(self, result: Result) -> tuple[Any, ...]:
        row = result.rows[-1]
        return row.outcome, row.action, row.ended, tuple(sorted({f.category for f in row.findings}))

    def _media(self, result: Result) -> str:
        assert result.head is not None
        return dict(result.head.headers).get("content-type", self.talk.media)

    def _left(self, result: Result) -> Reader:
        return read(result.body, self._media(result))


def _count(result: Result) -> Counter[str]:
    return Counter(finding.category for finding in result.rows[-1].findings)


def _texts(reader: Reader) -> dict[str, str]:
    return {place: text for place, text in reader.texts.items() if not _TIMES.search(place)}


def _spelled(place: str) -> str:
    """The place without what a provider or a model may have written into it."""
    return re.sub(r"<[^>]*>", "", _GIVEN.split(place)[0])[:120]
