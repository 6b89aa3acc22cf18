"""``LocalModeration``: scores without a network, in this process. Numpy and weights on first use.

Knows the model's public face and the OpenAI response form; never what a policy does with a score.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..categories import OPENAI_MODERATION
from .categories import CATEGORIES

if TYPE_CHECKING:
    from .tiers import Tiers

BALANCED = "balanced"


class LocalModeration:
    """The embedded moderation model. Objects are free to make and safe to share between threads.

    ``tier``: ``fast`` (numpy only) or ``accurate`` (the extra ``local``); None, as policies have it: the fast
    one first, and the accurate one where that does not decide. ``indirect``: the texts came from tools or
    documents, where an instruction to the reader is an attack. The first use loads the models; it raises
    OSError or ValueError where a file of the package is missing or damaged, ImportError where the accurate
    tier is forced and its extra is missing.
    """

    categories: tuple[str, ...] = CATEGORIES

    def __init__(self, tier: str | None = None, *, indirect: bool = False) -> None:
        self._tier, self._indirect = tier, indirect

    @cached_property
    def tiers(self) -> Tiers:
        from .tiers import Tiers

        return Tiers(self._tier, indirect=self._indirect)

    @property
    def model(self) -> str:
        """The name and version of the model."""
        return self.tiers.version

    def named(self, tier: str) -> str:
        """The name under which a decision tells that this tier answered."""
        return f"{self.tiers.version}-{tier}"

    @property
    def points(self) -> Mapping[str, Mapping[str, float]]:
        """Operating points ``lenient``, ``balanced``, ``strict``: thresholds by category (score >= is flagged)."""
        return self.tiers.points

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Calibrated scores in [0, 1] by category, one dict a text, in the order given.

        Text of any length is read to its end, in windows of about 40 words that overlap; each category's
        score is that of the window where it is highest. Time is linear in length.
        Raises TypeError for a single string, which is a sequence of one-letter texts by accident.
        """
        if isinstance(texts, str):
            raise TypeError("score() takes a list of texts; for one text give [text]")
        return [dict(found.scores) for found in self.tiers.score(texts)]

    def moderate(self, input: str | Sequence[str]) -> dict[str, Any]:
        """The answer of OpenAI's ``POST /v1/moderations`` for this input, flagged at ``balanced``.

        ``prompt_injection`` and ``toxicity`` are not part of that form; ``score`` has them.
        """
        texts = [input] if isinstance(input, str) else input
        points = self.points[BALANCED]
        return {
            "id": f"modr-{uuid.uuid4().hex}",
            "model": self.model,
            "results": [_result(scores, points) for scores in self.score(texts)],
        }


def _result(scores: Mapping[str, float], points: Mapping[str, float]) -> dict[str, Any]:
    flags = {name: scores[name] >= points[name] for name in OPENAI_MODERATION}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {name: scores[name] for name in OPENAI_MODERATION},
        "category_applied_input_types": {name: ["text"] for name in OPENAI_MODERATION},
    }
