"""Rate limits: how often a caller may ask in a stretch of time.

Knows keyed names and addresses, never the names themselves, and no policy file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from math import ceil
from threading import Lock
from time import monotonic
from typing import Literal

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.strategies import MovingWindowRateLimiter

from .identity import Caller
from .windows import MOST_KEYS, MovingWindows

Per = Literal["user", "key", "address", "global"]

_FALLING_BACK: dict[Per, tuple[str, ...]] = {
    "user": ("user", "key", "address"),
    "key": ("key", "address"),
    "address": ("address",),
    "global": (),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``amount`` requests in any ``seconds``, for each user, key or address, or for all.

    A caller without a user is counted by key, else by address; one without a key by address; those
    without an address share one allowance. So nobody goes uncounted. IPv6 addresses count by their
    /64 network, which is the least that one subscriber gets (RFC 6177).
    """

    per: Per
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Denied:
    """The caller has to wait. ``retry_after``: whole seconds, at least 1, until it may ask again."""

    retry_after: int
    per: Per


class Limits:
    """Counts requests in moving windows, so that no burst at a window's edge gets twice the rate.

    Counters are this process's own, and bounded in number by ``most`` for each length of window.
    Raises ValueError for a limit below one request or one second.
    """

    def __init__(
        self, rules: Sequence[Limit], *, most: int = MOST_KEYS, clock: Callable[[], float] = monotonic
    ) -> None:
        for rule in rules:
            if rule.amount < 1 or rule.seconds < 1:
                raise ValueError(f"a limit of {rule.amount} in {rule.seconds} seconds: both must be 1 or more")
        self._rules = tuple((rule, RateLimitItemPerSecond(rule.amount, rule.seconds)) for rule in rules)
        self._clock = clock
        self._windows = MovingWindowRateLimiter(MovingWindows(most=most, clock=clock))
        self._lock = Lock()

    @property
    def rules(self) -> tuple[Limit, ...]:
        return tuple(rule for rule, _ in self._rules)

    def take(self, caller: Caller) -> Denied | None:
        """Count one request, or say why not; of several reasons the longest wait.

        All limits are looked at before any is used, in one step: a request that is denied uses up
        nothing, and of many at once exactly ``amount`` get through. What was taken is not given
        back, however the request ends.
        """
        counted = [(rule, item, _bucket(n, rule, caller)) for n, (rule, item) in enumerate(self._rules)]
        with self._lock:
            denied = [
                Denied(self._wait(item, bucket), rule.per)
                for rule, item, bucket in counted
                if not self._windows.test(item, *bucket)
            ]
            if denied:
                return max(denied, key=lambda reason: reason.retry_after)
            for _, item, bucket in counted:
                self._windows.hit(item, *bucket)
        return None

    def _wait(self, item: RateLimitItem, bucket: tuple[str, ...]) -> int:
        reset = self._windows.get_window_stats(item, *bucket).reset_time
        return max(1, ceil(reset - self._clock()))


def _bucket(number: int, rule: Limit, caller: Caller) -> tuple[str, ...]:
    for kind in _FALLING_BACK[rule.per]:
        value = _value(kind, caller)
        if value is not None:
            return (str(number), kind, value)
    return (str(number), "all")


def _value(kind: str, caller: Caller) -> str | None:
    if kind == "user":
        return caller.bucket
    if kind == "key":
        return caller.key
    address = caller.address
    if address is None or ":" not in address:
        return address
    try:
        return IPv6Address(address).packed[:8].hex()
    except AddressValueError:  # what a server calls a peer need not be an address
        return address
