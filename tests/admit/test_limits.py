from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.admit.identity import Caller, HeaderSource, Identity
from guardrail.admit.limits import Denied, Limit, Limits
from guardrail.http import Request


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


ALICE = Caller(bucket="alice", key="key-1", address="192.0.2.1")
BOB = Caller(bucket="bob", key="key-2", address="192.0.2.2")


def test_so_many_are_let_through_and_no_more(clock: Clock) -> None:
    limits = Limits([Limit("user", 3, 60)], clock=clock)
    assert [limits.take(ALICE) for _ in range(3)] == [None] * 3
    assert limits.take(ALICE) == Denied(60, "user")
    assert limits.take(BOB) is None


def test_retry_after_is_when_the_next_one_is_let_through(clock: Clock) -> None:
    limits = Limits([Limit("user", 2, 60)], clock=clock)
    assert limits.take(ALICE) is None
    clock.now += 20.5
    assert limits.take(ALICE) is None
    clock.now += 10
    denied = limits.take(ALICE)
    assert denied == Denied(30, "user")  # 29.5 rounded up
    clock.now += denied.retry_after - 1
    assert limits.take(ALICE) == Denied(1, "user")
    clock.now += 1
    assert limits.take(ALICE) is None
    assert limits.take(ALICE) is not None


@given(st.lists(st.floats(0.01, 9), max_size=60), st.integers(1, 5), st.integers(1, 10))
def test_no_window_wherever_it_lies_holds_more_than_the_amount(steps: list[float], amount: int, seconds: int) -> None:
    clock = Clock()
    limits = Limits([Limit("user", amount, seconds)], clock=clock)
    taken: list[float] = []
    for step in steps:
        clock.now += step
        denied = limits.take(ALICE)
        if denied is None:
            taken.append(clock.now)
        else:
            assert 1 <= denied.retry_after <= seconds
    assert all(late - early >= seconds for early, late in zip(taken, taken[amount:], strict=False))


def test_a_wait_of_retry_after_always_suffices() -> None:
    clock = Clock()
    limits = Limits([Limit("user", 3, 7), Limit("global", 4, 11)], clock=clock)
    for _ in range(200):
        denied = limits.take(ALICE)
        if denied is not None:
            clock.now += denied.retry_after
            assert limits.take(ALICE) is None
        clock.now += 0.37


def yielding_clock() -> float:
    """Lets another thread go on at every look at the clock, so that a race that can be lost is lost."""
    sleep(0)
    return monotonic()


@pytest.mark.parametrize("rules", [[Limit("user", 100, 60)], [Limit("global", 100, 60), Limit("user", 5000, 60)]])
def test_of_a_thousand_at_once_exactly_the_amount_get_through(rules: list[Limit]) -> None:
    limits = Limits(rules, clock=yielding_clock)
    gate = threading.Barrier(16)

    def many(_: int) -> int:
        gate.wait(10)
        return sum(limits.take(ALICE) is None for _ in range(63))

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(many, range(16))) == 100


def test_a_denied_request_uses_up_nothing(clock: Clock) -> None:
    limits = Limits([Limit("global", 2, 60), Limit("user", 1, 600)], clock=clock)
    assert limits.take(ALICE) is None
    assert [limits.take(ALICE) for _ in range(5)] == [Denied(600, "user")] * 5
    assert limits.take(BOB) is None


def test_of_several_limits_the_longest_wait_is_told(clock: Clock) -> None:
    limits = Limits([Limit("user", 1, 10), Limit("user", 1, 3600), Limit("global", 1, 60)], clock=clock)
    assert limits.take(ALICE) is None
    assert limits.take(ALICE) == Denied(3600, "user")
    assert limits.take(BOB) == Denied(60, "global")


def test_the_same_limit_twice_counts_once_each(clock: Clock) -> None:
    limits = Limits([Limit("user", 2, 60), Limit("user", 2, 60)], clock=clock)
    assert [limits.take(ALICE) for _ in range(2)] == [None, None]


