"""An experimental guess whether a text was written by AI: a label in five steps, and never without its error rates.

Knows style and published rates. Must never decide anything, and must never show a label without ``notice``.
Numpy and weights load on first use.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from . import prose

if TYPE_CHECKING:
    from .ai_model import Model

MIN_CHARS = 1_000
"""Characters. OpenAI's classifier of 2023 was "very unreliable on short texts (below 1,000 characters)":
https://openai.com/index/new-ai-classifier-for-indicating-ai-written-text/ (2023-01-31). Ours was measured on no
shorter ones."""

READ = 20_000
"""Characters of a text that are read, so that no text takes long."""

LANGUAGES = ("en",)
"""What can be judged at all: it was trained on English alone."""

LABELS = ("very unlikely", "unlikely", "unclear", "possibly", "likely")
EDGES = (0.10, 0.45, 0.90, 0.98)
"""Where a label ends and the next begins; a score on an edge has the higher label. The names and numbers are those
of OpenAI's classifier of 2023; what a score means is our own (``AiTextResult.score``)."""


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """Why a text was not judged: ``too_short``, ``code``, ``language`` or ``repetitive``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of texts, each from a source that was not learnt, each source counted alike.

    ``true_positive``, ``false_positive``: of those written by AI and by people, how many get the label ``likely``.
    ``ai``, ``human``: the same for the label of this result.
    """

    true_positive: float
    false_positive: float
    ai: float
    human: float


@dataclass(frozen=True, slots=True, repr=False)
class AiTextResult:
    """A guess, with the rates at which such guesses are right and wrong. However it is shown, ``notice`` is shown.

    ``score``: the share of human-written texts that look less like AI than this one, in (0, 1). It is no
    probability that AI wrote the text.
    """

    score: float
    label: str
    rates: Rates
    model: str
    notice: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "notice", _notice(self.label, self.rates))

    @property
    def category(self) -> str:
        """The label as a policy names it: ``ai_text/very-unlikely``, ... ``ai_text/likely``."""
        return category_of(self.label)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"written by AI: {self.label} (score {self.score:.2f}). {self.notice}"

    __repr__ = __str__


def category_of(label: str) -> str:
    return "ai_text/" + label.replace(" ", "-")


def _notice(label: str, rates: Rates) -> str:
    return (
        f"Experimental, and not proof. On sources it had not seen, {_percent(rates.ai)} of texts by AI and "
        f"{_percent(rates.human)} of texts by people got the label '{label}'; the label 'likely' was given to "
        f"{_percent(rates.true_positive)} of texts by AI (true positives) and {_percent(rates.false_positive)} of "
        "texts by people (false positives). Decide nothing by it."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if 0 < share < 0.1 else f"{100 * share:.0f} %"


def rates_of(model: Model, label: str, edges: Sequence[float]) -> Rates:
    """The published rates of a label, where labels begin at these ``edges``."""
    at = LABELS.index(label)
    low = model.shares(edges[at - 1]) if at else (1.0, 1.0)
    high = model.shares(edges[at]) if at < len(edges) else (0.0, 0.0)
    return Rates(*model.shares(edges[-1]), low[0] - high[0], low[1] - high[1])


def label_of(score: float, edges: Sequence[float] = EDGES) -> str:
    """The label of a score. On an edge it is the higher one.

    >>> label_of(0.0999), label_of(0.10), label_of(0.98)
    ('very unlikely', 'unlikely', 'likely')
    """
    return LABELS[sum(score >= edge for edge in edges)]


class AiTextSignal:
    """Judges whole texts. Free to make, safe to share between threads.

    ``min_chars``: shorter texts are not judged, and no text below 1,000 characters is. ``languages``: only ``en``
    there is. ``bins``: the four edges. Raises ValueError for others; the first call raises OSError or ValueError
    where the artifact of the package is missing or damaged.
    """

    def __init__(
        self,
        *,
        min_chars: int = MIN_CHARS,
        languages: Sequence[str] = LANGUAGES,
        bins: Sequence[float] = EDGES,
    ) -> None:
        if not MIN_CHARS <= min_chars <= READ:
            raise ValueError(f"min_chars is {min_chars}; it takes {MIN_CHARS} (none shorter was measured) to {READ}")
        if not languages or set(languages) - set(LANGUAGES):
            raise ValueError("it was trained on English alone; write languages: [en]")
        if not rising(bins):
            raise ValueError("bins takes four rising numbers between 0 and 1, such as 0.10, 0.45, 0.90, 0.98")
        self.min_chars, self._edges = min_chars, tuple(bins)

    def load(self) -> None:
        """Load the model now rather than with the first text."""
        _model()

    def judge(self, text: str) -> AiTextResult | NotEvaluated:
        """The guess about a text, or why there is none. Reads its first 20,000 characters; time is bounded by that.

        Blocks of code between fences are left out; what remains must be long enough.
        """
        if len(text) < self.min_chars:
            return NotEvaluated("too_short")
        left, code = prose.without_code(text[:READ])
        if code or len(left) < self.min_chars:
            return NotEvaluated("code")
        if not prose.is_english(left):
            return NotEvaluated("language")
        if prose.is_repetitive(left):
            return NotEvaluated("repetitive")
        model = _model()
        score = model.score(left)
        label = label_of(score, self._edges)
        return AiTextResult(score, label, rates_of(model, label, self._edges), model.version)


def rising(bins: Sequence[float]) -> bool:
    """Are these four edges, in order, between 0 and 1?"""
    return len(bins) == len(EDGES) and all(a < b for a, b in pairwise([0.0, *bins, 1.0]))


_loading = threading.Lock()
_shared: Model | None = None


def _model() -> Model:
    """The one model of this process, loaded by whoever needs it first."""
    global _shared
    if _shared is None:
        with _loading:
            if _shared is None:
                from .ai_model import load

                _shared = load()
    return _shared
