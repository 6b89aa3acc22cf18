"""Memory for moving windows, of bounded size: a storage of the ``limits`` library.

The library's own memory storage keeps every key it ever saw in its moving windows, and walks all
of them on a timer thread. This one forgets by itself, without a thread. It must never know who a
key stands for.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from limits.storage import MovingWindowSupport, Storage

if TYPE_CHECKING:
    _Table = OrderedDict[str, array[float]]

MOST_KEYS = 100_000
"""Keys for each length of window: about 30 MB."""


class MovingWindows(Storage, MovingWindowSupport):
    """When each key was used, for as long as its window is.

    Once ``most`` keys of one window length are in use the one seen longest ago is forgotten, and
    starts afresh if it comes again. ``clock`` gives seconds that never go back.
    """

    STORAGE_SCHEME = None

    def __init__(self, *, most: int = MOST_KEYS, clock: Callable[[], float] = monotonic) -> None:
        super().__init__()
        self._most, self._clock = most, clock
        self._lock = Lock()
        self._tables: dict[int, _Table] = {}

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Use ``key`` ``amount`` times, unless that would be more than ``limit`` in ``expiry`` seconds."""
        with self._lock:
            now = self._clock()
            events = self._live(key, expiry, now)
            if len(events) + amount > limit:
                return False
            events.extend([now] * amount)
            table = self._tables.setdefault(expiry, OrderedDict())
            table[key] = events
            table.move_to_end(key)
            self._forget(table, now - expiry)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest use still counted was (now, if there is none), and how many there are."""
        with self._lock:
            now = self._clock()
            events = self._live(key, expiry, now)
            return (events[0], len(events)) if events else (now, 0)

    def _live(self, key: str, expiry: int, now: float) -> array[float]:
        table = self._tables.get(expiry)
        events = None if table is None else table.get(key)
        if table is None or events is None:
            return array("d")
        table.move_to_end(key)
        del events[: bisect_right(events, now - expiry)]
        return events

    def _forget(self, table: _Table, before: float) -> None:
        while table:
            oldest = next(iter(table.values()))
            if len(table) <= self._most and oldest and oldest[-1] > before:
                return
            table.popitem(last=False)

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            count = len(self)
            self._tables.clear()
            return count

    def clear(self, key: str) -> None:
        with self._lock:
            for table in self._tables.values():
                table.pop(key, None)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        raise _only_moving()

    def get(self, key: str) -> int:
        raise _only_moving()

    def get_expiry(self, key: str) -> float:
        raise _only_moving()


def _only_moving() -> NotImplementedError:
    return NotImplementedError("this storage keeps moving windows only: use the moving-window strategy")
