"""What to look for in an answer, and where to cut it: words of its own, stretches of them, places in its bytes.

Everything is drawn from a generator that is given, so the same seed gives the same again.
"""

from __future__ import annotations

import random
import re
from functools import cache

from guardrail.checks.patterns import Patterns
from tests.streams.reading import Reader, grows, read
from tests.streams.talk import Talk
from tests.support.plans import MASK, REFUSED, SAY

_WORD = re.compile(r"(?<![\w\\])[^\W\d_]{5,24}(?![\w\\])")
_PHRASE = re.compile(r"(?<![\w\\])(?=([^\W\d_]+[ ,.]{1,2}[^\W\d_]+)(?![\w\\]))")
_SPOKEN = re.compile(
    r"\.(content|text|thinking|arguments|partial_json|delta|input|reasoning|reasoning_content|refusal|transcript"
    r"|completion|generation|outputText|response|stringValue|tool_plan)$"
)
"""Places of a model's own words, even where there is only one of them."""
_BOUNDARY = re.compile(rb"(?:\r\n|\n|\r){2}|\n")
_ESCAPE = re.compile(rb'\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])')
_SEQUENCE = re.compile(rb"[\xc0-\xff][\x80-\xbf]+")


@cache
def words(talk: Talk) -> tuple[str, ...]:
    """Words that the answer says, or where there are none two short ones together, that are no part of a name,
    a key or an id in it, nor of words of ours."""
    answer, ending = _readers(talk)
    bare = [*ending.texts.values(), SAY, MASK, answer.texts.get("keys", ""), answer.texts.get("aside", "")]
    prose = list[str]()
    for place, text in answer.texts.items():
        if place in ("keys", "aside") or place in answer.shadows:
            continue
        if grows(place) and _SPOKEN.search(place):
            prose.append(text)
            continue
        for part in text.split("\n"):
            (prose if re.search(r"\s", part.strip()) else bare).append(part)
    frame = "\n".join(bare)
    for pattern in (_WORD, _PHRASE):
        if found := [w for w in dict.fromkeys(w for text in prose for w in pattern.findall(text)) if w not in frame]:
            return tuple(found)
    return ()


@cache
def _readers(talk: Talk) -> tuple[Reader, Reader]:
    return read(talk.answer, talk.media), read(talk.ending(), talk.media)


def stretch(talk: Talk, generator: random.Random, category: str = REFUSED) -> Patterns | None:
    """A pattern that matches from one word of a text to another, up to 600 characters later; None where no
    text is long enough."""
    answer, _ = _readers(talk)
    found = []
    for place, text in answer.texts.items():
        if _SPOKEN.search(place) and grows(place) and "\\" not in text and "partialArgs" not in place:
            inside = [m for m in _WORD.finditer(text) if m[0] in words(talk)]
            found += [(a, b) for n, a in enumerate(inside) for b in inside[n + 1 : n + 60] if b.end() - a.start() < 600]
    if not found:
        return None
    first, last = generator.choice(found)
    far = last.start() - first.end()
    return Patterns("stretch", [rf"(?s){first[0]}.{{0,{far}}}?{last[0]}"], category)


def places(raw: bytes) -> list[int]:
    """Where a cut is most likely to hurt: about the ends of events, UTF-8 sequences and escapes."""
    found: set[int] = set()
    for pattern in (_BOUNDARY, _SEQUENCE, _ESCAPE):
        for match in pattern.finditer(raw):
            found |= {*range(match.start() - 2, match.end() + 3)}
    return sorted(at for at in found if 0 < at < len(raw))


def cuts(raw: bytes, generator: random.Random) -> list[int]:
    """Cuts as a network makes them, or an enemy: none to hundreds, anywhere or where it hurts."""
    way = generator.choice(("one", "few", "many", "even", "hurting"))
    if way == "even":
        return [*range(generator.randrange(1, 64), len(raw), generator.choice((1, 2, 3, 7, 16, 61, 256)))][:4000]
    if way == "hurting" and (where := places(raw)):
        return sorted(generator.sample(where, min(len(where), generator.choice((1, 3, 12, 80)))))
    count = {"one": 1, "few": 4}.get(way, 120)
    return sorted({generator.randrange(len(raw) + 1) for _ in range(count)})
