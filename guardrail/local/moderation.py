"""``LocalModeration``: scores without a network, in this process. Numpy and weights on first use.

Knows the model's public face and the OpenAI response form; never what a policy does with a score.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .categories import CATEGORIES, OPENAI_CATEGORIES

if TYPE_CHECKING:
    from .linear import LinearModel

MODEL = "guardrail-local-1"
BALANCED = "balanced"

_loading = threading.Lock()
_shared: LinearModel | None = None


def _model() -> LinearModel:
    """The one model of this process, read-only, loaded by whoever needs it first."""
    global _shared
    if _shared is None:
        with _loading:
            if _shared is None:
                from .linear import load

                _shared = load()
    return _shared


class LocalModeration:
    """The embedded moderation model. Objects are free to make and safe to share between threads.

    Loading raises OSError or ValueError where the artifact of the package is missing or damaged.
    """

    model: str = MODEL
    categories: tuple[str, ...] = CATEGORIES

    @property
    def points(self) -> Mapping[str, Mapping[str, float]]:
        """Operating points ``lenient``, ``balanced``, ``strict``: thresholds by category (score >= is flagged)."""
        return _model().points

    def score(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Calibrated scores in [0, 1] by category, one dict a text, in the order given.

        Text of any length is read to its end, in windows of about 40 words and of 20; each category's score
        is that of the window where it is highest, lowered for the number of windows: the same passage scores
        less in a longer text. Time is linear in length.
        Raises TypeError for a single string, which is a sequence of one-letter texts by accident.
        """
        if isinstance(texts, str):
            raise TypeError("score() takes a list of texts; for one text give [text]")
        model = _model()
        return [model.score(text) for text in texts]

    def moderate(self, input: str | Sequence[str]) -> dict[str, Any]:
        """The answer of OpenAI's ``POST /v1/moderations`` for this input, flagged at ``balanced``.

        ``prompt_injection`` and ``toxicity`` are not part of that form; ``score`` has them.
        """
        texts = [input] if isinstance(input, str) else input
        points = self.points[BALANCED]
        return {
            "id": f"modr-{uuid.uuid4().hex}",
            "model": MODEL,
            "results": [_result(scores, points) for scores in self.score(texts)],
        }


def _result(scores: Mapping[str, float], points: Mapping[str, float]) -> dict[str, Any]:
    flags = {name: scores[name] >= points[name] for name in OPENAI_CATEGORIES}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {name: scores[name] for name in OPENAI_CATEGORIES},
        "category_applied_input_types": {name: ["text"] for name in OPENAI_CATEGORIES},
    }
