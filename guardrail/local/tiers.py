"""The tiers together: the fast model first, the encoder where that does not decide. One of each a process.

Knows which model is asked and what a score is composed of; never what a policy does with it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from . import calibration, encoder, fast, ngrams
from .calibration import ACCURATE, FAST, TIERS, Calibration
from .categories import CATEGORIES, COMPOSED, INDIRECT, LEARNT
from .judged import Floats, Judged, Span, chunks
from .minors import WORTH_A_LOOK, compose, refers_to_minor
from .turns import TURNS

_SEXUAL = LEARNT.index("sexual")
_INDIRECT, _DIRECT = LEARNT.index(INDIRECT), LEARNT.index("prompt_injection")
_PLACES = {name: LEARNT.index(name) for name in LEARNT}

GROUP = 64
"""Places of a long text that are put in order and joined before the encoder reads them."""
AROUND = 40
"""Characters on either side of such a window that are read with it."""
STEP_CHARACTERS = 180
"""About how many characters of English the encoder's next window starts further on."""

_loading = threading.Lock()
_shared: Models | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores in [0, 1] by category, the characters each is about, and the tier that answered."""

    scores: Mapping[str, float]
    spans: Mapping[str, Span]
    tier: str


class Models:
    """What the files beside this one hold, each read when it is first needed; read-only, for all threads."""

    def __init__(self) -> None:
        self.calibration: Calibration = calibration.load()
        self.fast = fast.load()
        self._lock = threading.Lock()

    @cached_property
    def _encoder(self) -> encoder.Encoder:
        return encoder.Encoder()

    @property
    def encoder(self) -> encoder.Encoder:
        if "_encoder" not in self.__dict__:
            with self._lock:
                return self._encoder
        return self._encoder


def models() -> Models:
    """The models of this process, loaded by whoever needs them first.

    Raises OSError or ValueError where a file of the package is missing or damaged.
    """
    global _shared
    if _shared is None:
        with _loading:
            if _shared is None:
                _shared = Models()
    return _shared


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the fast model said of a text, and whether that decides it."""

    judged: Judged | None
    logits: Floats
    decisive: bool


