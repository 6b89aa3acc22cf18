"""The words of the fuzzer: the canary, sentences without it, and the ways JSON can spell a text.

Knows no API and nothing of the guard.
"""

from __future__ import annotations

import json
from random import Random

CANARY = "c4n4ry"
"""The one word that the policy under test refuses. Nothing else here contains it."""

PHRASES = (
    "What is a good name for a cat?",
    "Summarise the minutes of Tuesday in three lines.",
    "Bonjour, où est la bibliothèque ?",
    "写一首关于秋天的短诗",
    "A recipe for lentil soup, please, without onions.",
    'He said "maybe", then left.',
    "Line one\nline two\n\tindented",
    "Back\\slash and /slash/",
    "Emoji 😀 and family 👩‍👩‍👧",
    "x = {'a': [1, 2, 3]}",
    "Return 200 & stop; 100% sure + more",
    "SELECT name FROM cats WHERE age > 3",
    "ok",
    "مرحبا بالعالم",
    "The meeting is at 10:30, room 4b.",
    "Zwölf Boxkämpfer jagen Viktor",
    "1. first 2. second 3. third",
    "data: not an event",
    "<p>Some HTML &amp; more</p>",
    "yes\r\nno",
)


def phrase(rng: Random) -> str:
    """A sentence nobody minds."""
    return PHRASES[int(rng.random() * len(PHRASES))]


def sentence(rng: Random) -> str:
    """A sentence with the canary; it has a space, so no table can take it for an identifier."""
    return f"{phrase(rng)} {CANARY} {phrase(rng)}" if rng.random() < 0.5 else f"say {CANARY} now"


def spelled(rng: Random, text: str) -> str:
    """A JSON string literal of the text, with none, some or all of its characters escaped."""
    how = rng.random()
    if how < 0.45:
        return json.dumps(text, ensure_ascii=how < 0.25)
    if how < 0.6:
        return '"' + "".join(_unit(c, rng.random() < 0.5) for c in text) + '"'
    start = text.find(CANARY)
    at = start + rng.randrange(len(CANARY)) if start >= 0 else rng.randrange(max(1, len(text)))
    one = text[at : at + 1]
    return json.dumps(text[:at])[:-1] + _unit(one, rng.random() < 0.5) + json.dumps(text[at + 1 :])[1:]


def _unit(char: str, upper: bool) -> str:
    units = char.encode("utf-16-be")
    form = "\\u%04X" if upper else "\\u%04x"
    return "".join(form % int.from_bytes(units[n : n + 2], "big") for n in range(0, len(units), 2))


def percent(rng: Random, text: str) -> str:
    """The text as form and query encoders write it, and at times every byte of it coded."""
    every = rng.random() < 0.3
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char == " " and rng.random() < 0.5:
            out.append("+")
        elif every or not (char.isascii() and char.isalnum()) or rng.random() < 0.1:
            out.append(f"%{byte:02X}" if rng.random() < 0.5 else f"%{byte:02x}")
        else:
            out.append(char)
    return "".join(out)
