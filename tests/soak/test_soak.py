"""A short run of the soak, and the proof that it would find something. The long one is ``python -m tests.soak``."""

from __future__ import annotations

import pytest

from tests.soak.faults import PLANTED
from tests.soak.rounds import PLANS, made
from tests.soak.run import soak, talks

SEED, ROUNDS = 1, 150
BUDGET = 900
STREAMS = talks(own=True)


def test_the_laws_hold_for_a_while(capsys: pytest.CaptureFixture[str]) -> None:
    report = soak(SEED, STREAMS, rounds=ROUNDS)
    with capsys.disabled():
        print(f"\n{report}")
    assert not report.failures
    assert report.rounds == ROUNDS
    assert set(report.plans) == set(PLANS)


LEAK = "a piece of a hidden span left"
BROKEN = dict.fromkeys(PLANTED, LEAK) | {"no-ending": "the end is not valid"}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with PLANTED[name]():
        report = soak(SEED, STREAMS, rounds=BUDGET, sought=BROKEN[name])
    with capsys.disabled():
        print(f"\nplanted {name}, seed {SEED}: found after {report.rounds} cases")
    assert any(what.startswith(BROKEN[name]) for _, what in report.failures)


def test_a_round_is_the_same_again() -> None:
    for index in range(40):
        one, other = made(7, index, STREAMS), made(7, index, STREAMS)
        assert (str(one), one.trial.needles, one.cuts) == (str(other), other.trial.needles, other.cuts)
