"""Backends whose answers are known, and files of rows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from guardrail.categories import OPENAI_MODERATION
from guardrail.checks.protocol import Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Flow

Judge = Callable[[str], Mapping[str, float]]
SAID = re.compile(r"\[([a-z/-]+)=([0-9.]+)\]")


def written(text: str) -> dict[str, float]:
    """The scores that stand in a text as ``[sexual=0.4]``; 0.01 for the others."""
    return {**dict.fromkeys(OPENAI_MODERATION, 0.01), **{name: float(score) for name, score in SAID.findall(text)}}


class Fake:
    """A ``Backend`` that scores by a function, and cannot judge a text with ``[down]`` in it."""

    name = "fake"
    categories = frozenset(OPENAI_MODERATION)
    stride, inline, remote = 160, 600, False

    def __init__(self, judge: Judge = written, *, longest: int = 1000, own: bool = False, remote: bool = False) -> None:
        self._judge, self.longest, self.remote = judge, longest, remote
        self.points: Mapping[str, Mapping[str, float]] | None = None
        if not own:
            self.points = {
                "balanced": dict.fromkeys(self.categories, 0.5),
                "strict": dict.fromkeys(self.categories, 0.2),
            }
        self.asked: list[str] = []

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        self.asked += texts
        if any("[down]" in text for text in texts):
            raise NotEvaluated("status", "down")
        found: Sequence[Scores] = yield Call(self._all, (texts,))
        return found

    def _all(self, texts: Sequence[str]) -> list[Scores]:
        return [self._scores(text) for text in texts]

    def _scores(self, text: str) -> Scores:
        scores = self._judge(text)
        flags = None if self.points is not None else {name: score >= 0.7 for name, score in scores.items()}
        unseen = {"illicit"} if "[blind]" in text else set()
        return Scores(scores, flags, frozenset(unseen))


def lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """A file of these rows."""
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path
