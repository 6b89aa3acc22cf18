r"""Open matches: from a pattern to the ends of texts at which a match of it has begun and is not settled.

Knows how RE2 writes patterns. Must never know what a pattern looks for, nor judge a text.

A match that begins at some place is *open* while more text could still change it: while the next
character may belong to it, or decide whether a ``\b`` holds. Those of ``\bab{2,}`` are the ends of a text
that match ``\b(?:|a(?:|b*))\z``. RE2 reads such a pattern backwards from the end, and stops as soon as no
match can be open any more: in prose after a few characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from time import perf_counter_ns

import re2

from .runs import sound

_COUNTED = 8
"""A part that may repeat more often counts as open after any number of times: the program stays small."""
_FEW = 4
_LARGEST = 20_000
"""Instructions of a program that is worth its memory."""
_SLOWEST = 100_000
"""Nanoseconds that a look at the end of 4,096 characters of prose may take; most take about 1,000."""
PROSE = ("The quick brown fox, 12 of them; paid 3.50 at example.org/a?b=c (see page 7). " * 60)[:4096]
"""What costs are measured on."""

_token = re.compile(
    r"""\\Q(?P<quoted>.*?)(?:\\E|\Z)
    | (?P<anchor>[\^$]|\\[Az])
    | (?P<look>\\[bB])
    | \(\?(?P<on>[imsU]*)(?:-(?P<off>[imsU]+))?(?P<flags>[:)])
    | (?P<begin>\((?:\?P?<\w+>)?)
    | (?P<end>\))
    | (?P<bar>\|)
    | (?P<times>[*+?]|\{(?P<least>0|[1-9]\d{0,8})(?:(?P<range>,)(?P<most>0|[1-9]\d{0,8})?)?\})\??
    | (?P<character>\\(?:[pP](?:\{[^}]*\}|.)|x(?:\{[^}]*\}|..)|[0-7]{1,3}|.)
        | \[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]
        | .)""",
    re.DOTALL | re.VERBOSE,
)
_unclear = re.compile(r"\\C|-\[:")
"""Half a character; and what may be a range in a class, or the class of a name."""


@dataclass(frozen=True, slots=True)
class Part:
    r"""A pattern, or a part of one.

    ``whole``: it again, for RE2. ``open``: what matches, up to the end of a text, all that can stand
    there while a match of it is open; None: it never is. ``width``: the characters of its longest match.
    ``opening``: the text every match begins with; ``exact``: there is nothing else in a match.
    ``anchored``: it asks, by ``^ $ \A \z``, where the text or a line begins or ends. ``characters``: what
    matches each single character of it.
    """

    whole: str
    open: str | None = ""
    width: float = 0
    opening: str = ""
    exact: bool = True
    anchored: bool = False
    characters: frozenset[str] = frozenset()


def read(pattern: str) -> Part | None:
    """What is known of a pattern that RE2 takes; None where it cannot be read for certain."""
    if _unclear.search(pattern):
        return None
    # The groups that are open: the flags that hold in each, and its alternatives, lists of parts.
    groups: list[tuple[str, list[list[Part]]]] = [("", [[]])]
    for token in _token.finditer(pattern):
        flags, options = groups[-1]
        parts = options[-1]
        if token["quoted"] is not None:
            parts += [_character(re2.escape(each), flags) for each in token["quoted"]]
        elif token["anchor"]:
            parts.append(Part(token[0], anchored=True))
        elif token["look"]:
            parts.append(Part(token[0]))
        elif token["flags"]:
            flags = "".join(sorted({*flags, *token["on"]} - {*(token["off"] or "")}))
            if token["flags"] == ":":
                groups.append((flags, [[]]))
            else:
                groups[-1] = (flags, options)
        elif token["begin"]:
            groups.append((flags, [[]]))
        elif token["end"]:
            groups.pop()
            groups[-1][1][-1].append(_either(options))
        elif token["bar"]:
            options.append([])
        elif token["times"]:
            parts.append(_repeated(parts.pop(), token))
        else:
            parts.append(_character(token[0], flags))
    return _either(groups[0][1])


def _character(written: str, flags: str) -> Part:
    """One character of a text, as it is written in a pattern."""
    plain = written[-1] if len(written) == 1 or (len(written) == 2 and not written[1].isalnum()) else ""
    if written == ".":
        plain = ""
    whole = re2.escape(plain) if plain else written
    shown = "".join(each for each in flags if each in "is")
    if shown:
        whole = f"(?{shown}:{whole})"
    opening = plain if "i" not in flags else ""
    return Part(whole, width=1, opening=opening, exact=bool(opening), characters=frozenset({whole}))


def _sequence(parts: Sequence[Part]) -> Part:
    """Open in its first part, or after the whole of that in the next, and so on."""
    rest = None
    for part in reversed(parts):
        later = None if rest is None else part.whole + rest
        ways = [way for way in (part.open, later) if way is not None]
        rest = f"(?:{'|'.join(ways)})" if ways else None
    opening, exact = "", True
    for part in parts:
        opening += part.opening if exact else ""
        exact = exact and part.exact
    return Part(
        "".join(part.whole for part in parts),
        rest,
        sum(part.width for part in parts),
        opening,
        exact,
        any(part.anchored for part in parts),
        frozenset().union(*(part.characters for part in parts)),
    )


def _either(options: Sequence[Sequence[Part]]) -> Part:
    """Open in any of its alternatives."""
    parts = [_sequence(option) for option in options]
    ways = [part.open for part in parts if part.open is not None]
    return Part(
        f"(?:{'|'.join(part.whole for part in parts)})",
        f"(?:{'|'.join(ways)})" if ways else None,
        max(part.width for part in parts),
        parts[0].opening if len(parts) == 1 else "",
        len(parts) == 1 and parts[0].exact,
        any(part.anchored for part in parts),
        frozenset().union(*(part.characters for part in parts)),
    )


def _repeated(part: Part, token: re.Match[str]) -> Part:
    """Open in the part, after as many whole ones as leave room for one more."""
    least, most = {"*": (0, inf), "+": (1, inf), "?": (0, 1.0)}.get(token["times"], (0, 0.0))
    if token["least"]:
        least = int(token["least"])
        most = float(token["most"] or inf) if token["range"] else float(least)
    each = f"(?:{part.whole})"
    if most > _COUNTED:
        whole, before = f"{each}{{{min(least, _COUNTED)},}}", f"{each}*"
    else:
        whole, before = f"{each}{{{least},{int(most)}}}", f"{each}{{0,{max(0, int(most) - 1)}}}"
    return Part(
        whole,
        before + part.open if most and part.open is not None else None,
        part.width * most if part.width and most else 0,
        part.opening if least else "",
        False,
        part.anchored,
        part.characters,
    )


class Prefixes:
    """Tells how much of the end of a text may still become a match of any of some patterns.

    ``far``: the characters of the longest match. Raises ValueError where looking would cost too much.
    """

    def __init__(self, parts: Sequence[Part], far: int) -> None:
        self._far = far
        self._ends = _compile([part.open for part in parts if part.open is not None], r"\z")
        character = _compile(sorted({each for part in parts for each in part.characters}), "")
        # Nothing is open after these; most texts end in one of them, and this is ten times faster.
        self._closing = frozenset(each for each in map(chr, range(128)) if not character.fullmatch(each))
        # Where every match begins with one of a few texts, none is open without it, or a beginning of it.
        openings = {part.opening for part in parts}
        self._openings = tuple(openings) if "" not in openings and len(openings) <= _FEW else ()
        self._begin = frozenset("".join(openings))
        size = self._ends.reverseprogramsize  # negative where RE2 has no room for it
        if not 0 < size <= _LARGEST or self._cost() > _SLOWEST:
            raise ValueError("to look for what is open costs too much")

    def held(self, text: str) -> int:
        """The characters from where the first match begins that is open at the end of the text."""
        last = text[-1:]
        if last in self._closing:
            return 0
        if self._openings and last not in self._begin:
            for opening in self._openings:
                if opening in text:
                    break
            else:
                return 0
        low = len(text) - self._far
        before = b""
        if low > 0:
            before = sound(text[low - 1]).encode()
            text = text[low:]
        if text.isascii():
            data = before + text.encode()
            return len(data) - int(self._ends.search(data, len(before)).start())
        data = before + sound(text).encode()
        return len(data[self._ends.search(data, len(before)).start() :].decode())

    def _cost(self) -> float:
        """Nanoseconds a look takes, at best of a few tries."""
        ends = [PROSE[:size] for size in range(len(PROSE) - 16, len(PROSE))]
        best = inf
        for _ in range(3):
            begin = perf_counter_ns()
            for text in ends:
                self.held(text)
            best = min(best, (perf_counter_ns() - begin) / len(ends))
        return best


def _compile(ways: Sequence[str], end: str) -> re2._Regexp:
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    try:
        return re2.compile(f"(?:{'|'.join(ways)}){end}", options)
    except re2.error as error:
        raise ValueError("too long") from error
