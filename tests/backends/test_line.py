"""The breaker and the line, on a clock of our own: who may go, when, and what opens the way again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.breaker import LONGEST, Breaker
from guardrail.backends.budget import MARGIN
from guardrail.backends.line import UNWELL, Line, Place
from guardrail.errors import NotEvaluated
from guardrail.flow import Reply


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Broken(NotEvaluated):
    of_service = True


def reply(status: int = 200) -> Reply:
    return Reply(status, (), b"{}")


def refused(call: object) -> str:
    with pytest.raises(NotEvaluated) as caught:
        call()  # type: ignore[operator]
    return caught.value.reason


# --- the breaker ---------------------------------------------------------------------------------


def test_it_opens_after_so_many_failures_in_a_row_and_lets_one_probe_through() -> None:
    clock = Clock()
    breaker = Breaker(3, 5.0, clock=clock)
    for _ in range(2):
        breaker.failed(probe=False)
    breaker.worked()
    for _ in range(2):
        breaker.failed(probe=False)
    assert breaker.state == "closed"
    assert breaker.admit() == 0
    breaker.failed(probe=False)
    assert breaker.state == "open"
    assert refused(breaker.admit) == "open"
    clock.now += 5
    assert breaker.state == "half-open"
    assert breaker.admit()
    assert refused(breaker.admit) == "open"  # one probe at a time
    breaker.worked()
    assert breaker.state == "closed"
    assert breaker.opened == 1


def test_a_probe_that_fails_doubles_the_rest_up_to_a_minute() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock=clock)
    breaker.failed(probe=False)
    rests = []
    for _ in range(6):
        before = clock.now
        while breaker.state == "open":
            clock.now += 1
        rests.append(clock.now - before)
        breaker.failed(probe=breaker.admit())
    assert rests == [5, 10, 20, 40, LONGEST, LONGEST]


def test_a_probe_that_is_given_up_leaves_room_for_another() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock=clock)
    breaker.failed(probe=False)
    clock.now += 5
    breaker.let_go(probe=breaker.admit())
    assert breaker.admit()


def test_a_probe_of_another_time_says_nothing_of_the_one_that_is_under_way() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock=clock)
    breaker.failed(probe=False)
    clock.now += 5
    old = breaker.admit()
    breaker.worked()  # by one that was under way before it opened
    breaker.failed(probe=False)
    clock.now += 5
    assert breaker.admit() > old
    breaker.let_go(probe=old)
    assert refused(breaker.admit) == "open"
    breaker.failed(probe=old)
    assert refused(breaker.admit) == "open"


def test_stragglers_do_not_move_the_time_of_the_probe() -> None:
    clock = Clock()
    breaker = Breaker(1, 5.0, clock=clock)
    breaker.failed(probe=False)
    clock.now += 4
    breaker.failed(probe=False)  # was under way before it opened
    clock.now += 1
    assert breaker.admit()


def test_it_never_opens_where_the_policy_says_so() -> None:
    breaker = Breaker(0)
    for _ in range(100):
        breaker.failed(probe=False)
    assert breaker.state == "closed"


# --- the line --------------------------------------------------------------------------------------


def test_no_more_go_at_a_time_and_who_waits_longest_goes_next() -> None:
    line = Line(concurrency=2)
    first, second, third, fourth = (line.enter() for _ in range(4))
    assert [place.free.done() for place in (first, second, third, fourth)] == [True, True, False, False]
    assert refused(lambda: line.enter(spare=True)) == "busy"
    line.leave(third, None)  # gave up waiting
    line.leave(first, reply())
    assert fourth.free.done()
    line.leave(first, reply())  # a second time changes nothing
    line.leave(second, reply())
    line.leave(fourth, reply())
    again = [line.enter(spare=True) for _ in range(2)]
    assert all(place.free.done() for place in again)
    assert line.counts["hedged"] == 2


def test_in_any_span_no_more_go_than_the_rate_allows() -> None:
    clock = Clock()
    line = Line(concurrency=99, rate=(3, 10.0), clock=clock)
    waits = [line.pace(line.enter(), 60.0) for _ in range(7)]
    assert waits == pytest.approx([0, 0, 0, 10.05, 10.05, 10.05, 20.1])
    assert refused(lambda: line.pace(line.enter(), 5.0)) == "over_budget"
    assert refused(lambda: line.enter(spare=True)) == "busy"
    assert line.counts["requests"] == 3, "those that went"


WHENEVER = st.tuples(st.floats(0, 3), st.none() | st.floats(0, 8))
"""Seconds since the one before came, and after which it hangs up."""


@given(st.lists(WHENEVER, min_size=1, max_size=40), st.integers(1, 4), st.floats(0.5, 10))
def test_the_budget_holds_in_order_and_nothing_of_it_is_lost_whoever_hangs_up(
    callers: list[tuple[float, float | None]], most: int, span: float
) -> None:
    clock = Clock()
    line = Line(concurrency=999, rate=(most, span), clock=clock)
    apart = span + min(MARGIN, span / 20)
    came: list[float] = []
    went: dict[int, float] = {}
    due: dict[int, tuple[float, Place]] = {}
    ends: dict[int, float] = {}
    at = clock.now

    def ask(n: int, place: Place) -> None:
        seconds = line.pace(place, 10_000.0)
        if seconds:
            due[n] = (clock.now + seconds, place)
            return
        due.pop(n, None)
        before = sorted(went.values())
        if len(before) >= most:
            assert clock.now >= before[-most] + apart - 1e-6
        assert clock.now <= max(came[n], before[-most] + apart if len(before) >= most else 0.0) + 1e-6
        assert not went or max(went) < n
        went[n] = clock.now

    for gap, patience in [*callers, (10_000.0, None)]:
        at += gap
        while due:
            n = min(due, key=lambda n: min(due[n][0], ends[n]))
            if min(due[n][0], ends[n]) > at:
                break
            if due[n][0] <= ends[n]:
                clock.now = max(clock.now, due[n][0])
                ask(n, due[n][1])
                continue
            clock.now = ends[n]
            line.leave(due.pop(n)[1], None)
            for behind in sorted(due):
                if due[behind][1].sooner.done():
                    ask(behind, due[behind][1])
        clock.now = at
        came.append(at)
        ends[len(came) - 1] = at + 10_000.0 if patience is None else at + patience
        ask(len(came) - 1, line.enter())
    assert line.counts["requests"] == len(went)
    assert all(n in went for n, (_, patience) in enumerate(callers) if patience is None)


def test_who_hangs_up_as_it_waits_for_the_budget_shuts_nobody_out() -> None:
    clock = Clock()
    line = Line(rate=(3, 1.0), clock=clock)
    for _ in range(60):
        place = line.enter()
        line.pace(place, 10.0)
        line.leave(place, None)
    assert line.counts["requests"] == 3
    assert line.pace(line.enter(), 2.0) == pytest.approx(1.05)


def test_who_stands_behind_one_that_hangs_up_is_told_and_goes_sooner() -> None:
    clock = Clock()
    line = Line(rate=(1, 10.0), clock=clock)
    first, second, third = (line.enter() for _ in range(3))
    assert line.pace(first, 60.0) == 0
    assert [line.pace(second, 60.0), line.pace(third, 60.0)] == pytest.approx([10.05, 20.1])
    line.leave(second, None)
    assert third.sooner.done()
    assert line.pace(third, 60.0) == pytest.approx(10.05)
    assert not third.sooner.done()
    clock.now += 10.05
    assert line.pace(third, 50.0) == 0


def test_who_waits_for_the_budget_until_no_time_is_left_is_told_of_it() -> None:
    clock = Clock()
    line = Line(rate=(1, 10.0), clock=clock)
    line.pace(line.enter(), 60.0)
    place = line.enter()
    assert line.pace(place, 11.0) == pytest.approx(10.05)
    clock.now += 10.05
    assert refused(lambda: line.pace(place, 0.0)) == "over_budget"


def test_what_nobody_waits_for_any_more_does_not_go() -> None:
    line = Line(concurrency=2, rate=(1, 10.0))
    first, second, third = (line.enter() for _ in range(3))
    line.pace(first, 60.0)
    line.pace(second, 60.0)
    for place in (first, second, third):
        line.give_up(place)
    assert second.sooner.done()
    assert refused(lambda: line.pace(second, 60.0)) == "abandoned"
    assert not third.free.done()
    line.leave(second, None)
    assert third.free.done()
    assert refused(lambda: line.pace(third, 60.0)) == "abandoned"
    assert line.counts["requests"] == 1


@pytest.mark.parametrize("rate", [None, (9, 1.0)])
@pytest.mark.parametrize("within", [0.0, -0.1])
def test_whose_turn_comes_when_no_time_is_left_is_not_told_of_a_budget(
    rate: tuple[int, float] | None, within: float
) -> None:
    line = Line(rate=rate)
    assert refused(lambda: line.pace(line.enter(), within)) == "busy"
    assert line.counts["requests"] == 0


def test_another_try_goes_before_all_who_wait_for_their_first() -> None:
    line = Line(concurrency=1)
    inside, first = line.enter(), line.enter()
    again = [line.enter(again=True) for _ in range(2)]
    line.leave(again[0], None)  # gave up waiting
    line.leave(inside, reply())
    assert (first.free.done(), again[1].free.done()) == (False, True)
    line.leave(again[1], reply())
    assert first.free.done()


def test_many_may_leave_as_soon_as_their_turn_comes() -> None:
    line = Line(concurrency=1)
    inside, left = line.enter(), list[int]()

    def leave(n: int, place: Place) -> None:
        left.append(n)
        line.leave(place, None)

    for n in range(3000):
        place = line.enter()
        place.free.add_done_callback(lambda _, n=n, place=place: leave(n, place))  # type: ignore[misc]
    line.leave(inside, reply())
    assert left == list(range(3000))
    assert line.enter().free.done()


@pytest.mark.parametrize("status", sorted(UNWELL))
def test_statuses_of_the_service_count_against_it(status: int) -> None:
    line = Line(failures=1)
    line.leave(line.enter(), reply(status))
    assert line.breaker.state == "open"


@pytest.mark.parametrize("status", [400, 405, 409, 413, 415, 422])
def test_what_the_writer_of_a_text_can_bring_about_closes_the_way_for_nobody(status: int) -> None:
    line = Line(failures=1)
    for _ in range(20):
        line.leave(line.enter(), reply(status))
    line.leave(line.enter(), None)
    line.leave(line.enter(), NotEvaluated("busy"))
    assert line.breaker.state == "closed"


def test_an_answer_that_cannot_be_read_is_a_failure_and_one_that_can_is_none() -> None:
    line = Line(failures=2)
    for _ in range(3):
        line.leave(line.enter(), reply())
        line.judged(readable=False)
        line.leave(line.enter(), reply())
        line.judged(readable=True)
    assert line.breaker.state == "closed"
    line.leave(line.enter(), Broken("connect"))
    line.leave(line.enter(), reply())
    line.judged(readable=False)
    assert line.breaker.state == "open"
    assert refused(line.enter) == "open"


def test_a_probe_whose_reply_nobody_reads_is_not_under_way_for_ever() -> None:
    clock = Clock()
    line = Line(failures=1, clock=clock)
    line.leave(line.enter(), reply(503))
    clock.now += 6
    probe = line.enter()
    assert probe.probe
    line.leave(probe, reply())  # the loser of two: never judged
    assert line.enter().probe


def test_late_replies_that_cannot_be_read_do_not_lengthen_the_rest() -> None:
    clock = Clock()
    line = Line(failures=1, clock=clock)
    places = [line.enter() for _ in range(6)]
    for place in places:
        line.leave(place, reply())
        line.judged(readable=False)
    clock.now += 5
    probe = line.enter()
    assert probe.probe
    line.leave(probe, reply())
    line.judged(readable=False)
    clock.now += 9
    assert refused(line.enter) == "open"
    clock.now += 1
    assert line.enter().probe