class Tiers:
    """Scores texts by one tier, or by the cascade of both (``tier`` None).

    Without the extra ``local`` the cascade is the fast tier. ``indirect``: the texts came from tools or
    documents. Raises ImportError where the accurate tier is forced and the extra is missing.
    """

    def __init__(self, tier: str | None = None, *, indirect: bool = False) -> None:
        if tier is not None and tier not in TIERS:
            raise ValueError(f"there is no tier `{tier}`; give {' or '.join(TIERS)}, or none for both")
        if tier == ACCURATE and not encoder.installed():
            raise ImportError("the accurate tier needs the extra: pip install 'guardrail-middleware[local]'")
        self._models = models()
        self._alone = tier == FAST or not encoder.installed()
        self._both = tier == ACCURATE
        self._outputs = {**_PLACES, "prompt_injection": _INDIRECT if indirect else _DIRECT}
        self.points = self._models.calibration.points[FAST if self._alone else ACCURATE]
        self.version = self._models.calibration.version
        if not self._alone:
            _ = self._models.encoder  # so that no first request waits for it

    def first(self, text: str, turn: AbstractContextManager[None] = fast.AT_ONCE) -> Opinion:
        """The fast model's opinion, at once where no ``turn`` is to be waited for."""
        held = self._models
        judged = held.fast.judge(text, turn)
        if judged is None:
            return Opinion(None, _NOTHING, True)  # no letter, digit or emoji: nothing to judge
        logits = held.calibration.fast(judged)
        decisive = self._alone or (not self._both and bool((logits < held.calibration.clear).all()))
        return Opinion(judged, logits, decisive)

    def score(self, texts: Sequence[str], most: int | None = None) -> list[Scored]:
        """One after the other, in the order given, each stretch when it is its turn. ``most``: see ``settled``."""
        return self.settled(texts, [self.first(text, TURNS) for text in texts], most)

    def settled(self, texts: Sequence[str], opinions: Sequence[Opinion], most: int | None = None) -> list[Scored]:
        """The scores of texts: by the opinion where it decides, else by the encoder and it together.

        ``most``: about how many windows the encoder reads in all, so that megabytes and thousands of messages
        cost no more than a second or two: those that the fast tier, which reads everything, finds worst.
        """
        clear = self._models.calibration.clear
        found: dict[int, Scored] = {}
        open_ = [at for at, opinion in enumerate(opinions) if not opinion.decisive]
        if most is not None:
            open_.sort(key=lambda at: -float((opinions[at].logits - clear).max()))
        left = most
        for at in open_:
            if left is not None and left <= 0:
                break
            judged = self._encoded(texts[at], opinions[at].judged, left)
            if judged is not None:
                left = None if left is None else left - judged.windows
                found[at] = self._together(texts[at], opinions[at], judged)
        return [
            found[at] if at in found else self._scored(text, opinion.logits, opinion.judged, FAST)
            for at, (text, opinion) in enumerate(zip(texts, opinions, strict=True))
        ]

    def _together(self, text: str, opinion: Opinion, judged: Judged) -> Scored:
        held = self._models.calibration
        # Windows left out of a long text count all the same: what was read is the worst of all.
        counted = replace(judged, windows=max(judged.windows, len(text) // STEP_CHARACTERS))
        return self._scored(text, held.blended(opinion.logits, held.encoder(counted)), judged, ACCURATE)

    def _encoded(self, text: str, judged: Judged | None, most: int | None) -> Judged | None:
        """The encoder's word on a text; on a long one, on the places that the fast tier does not clear, worst first."""
        encoder_ = self._models.encoder
        if judged is None or not judged.parts:
            return encoder_.judge(text)  # to its end, whatever is left: half read, its rest would count as harmless
        if self._both and most is None:
            return encoder_.judge(text)  # all of it is read anyway, and in its own order each place but once
        held = self._models.calibration
        spans: list[Span] = []
        margins: list[Floats] = []
        for logits, of in judged.parts:
            spans += of
            curved = held.fast.slope * logits + held.fast.shift - held.fast.pooling * np.log(judged.windows)
            margins.append((curved - held.clear).max(axis=1))
        margin = np.concatenate(margins)
        order = [at for at in np.argsort(-margin, kind="stable").tolist() if self._both or margin[at] >= 0]
        if most is not None:
            order = order[:most]
        groups = [sorted(spans[at] for at in order[n : n + GROUP]) for n in range(0, len(order), GROUP)]
        return encoder_.judge(text, [span for group in groups for span in joined(group, len(text))], most)

    def _scored(self, text: str, logits: Floats, judged: Judged | None, tier: str) -> Scored:
        if judged is None:
            return Scored(dict.fromkeys(CATEGORIES, 0.0), {}, tier)
        chances = 1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))
        sexual = float(chances[_SEXUAL])
        found: dict[str, float] = {}
        spans: dict[str, Span] = {}
        for name in CATEGORIES:
            if name == COMPOSED:
                found[name] = compose(sexual, sexual > WORTH_A_LOOK and _refers_to_minor(text))
                spans[name] = judged.spans[_SEXUAL]
            else:
                place = self._outputs[name]
                found[name], spans[name] = float(chances[place]), judged.spans[place]
        return Scored(found, spans, tier)


def joined(spans: Sequence[Span], size: int) -> list[Span]:
    """Sorted spans with some words around each, those that touch made one."""
    out: list[Span] = []
    for low, high in spans:
        start, end = max(low - AROUND, 0), min(high + AROUND, size)
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


_NOTHING = np.full(len(LEARNT), -60.0)


def _refers_to_minor(text: str) -> bool:
    return any(refers_to_minor(ngrams.words(ngrams.normalised(text[a:b]))) for a, b in chunks(text))
