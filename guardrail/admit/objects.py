"""Who made which object that the API's server keeps: stored responses, threads, batches, files.

Another user's id is then refused, and so is an answer that was refused when it was made. Knows ids
and owners, as keyed pseudonyms; the objects themselves it must never know.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

Standing = Literal["own", "foreign", "unknown", "refused"]
MAX_OBJECTS = 200_000
"""Objects remembered; the least lately used are forgotten, and are unknown then."""


class Named(Protocol):
    """An object as a request or an answer names it."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Made:
    owner: str | None
    refused: bool


class Objects:
    """The objects made through one guard. Safe to share between threads."""

    def __init__(self, most: int = MAX_OBJECTS) -> None:
        self._made: OrderedDict[str, _Made] = OrderedDict()
        self._most = most
        self._lock = threading.Lock()

    def issue(self, made: Iterable[Named], owner: str | None, *, refused: bool = False) -> None:
        """Remember objects of an answer. One that was refused stays refused; an owner never changes."""
        with self._lock:
            for found in made:
                known = self._made.pop(found.id, None)
                if known is None:
                    known = _Made(owner, refused)
                elif refused and not known.refused:
                    known = _Made(known.owner, True)
                self._made[found.id] = known
            while len(self._made) > self._most:
                self._made.popitem(last=False)

    def standing(self, named: Named, user: str | None) -> Standing:
        """What an object that a request names is to this user."""
        with self._lock:
            known = self._made.get(named.id)
            if known is None:
                return "unknown"
            self._made.move_to_end(named.id)
        if known.owner != user:
            return "foreign"
        return "refused" if known.refused else "own"