@pytest.mark.parametrize(
    ("per", "first", "second", "shared"),
    [
        ("user", ALICE, Caller(bucket="alice", key="other", address="192.0.2.9"), True),
        ("user", ALICE, Caller(bucket="carol", key="key-1", address="192.0.2.1"), False),
        ("user", Caller(key="k", address="192.0.2.1"), Caller(key="k", address="192.0.2.2"), True),
        ("user", Caller(key="k"), Caller(key="l"), False),
        ("user", Caller(address="192.0.2.1"), Caller(address="192.0.2.1"), True),
        ("user", Caller(address="192.0.2.1"), Caller(address="192.0.2.2"), False),
        ("user", Caller(), Caller(), True),
        ("user", Caller(bucket="x"), Caller(key="x"), False),
        ("key", ALICE, Caller(bucket="carol", key="key-1"), True),
        ("key", Caller(bucket="alice", address="192.0.2.1"), Caller(bucket="carol", address="192.0.2.1"), True),
        ("address", ALICE, Caller(address="192.0.2.1"), True),
        ("address", Caller(bucket="alice"), Caller(key="k"), True),
        ("address", Caller(address="2001:db8::1"), Caller(address="2001:db8:0:0:ffff::9"), True),
        ("address", Caller(address="2001:db8::1"), Caller(address="2001:db8:0:1::1"), False),
        ("global", ALICE, BOB, True),
    ],
)
def test_who_shares_an_allowance(per: Any, first: Caller, second: Caller, shared: bool) -> None:
    limits = Limits([Limit(per, 1, 60)])
    assert limits.take(first) is None
    assert (limits.take(second) is not None) == shared


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["x-user", "x-forwarded-for", "x-real-ip", "forwarded", "authorization", "user-agent"]),
        st.text(st.characters(codec="latin-1"), max_size=30),
    ),
    max_size=6,
)


@given(st.lists(HEADERS, min_size=4, max_size=4))
def test_a_stranger_who_changes_headers_stays_in_its_bucket(asked: list[list[tuple[str, str]]]) -> None:
    identity = Identity((HeaderSource("X-User", ("10.0.0.0/8",)), "scope"), b"secret")
    limits = Limits([Limit("user", 3, 60)])
    answers = [
        limits.take(identity.resolve(Request("POST", "/", tuple(headers), peer="203.0.113.9"))) for headers in asked
    ]
    assert answers[:3] == [None] * 3
    assert answers[3] is not None


@pytest.mark.parametrize(("amount", "seconds"), [(0, 60), (-1, 60), (1, 0)])
def test_a_limit_of_nothing_is_refused(amount: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Limits([Limit("user", amount, seconds)])


def test_no_rules_deny_nobody() -> None:
    assert Limits([]).take(ALICE) is None


def test_made_up_names_are_forgotten_before_those_in_use(clock: Clock) -> None:
    limits = Limits([Limit("user", 2, 3600)], most=100, clock=clock)
    assert [limits.take(ALICE) for _ in range(2)] == [None] * 2
    for number in range(5000):
        limits.take(Caller(bucket=f"made-up-{number}"))
        if number % 50 == 0:
            assert limits.take(ALICE) is not None


def test_counting_starts_no_thread() -> None:
    before: Callable[[], int] = threading.active_count
    count = before()
    Limits([Limit("user", 2, 1)]).take(ALICE)
    assert threading.active_count() == count


@pytest.mark.parametrize("peer", ["a:b", "[::1]:80", "unix:/x", "::1::", ":"])
def test_a_peer_that_is_no_address_is_counted_as_it_is_called(peer: str) -> None:
    limits = Limits([Limit("address", 1, 60)])
    caller = Identity().resolve(Request("POST", "/", (), peer=peer))
    assert [limits.take(caller) is None for _ in range(2)] == [True, False]
    assert limits.take(Caller(address=f"{peer}:other")) is None
