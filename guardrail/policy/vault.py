"""What reversible masks cover, kept for one exchange: hidden from the model, put back for the caller.

The model reads ``[email-1]`` and answers with it; the caller reads the address. Equal values have equal
names, counted in the order of the request, so that a conversation's next turn reads the same. Knows
texts of one exchange and dies with it; must never be shared, stored or shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..text import Restored, Segment

RESTORE = "\x00restore"
"""The name under which a segment's mark says how far it was searched; no check can bear it."""
_CLOSERS = "])}>"


class Reversible(str):
    """A mask that is to be undone in the answer."""

    __slots__ = ()


class Vault:
    """Names for values, and back. False where there is none."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._taken: dict[str, set[int]] = {}
        self._pattern: re.Pattern[str] | None = None
        self._begun: re.Pattern[str] | None = None
        self._first = ""
        self._longest = 0

    def __bool__(self) -> bool:
        return bool(self._values)

    def close(self) -> None:
        """Forget everything."""
        self._names.clear()
        self._values.clear()
        self._pattern = None

    # -- the request ---------------------------------------------------------------------------

    def keep(self, segments: Sequence[Segment]) -> None:
        """Give every reversible mask in these texts its own name. A name that stands in them is not used."""
        for segment in segments:
            if any(isinstance(mask, Reversible) for _, _, mask in segment.edits):
                segment.edits[:] = [
                    (start, end, self._name(mask, segment.text[start:end], segments))
                    if isinstance(mask, Reversible)
                    else (start, end, mask)
                    for start, end, mask in segment.edits
                ]

    def _name(self, mask: str, value: str, segments: Sequence[Segment]) -> str:
        known = self._names.get((mask, value))
        if known is not None:
            return known
        if (taken := self._taken.get(mask)) is None:
            before, after = _shape(mask)
            written = re.compile(f"{re.escape(before)}([0-9]{{1,9}}){re.escape(after)}")
            taken = self._taken[mask] = {int(n) for s in segments for n in written.findall(s.text)}
        while True:
            self._counts[mask] = number = self._counts.get(mask, 0) + 1
            name = placeholder(mask, number)
            if number not in taken and name not in self._values:
                break
        self._names[mask, value] = name
        self._values[name] = value
        self._pattern = None
        return name

    # -- the answer ------------------------------------------------------------------------------

    def scan(self, text: str, start: int = 0) -> list[tuple[int, int, str]]:
        """(start, end, value) of every name in a text, from ``start`` on."""
        if not self._values:
            return []
        if self._pattern is None:
            self._compile()
        assert self._pattern is not None
        found = self._pattern.finditer(text, start)
        return [(m.start(), m.end(), Restored(self._values[m.group()])) for m in found if m.group() in self._values]

    def tail(self, text: str) -> int:
        """How many characters at the end could become a name."""
        if not self._values:
            return 0
        if self._pattern is None:
            self._compile()
        assert self._begun is not None
        size = len(text)
        for at in range(max(0, size - self._longest + 1), size):
            if text[at] in self._first and self._begun.fullmatch(text, at):
                return size - at
        return 0

    def put_back(self, segments: Iterable[Segment]) -> None:
        """Undo the masks in whole texts, where they can be rewritten."""
        for segment in segments:
            if not (segment.fixed or segment.echo):
                for start, end, value in self.scan(segment.text):
                    segment.edit(segment.base + start, segment.base + end, value)

    def _compile(self) -> None:
        """One pattern for all names of a mask: there may be thousands."""
        shapes = [_shape(mask) for mask in self._counts]
        whole, begun = [], []
        for before, after in shapes:
            number, escaped = "[0-9]{1,9}", re.escape(before)
            whole.append(f"{escaped}{number}{re.escape(after)}")
            begun += [re.escape(before[:size]) for size in range(1, len(before))]
            begun.append(f"{escaped}[0-9]{{0,9}}")
            begun += [f"{escaped}{number}{re.escape(after[:size])}" for size in range(1, len(after))]
        self._pattern, self._begun = re.compile("|".join(whole)), re.compile("|".join(begun))
        self._first = "".join({before[0] for before, _ in shapes})
        self._longest = max((len(before) + 9 + len(after) for before, after in shapes), default=0)


def _shape(mask: str) -> tuple[str, str]:
    """What stands before and after the number in the names of a mask."""
    before, _, after = placeholder(mask, 0).rpartition("0")
    return before, after


def placeholder(mask: str, number: int) -> str:
    """The mask with a number in it, closed, so that no name begins another: ``[email]`` gives ``[email-1]``."""
    if len(mask) > 2 and mask[-1] in _CLOSERS:
        return f"{mask[:-1]}-{number}{mask[-1]}"
    return f"[{mask}-{number}]"
