"""Ways to disguise a text that keep its words, for tests and benches. Knows no check."""

from __future__ import annotations

import codecs
from base64 import b64encode
from collections.abc import Callable
from itertools import groupby

_CYRILLIC = str.maketrans("aeiopcyxsjABEKMHOPCTX", "аеіорсухѕјАВЕКМНОРСТХ")  # noqa: RUF001
_GREEK = str.maketrans("aiovpuABEZHIKMNOPTYX", "αιονρυΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")  # noqa: RUF001
_LEET = str.maketrans("aeiost", "431057")
_LEET_L = str.maketrans("aelot", "43107")
_BOLD = {n: 0x1D400 + n - 65 for n in range(65, 91)} | {n: 0x1D41A + n - 97 for n in range(97, 123)}
_WIDE = {n: n + 0xFEE0 for n in range(0x30, 0x7B)}


def _between(mark: str) -> Callable[[str], str]:
    return lambda text: mark.join(text)


def _words(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: " ".join(map(change, text.split(" ")))


def _stretched(text: str) -> str:
    """Each word's first vowel four times as long, or five times where it is double."""
    out, done = "", False
    for letter, run in groupby(text):
        whole = "".join(run)
        if letter == " ":
            done = False
        elif letter in "aeiou" and not done:
            whole, done = whole + letter * 3, True
        out += whole
    return out


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()


DISGUISES: dict[str, Callable[[str], str]] = {
    "upper case": str.upper,
    "mixed case": lambda text: "".join(c.upper() if n % 2 else c for n, c in enumerate(text)),
    "full width": lambda text: text.translate(_WIDE),
    "mathematical bold": lambda text: text.translate(_BOLD),
    "circled": lambda text: "".join(chr(0x24D0 + ord(c) - 97) if "a" <= c <= "z" else c for c in text),
    "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
    "zero-width spaces": _between("\u200b"),
    "zero-width joiners": _between("\u200d"),
    "soft hyphens": _words(_between("\u00ad")),
    "bidi marks": _between("\u200e"),
    "overridden direction": lambda text: f"\u202e{text[::-1]}\u202c",
    "tags": lambda text: "".join(chr(0xE0000 + ord(c)) for c in text),
    "variation selectors between": _between("\ufe0f"),
    "variation selectors as bytes": lambda text: "\U0001f600" + "".join(chr(0xE0100 + b - 16) for b in text.encode()),
    "overlaid strokes": _between("\u0336"),
    "Cyrillic": lambda text: text.translate(_CYRILLIC),
    "Greek": lambda text: text.translate(_GREEK),
    "stretched": _stretched,
    "spaced": _between(" "),
    "dotted": _between("."),
    "hyphenated": _between("-"),
    "dotted words": _words(_between(".")),
    "leet": lambda text: text.translate(_LEET),
    "leet, a one for l": lambda text: text.translate(_LEET_L),
    "base64": _b64,
    "base64 twice": lambda text: _b64(_b64(text)),
    "hex": lambda text: text.encode().hex(),
    "hex, spaced": lambda text: text.encode().hex(" "),
    "percent": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent twice": lambda text: "".join(f"%25{byte:02x}" for byte in text.encode()),
    "entities": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "hex entities": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "escapes": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "reversed": lambda text: text[::-1],
}
"""By name: a text to the same disguised. Letters a to z and spaces."""
