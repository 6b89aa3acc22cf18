"""What must be nowhere in what left: the pieces of refused and masked spans that occur nowhere else in the answer.

Knows texts by their places, and the checks that say where their spans are. Of bytes it knows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guardrail.checks.protocol import Scanner
from tests.streams.reading import Reader, unescaped
from tests.support.plans import FLAGGED, MASK, SAY, Judge

LEAST = 4
"""Characters of the shortest piece that is looked for: shorter ones are in any text."""
MOST = 160
"""Places of one long span at which a piece is taken."""
_CUT = "\0"
_OURS = (SAY, MASK, "[hid]")
_STATES = ("failed", "incomplete", "server_error", "invalid_prompt")
"""What endings of ours call the things that they close; an ending that closes none does not say it."""


def spans(text: str, checks: Iterable[Scanner]) -> list[tuple[int, int]]:
    """Where these checks find something."""
    return sorted((found.start, found.end) for check in checks for found in check.scan(text))


def hidden(checks: Iterable[Scanner | Judge]) -> list[Scanner]:
    """The checks whose findings must not be seen: all but those that only flag, and models, which know no span."""
    return [c for c in checks if not isinstance(c, Judge) and FLAGGED not in c.categories]


def needles(answer: Reader, ending: Reader, checks: Sequence[Scanner | Judge]) -> list[str]:
    """The shortest piece that tells a span, from each place in it, and each span."""
    covert = hidden(checks)
    found: set[str] = set()
    rest = [*_STATES, *(unescaped(text) for text in ending.texts.values())]
    for place, text in answer.texts.items():
        for each in {text, unescaped(text)}:
            cut, told = _without(each, spans(each, covert))
            found |= told
            if place not in answer.shadows and "\\u" not in each:
                rest.append(cut)
    elsewhere = without_ours(_CUT.join(rest))
    out = dict.fromkeys(sorted(found))
    for span in sorted(found):
        step = max(1, len(span) // MOST)
        for start in {*range(0, len(span) - LEAST + 1, step), len(span) - LEAST}:
            piece = _shortest(span, start, elsewhere)
            if piece:
                out[piece] = None
    out |= dict.fromkeys(check.word for check in checks if isinstance(check, Judge))
    return [piece for piece in out if not any(other in piece for other in out if other != piece)]


def without_ours(text: str) -> str:
    """The text less the words that the guard puts in, so that nothing seems to join across them."""
    for ours in _OURS:
        text = text.replace(ours, _CUT)
    return text


def _without(text: str, found: Iterable[tuple[int, int]]) -> tuple[str, set[str]]:
    """The text with these spans cut out, and what stood in them."""
    out, told, at = [], set(), 0
    for start, end in found:
        told.add(text[start:end])
        out.append(text[at : max(at, start)])
        at = max(at, end)
    return _CUT.join([*out, text[at:]]), told


def _shortest(span: str, start: int, elsewhere: str) -> str:
    """The shortest piece of the span from here that stands nowhere else; also from the end back."""
    start = max(0, start)
    for end in range(start + LEAST, len(span) + 1):
        if span[start:end] not in elsewhere:
            return span[start:end]
    for begin in range(start, -1, -1):
        if span[begin:] not in elsewhere:
            return span[begin:]
    return ""
