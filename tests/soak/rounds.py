"""One round of the soak: a stream, what is looked for in it, a line end, and some cuts. The same again from its seed.

Knows how rounds are made; that laws hold is said elsewhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from guardrail.checks.protocol import Scanner
from tests.streams.laws import Trial
from tests.streams.picking import cuts, stretch, words
from tests.streams.talk import Talk
from tests.support.plans import FLAGGED, MASKED, MASKED_TOO, REFUSED, Judge, Word

Checks = Sequence[Scanner | Judge]
CUTS = 8
"""Ways to cut in one round."""
_CATEGORIES = (REFUSED, MASKED, MASKED_TOO, FLAGGED)


def _word(*categories: str) -> Callable[[Talk, random.Random], Checks]:
    return lambda talk, generator: [Word(_pick(talk, generator), generator.choice(categories))]


def _several(talk: Talk, generator: random.Random) -> Checks:
    """Two to five words, of which one at most is refused, or nothing else would be seen."""
    picked = list(dict.fromkeys(_pick(talk, generator) for _ in range(generator.randrange(2, 6))))
    kinds = [generator.choice(_CATEGORIES[n > 0 :]) for n in range(len(picked))]
    return [Word(word, kind, name=f"word {n}") for n, (word, kind) in enumerate(zip(picked, kinds, strict=True))]


def _stretch(talk: Talk, generator: random.Random) -> Checks:
    pattern = stretch(talk, generator, generator.choice(_CATEGORIES))
    return [] if pattern is None else [pattern]


def _judge(talk: Talk, generator: random.Random) -> Checks:
    """A model that has windows and no spans, alone or beside words."""
    stride = generator.choice((8, 16, 40, 200))
    judge = Judge(_pick(talk, generator), stride=stride, window=stride + generator.choice((32, 64, 300)))
    return [judge, *([] if generator.random() < 0.5 else _word(MASKED, FLAGGED)(talk, generator))]


def _all(talk: Talk, generator: random.Random) -> Checks:
    """A check that sees nothing before it sees all."""
    return [Word(_pick(talk, generator), generator.choice(_CATEGORIES), needs_all=True)]


PLANS: dict[str, Callable[[Talk, random.Random], Checks]] = {
    "nothing": lambda talk, generator: [],
    "refuse": _word(REFUSED),
    "mask": _word(MASKED, MASKED_TOO),
    "flag": _word(FLAGGED),
    "several": _several,
    "stretch": _stretch,
    "judge": _judge,
    "all": _all,
}
_WEIGHTS = (1, 4, 4, 1, 3, 4, 3, 1)


def _pick(talk: Talk, generator: random.Random) -> str:
    return generator.choice(words(talk))


@dataclass(frozen=True)
class Round:
    """One trial and its cuts. ``plan``: by what name its checks go."""

    index: int
    plan: str
    trial: Trial
    cuts: list[list[int]] = field(repr=False)

    def broken(self) -> Iterator[tuple[int, str]]:
        """(which cuts, law) for each law that is broken."""
        for n, way in enumerate(self.cuts):
            for law in self.trial.broken(way):
                yield n, law

    def __str__(self) -> str:
        return f"{self.trial.talk.name}, {self.plan}, {self.trial.end}"


def made(seed: int, index: int, talks: Sequence[Talk]) -> Round:
    """The round of this number."""
    generator = random.Random(f"{seed}/{index}")
    talk = generator.choice(talks)
    (plan,) = generator.choices(list(PLANS), _WEIGHTS) if words(talk) else ("nothing",)
    trial = Trial(talk, PLANS[plan](talk, generator), generator.choice(talk.ends()))
    return Round(index, plan, trial, [cuts(trial.raw, generator) for _ in range(CUTS)])
