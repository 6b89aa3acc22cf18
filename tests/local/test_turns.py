"""Threads that compute in turns: so many at a time, first come first served, and no turn is ever lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial

import pytest

from guardrail.local.tiers import Tiers, models
from guardrail.local.turns import TURNS, Turns, cores

PATIENCE = 30


class Waiter(threading.Thread):
    """Takes a turn, tells it, and keeps it until told otherwise."""

    def __init__(self, of: Turns, began: Callable[[], None] = lambda: None) -> None:
        super().__init__(daemon=True)
        self.of, self.began = of, began
        self.has, self.leave = threading.Event(), threading.Event()

    def run(self) -> None:
        with self.of:
            self.began()
            self.has.set()
            assert self.leave.wait(PATIENCE)


def queued(of: Turns, count: int) -> None:
    """Return once so many wait."""
    tick = threading.Event()
    for _ in range(PATIENCE * 200):
        if len(of._waiting) == count:
            return
        tick.wait(0.005)
    raise AssertionError(f"{len(of._waiting)} wait, not {count}")


def test_so_many_compute_and_the_next_one_waits() -> None:
    of = Turns(2)
    waiters = [Waiter(of) for _ in range(3)]
    for waiter in waiters[:2]:
        waiter.start()
        assert waiter.has.wait(PATIENCE)
    waiters[2].start()
    queued(of, 1)
    assert not waiters[2].has.is_set()
    waiters[0].leave.set()
    assert waiters[2].has.wait(PATIENCE)
    for waiter in waiters:
        waiter.leave.set()
        waiter.join(PATIENCE)
    assert of._free == 2


def test_whoever_gives_a_turn_away_stands_behind_those_who_waited() -> None:
    of = Turns(1)
    order: list[int] = []
    waiters = [Waiter(of, partial(order.append, at)) for at in range(3)]
    with of:
        for count, waiter in enumerate(waiters, 1):
            waiter.leave.set()
            waiter.start()
            queued(of, count)
    with of:  # asked for at once: a lock would have given it again
        order.append(3)
    for waiter in waiters:
        waiter.join(PATIENCE)
    assert order == [0, 1, 2, 3]


def test_a_turn_ends_with_an_error_too() -> None:
    of = Turns(1)
    with pytest.raises(ValueError, match="mild"), of:
        raise ValueError("mild")
    with of:
        assert of._free == 0


class Interrupted(BaseException):
    pass


class Gate:
    """A lock that is interrupted while it is waited for."""

    def __init__(self, of: Turns, *, handed: bool) -> None:
        self.of, self.handed, self.asked = of, handed, 0

    def acquire(self) -> None:
        self.asked += 1
        if self.asked == 2:
            if self.handed:
                self.of._give()
            raise Interrupted

    def release(self) -> None:
        assert self.handed


@pytest.mark.parametrize("handed", [False, True])
def test_an_interrupt_while_waiting_loses_no_turn(handed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    of = Turns(1)
    of.__enter__()
    monkeypatch.setattr(threading, "Lock", lambda: Gate(of, handed=handed))
    with pytest.raises(Interrupted):
        of.__enter__()
    monkeypatch.undo()
    if not handed:
        of._give()
    assert of._free == 1
    assert not of._waiting


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_has_turns_that_its_parent_had_given_away() -> None:
    for _ in range(cores()):
        TURNS.__enter__()
    try:
        child = os.fork()
        if not child:
            os._exit(0 if cores() == TURNS._free else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        for _ in range(cores()):
            TURNS._give()


@pytest.mark.parametrize("tier", ["fast", "accurate"])
def test_a_long_text_lets_a_short_one_in_between(tier: str) -> None:
    """One turn a stretch: the short text, which came second, is done while the long one is not."""
    if tier == "accurate":
        pytest.importorskip("onnxruntime")
        judge: Callable[[str], object] = models().encoder.judge
    else:
        judge = partial(models().fast.judge, turn=TURNS)
    long = "The weather is fine and we walk to the river. " * (20_000 if tier == "fast" else 500)
    for _ in range(cores() - 1):  # one is left for both
        TURNS.__enter__()
    ended: list[str] = []

    def score(name: str, text: str) -> None:
        judge(text)
        ended.append(name)

    try:
        TURNS.__enter__()
        threads = []
        for count, (name, text) in enumerate([("long", long), ("short", "Good morning.")], 1):
            threads.append(threading.Thread(target=score, args=(name, text), daemon=True))
            threads[-1].start()
            queued(TURNS, count)
        TURNS._give()
        for thread in threads:
            thread.join(PATIENCE)
    finally:
        for _ in range(cores() - 1):
            TURNS._give()
    assert ended == ["short", "long"]


def test_what_is_scored_at_once_waits_for_nobody() -> None:
    for _ in range(cores()):
        TURNS.__enter__()
    try:
        assert Tiers("fast").first("Good morning.").decisive
    finally:
        for _ in range(cores()):
            TURNS._give()
