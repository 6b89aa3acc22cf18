"""One pass that says which scanners could find anything at all; most text stops here.

All triggers of all scanners, and those of all disguises, go into one RE2 set (linear time, measured at 2 µs per 1,000
characters), so ten checks cost little more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import re2

from .disguised import Disguised
from .protocol import Scanner
from .readings import TRIGGERS
from .runs import sound

_MEMORY = 64 << 20
"""Bytes RE2 may use for its automaton. A set that runs out of memory answers "no match", which
here would let text pass unread, so it gets far more than the default 8 MiB."""


class Prefilter:
    """``possible(text)`` names the scanners (by index) that might find something in it."""

    def __init__(self, scanners: Sequence[Scanner]) -> None:
        self._owners: list[Sequence[int]] = []
        self._always: list[int] = []
        self._words: list[tuple[int, Callable[[str], bool]]] = []
        options = re2.Options()
        options.max_mem = _MEMORY
        options.log_errors = False
        self._set = re2.Set.SearchSet(options)
        disguised = tuple(n for n, scanner in enumerate(scanners) if isinstance(scanner, Disguised))
        for n, each in enumerate(scanners):
            scanner = each.scanner if isinstance(each, Disguised) else each
            if hasattr(scanner, "maybe"):
                self._words.append((n, scanner.maybe))
            elif scanner.triggers is None:
                self._always.append(n)
            else:
                for trigger in scanner.triggers:
                    self._add(trigger, (n,))
        for trigger in TRIGGERS if disguised else ():
            self._add(trigger, disguised)
        if self._owners:
            self._set.Compile()

    def _add(self, trigger: str, owners: Sequence[int]) -> None:
        self._set.Add(trigger)
        self._owners.append(owners)

    def nothing(self, text: str) -> bool:
        """Is there no scanner that might find something? Sooner answered than ``possible``."""
        if self._always:
            return False
        if self._owners and self._set.Match((text if text.isascii() else sound(text)).encode()):
            return False
        for _, maybe in self._words:  # noqa: SIM110 - each call counts here
            if maybe(text):
                return False
        return True

    def possible(self, text: str) -> list[int]:
        hits = self._set.Match(text if text.isascii() else sound(text)) if self._owners else None
        found = {owner for n in hits for owner in self._owners[n]} if hits else set()
        for n, maybe in self._words:
            if maybe(text):
                found.add(n)
        found.update(self._always)
        return sorted(found) if found else []
