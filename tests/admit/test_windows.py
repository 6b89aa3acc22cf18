from __future__ import annotations

import pytest
from limits import RateLimitItemPerSecond
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from guardrail.admit.windows import MovingWindows


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_library_counts_with_it(clock: Clock) -> None:
    limiter = MovingWindowRateLimiter(MovingWindows(clock=clock))
    item = RateLimitItemPerSecond(5, 10)
    assert limiter.hit(item, "a", cost=3)
    clock.now = 4
    assert limiter.test(item, "a", cost=2)
    assert not limiter.test(item, "a", cost=3)
    assert not limiter.hit(item, "a", cost=3)
    assert limiter.hit(item, "a", cost=2)
    assert limiter.get_window_stats(item, "a") == (10, 0)
    clock.now = 10
    assert limiter.get_window_stats(item, "a") == (14, 3)
    limiter.clear(item, "a")
    assert limiter.get_window_stats(item, "a").remaining == 5


def test_more_at_once_than_the_limit_is_never_allowed(clock: Clock) -> None:
    windows = MovingWindows(clock=clock)
    assert not windows.acquire_entry("a", 2, 10, 3)
    assert len(windows) == 0


def test_a_key_is_forgotten_when_its_window_is_over(clock: Clock) -> None:
    windows = MovingWindows(clock=clock)
    for number in range(1000):
        windows.acquire_entry(str(number), 5, 10)
    windows.acquire_entry("long", 5, 100)
    assert len(windows) == 1001
    clock.now = 10
    windows.acquire_entry("now", 5, 10)
    assert len(windows) == 2
    assert windows.get_moving_window("long", 5, 100) == (0.0, 1)


def test_the_number_of_keys_is_bounded_and_the_least_recent_goes_first(clock: Clock) -> None:
    windows = MovingWindows(most=3, clock=clock)
    for key in "abc":
        windows.acquire_entry(key, 5, 10)
    windows.get_moving_window("a", 5, 10)
    windows.acquire_entry("d", 5, 10)
    assert len(windows) == 3
    assert [windows.get_moving_window(key, 5, 10)[1] for key in "abcd"] == [1, 0, 1, 1]


def test_asking_about_a_key_does_not_keep_it(clock: Clock) -> None:
    windows = MovingWindows(clock=clock)
    for number in range(100):
        assert windows.get_moving_window(str(number), 5, 10) == (0.0, 0)
    assert len(windows) == 0


def test_reset_forgets_everything(clock: Clock) -> None:
    windows = MovingWindows(clock=clock)
    windows.acquire_entry("a", 5, 10)
    assert windows.check()
    assert windows.reset() == 1
    assert len(windows) == 0


def test_it_says_so_when_used_for_other_windows(clock: Clock) -> None:
    limiter = FixedWindowRateLimiter(MovingWindows(clock=clock))
    with pytest.raises(NotImplementedError, match="moving-window"):
        limiter.hit(RateLimitItemPerSecond(5, 10), "a")
