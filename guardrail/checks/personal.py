"""The scanner for personal data: which entities there are, and what is one where two could be.

At one place an e-mail address goes before an account number, a card, an IP address and a telephone
number; of two that overlap, the one that begins first. Knows no entity's own rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from ..verdict import Finding, Kind
from . import card, email_address, iban, ip_address, number, phone
from .protocol import EVERYTHING
from .runs import NOT_BEFORE, AnyOf, leftmost

Find = Callable[[str, int], Iterator[tuple[int, int]]]
Tail = Callable[[str], int]

_ENTITIES: dict[str, tuple[Find, Tail, tuple[str, ...]]] = {
    "email": (email_address.find, email_address.tail, email_address.TRIGGERS),
    "iban": (iban.find, iban.tail, iban.TRIGGERS),
    "card": (card.find, number.tail, card.TRIGGERS),
    "ip": (ip_address.find, ip_address.tail, ip_address.TRIGGERS),
    "phone": (phone.find, number.tail, phone.TRIGGERS),
}
ENTITIES = tuple(_ENTITIES)

_NEAR = number.LONGEST + 1
# A text that ends, read backwards, in one plain word after a space, with nothing before it that could
# belong to a number, an address or a version: then the word is the whole tail.
_plain = re.compile(
    rf"([A-Za-z]{{0,20}}+)(?:\s(?!(?:{'|'.join(word[::-1] for word in ip_address.NUMBERED)}){NOT_BEFORE})"
    r"[^0-9+(:/@]*+)?\Z"
)


_CLOSING = frozenset(',;!?"')
"""Nothing that is looked for goes on over these, and none needs to see what follows them."""


class PersonalData:
    """Finds e-mail addresses, telephone numbers, payment cards, IBANs and IP addresses.

    Categories are ``personal/<entity>``. Digits other than ASCII ones are not read. Raises
    ValueError for an unknown entity, or none at all.
    """

    inline = 1_024

    def __init__(
        self,
        name: str,
        entities: Collection[str] = ("email", "phone", "card", "iban", "ip"),
        *,
        reads: frozenset[Kind] = EVERYTHING,
    ) -> None:
        unknown = sorted(set(entities) - set(_ENTITIES))
        if unknown or not entities:
            what = f"unknown personal data {', '.join(unknown)}" if unknown else "no personal data named"
            raise ValueError(f"{what}; choose from {', '.join(ENTITIES)}")
        chosen = [entity for entity in ENTITIES if entity in entities]
        self.name, self.reads = name, reads
        self._ranked = tuple(f"personal/{entity}" for entity in chosen)
        self._find = tuple(_ENTITIES[entity][0] for entity in chosen)
        tails = dict.fromkeys(_ENTITIES[entity][1] for entity in chosen)
        if "ip" in chosen:
            tails.pop(number.tail, None)
        self._tails = tuple(tails)
        self._words = "email" in chosen or "ip" in chosen
        self._versions = "ip" in chosen
        self.categories = frozenset(self._ranked)
        self.reach: int | None = email_address.REACH + 16
        self.triggers: tuple[str, ...] | None = tuple(trigger for entity in chosen for trigger in _ENTITIES[entity][2])
        self._rank_of = [rank for rank, entity in enumerate(chosen) for _ in _ENTITIES[entity][2]]
        self._quick = AnyOf(self.triggers)

    def scan(self, text: str, start: int = 0) -> Sequence[Finding]:
        hits = self._quick(text)
        if not hits:
            return ()
        ranks = {self._rank_of[hit] for hit in hits}
        found = [(begin, rank, end) for rank in ranks for begin, end in self._find[rank](text, start)]
        return leftmost(found, self._ranked, self.name) if found else ()

    def tail(self, text: str) -> int:
        if text[-1:] in _CLOSING:
            return 0
        plain = _plain.match(text[: -_NEAR - 1 : -1]) if self._words else None
        if plain:
            return plain.end(1)
        held = 0
        for tail in self._tails:
            held = max(held, tail(text))
        if held and self._versions:
            return len(text) - ip_address.reach_back(text, len(text) - held)
        return held
