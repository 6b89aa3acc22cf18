"""Recorded streams, cut by chance: the laws hold with words and stretches of their own refused and masked.

Needs ``GUARDRAIL_TRAFFIC``, a folder of ``*.jsonl.gz``; without it these tests are skipped, aloud. What is
recorded is never shown: a failure names the stream, the plan and the law. The soak tries the rest.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from guardrail.verdict import Action
from tests.streams.laws import Trial
from tests.streams.picking import cuts, stretch, words
from tests.streams.talk import Talk, recorded
from tests.support import traffic
from tests.support.plans import MASKED, Word

pytestmark = pytest.mark.skipif(
    traffic.folder() is None,
    reason="GUARDRAIL_TRAFFIC names no folder of recorded exchanges, so no stream of them is cut",
)
PROVIDERS = sorted({name.split()[0] for name in recorded()}) or ["none"]
Pick = Callable[[Talk, random.Random], Word]
PICKS: dict[str, Pick] = {
    "refused": lambda talk, generator: Word(generator.choice(words(talk))),
    "masked": lambda talk, generator: Word(generator.choice(words(talk)), MASKED),
}


def trials(talk: Talk, generator: random.Random) -> Iterator[tuple[str, Trial]]:
    """Nothing, a word and now and then a stretch refused or masked, each with a line end of its own."""
    yield "nothing", Trial(talk, (), generator.choice(talk.ends()))
    for kind, pick in PICKS.items() if words(talk) else ():
        yield kind, Trial(talk, (pick(talk, generator),), generator.choice(talk.ends()))
    if generator.random() < 0.4 and (pattern := stretch(talk, generator)) is not None:
        yield "stretch", Trial(talk, (pattern,), generator.choice(talk.ends()))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_laws_hold_for_recorded_streams(provider: str) -> None:
    broken: list[str] = []
    for name, talk in recorded().items():
        if name.split()[0] != provider:
            continue
        generator = random.Random(name)
        for kind, trial in trials(talk, generator):
            if kind not in ("nothing", "masked") and trial.action is not Action.REFUSE:
                broken.append(f"{name}, {kind}: nothing was refused")
            laws = [law for _ in range(2) for law in trial.broken(cuts(trial.raw, generator))]
            broken += [f"{name}, {kind}, {trial.end}: {law}" for law in dict.fromkeys(laws)]
    assert not broken


def test_there_are_as_many_as_there_were() -> None:
    assert len(recorded()) > 200
    assert sum(bool(words(talk)) for talk in recorded().values()) > 180
