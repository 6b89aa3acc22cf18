"""Texts that were judged and in which nothing was found, so that a conversation's history is not judged each turn.

Knows names of texts (keyed hashes), never the texts. Must never know a verdict with anything in it:
what is not here is judged, so forgetting costs time and no safety.

Every lane has its own recall, made with it, under a key of its own: what one policy or direction has
cleared says nothing under another. A text that some model judges beside what it answers is known again after
the same prompt only: its name is another after another one.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from threading import Lock
from time import monotonic

from ..text import Segment

LIMIT = 65_536
"""Texts remembered in one lane, about 13 MB of them."""

SECONDS = 3600.0
"""How long a text counts as judged: a service behind a check may learn."""

_NAME = 16


class Recall:
    """A bounded memory of names; the least recently used is forgotten first. Safe to share between threads.

    ``limit`` 0 remembers nothing. ``seconds`` count from when a text was judged, however often it
    came since; ``clock`` tells them.
    """

    __slots__ = ("_clock", "_empty", "_known", "_lock", "_seconds", "limit")

    def __init__(self, limit: int = LIMIT, *, seconds: float = SECONDS, clock: Callable[[], float] = monotonic) -> None:
        self.limit = limit
        self._seconds, self._clock = seconds, clock
        # The key is no one else's, so nobody can look for two texts that have one name.
        self._empty = blake2b(digest_size=_NAME, key=secrets.token_bytes(32))
        self._known: OrderedDict[bytes, float] = OrderedDict()  # name to when it expires
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def name_of(self, segment: Segment, prompt: str = "") -> bytes:
        """The name of a text: its kind, how it is read (as JSON too, and where parts meet), and every character.

        ``prompt``: what it was judged beside.
        """
        named = self._empty.copy()
        if prompt:
            before = prompt.encode("utf-8", "surrogatepass")
            named.update(b"%d:" % len(before))
            named.update(before)
        named.update(f"{segment.kind}:{segment.nested:d}:{segment.joints or ''};".encode())
        named.update(segment.text.encode("utf-8", "surrogatepass"))
        return named.digest()

    def name(self, *words: str) -> bytes:
        """The name of these words in this order; other words, or the same cut otherwise, have another."""
        named = self._empty.copy()
        for word in words:
            data = word.encode("utf-8", "surrogatepass")
            named.update(b";%d:" % len(data))
            named.update(data)
        return named.digest()

    def knows(self, names: Sequence[bytes]) -> list[bool]:
        """For each name whether it is remembered; it then counts as used."""
        if not self._known:
            return [False] * len(names)
        with self._lock:
            now = self._clock()
            return [self._fresh(name, now) for name in names]

    def _fresh(self, name: bytes, now: float) -> bool:
        expires = self._known.get(name)
        if expires is None:
            return False
        if expires <= now:
            del self._known[name]
            return False
        self._known.move_to_end(name)
        return True

    def remember(self, names: Iterable[bytes]) -> None:
        """Only names of texts that every check has judged, and in which none found anything."""
        with self._lock:
            expires = self._clock() + self._seconds
            for name in names:
                self._known[name] = expires
                self._known.move_to_end(name)
            while len(self._known) > self.limit:
                self._known.popitem(last=False)
