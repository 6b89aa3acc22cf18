"""Characters that stand for others, and those that nobody sees.

Forms that NFKC undoes, letters of other scripts drawn like Latin ones, spaces of all widths; invisible characters,
marks piled on letters, overridden direction, and text hidden in tags and variation selectors. Knows single characters
and their neighbours. Must never know words, nor what is looked for.
"""

from __future__ import annotations

import re
from unicodedata import normalize

from ..runs import AnyOf
from .confusables import LOOK_ALIKES, LOOSELY
from .mapped import Edit, apart

LONGEST = 1_000
"""Characters of hidden text, and of text whose direction is overridden, that are read as one."""

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e00ff"
    "\U000e01f0-\U000e0fff"
)
SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
TAGS = "\U000e0020-\U000e007f"
MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
OVERLAYS = "\u0334-\u0338\u0488\u0489\u20d0-\u20ff"
# Letters and digits in another form (Unicode's compatibility blocks), and what addresses and numbers are written with.
# Left out is what ordinary text has in that form: Chinese punctuation, circled numbers, the signs of units and marks.
FORMS = (
    "\u017f\u01c4-\u01cc\u01f1-\u01f3\u02b0-\u02b8\u02e0-\u02e4\u1d2c-\u1d2e\u1d30-\u1d3a\u1d3c-\u1d4d\u1d4f-\u1d6a"
    "\u1d78\u1d9b-\u1dbf\u2070-\u2079\u2080-\u2089\u2090-\u209c\u2102\u210a-\u2115\u2119-\u211d\u2124\u2128\u212a"
    "\u212c\u212d\u212f-\u2134\u2139\u2145-\u2149\u2160-\u217f\u249c-\u24e9\ufb00-\ufb06\ufb50-\ufdf0\ufe70-\ufefc"
    "\uff0b\uff0d\uff0e\uff10-\uff19\uff20\uff21-\uff3a\uff41-\uff5a\uff66-\uff9d\U0001d400-\U0001d7ff"
    "\U0001f110-\U0001f129\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189"
)
STRICT = "".join(map(chr, LOOK_ALIKES))
LOOSE = "".join(map(chr, LOOSELY))

_MOST = 4  # characters one may grow to: more is a ligature of words (U+FDFA has 18), and a way to fill a memory
_FLAG = f"\U0001f3f4[{TAGS[0]}-\U000e007e]{{2,16}}\U000e007f"
_OTHER = r"[^\W\d_A-Za-z]"  # a letter that is not an ASCII one

_hidden = re.compile(
    rf"(?P<turned>\u202e[^\u202c\n]{{1,{LONGEST}}}(?=[\u202c\n]|\Z))"
    rf"|(?P<flag>{_FLAG})"
    rf"|(?P<tags>[{TAGS}]{{1,{LONGEST}}})"
    rf"|(?P<selectors>[{SELECTORS}]{{1,{LONGEST}}})"
    rf"|(?P<invisible>[{INVISIBLE}]+)"
    rf"|(?P<marks>[{MARKS}]+)"
    rf"|(?P<space>[{SPACES}])"
    rf"|(?P<form>[{FORMS}])"
)
_hiding = re.compile(f"[{TAGS}{SELECTORS}{INVISIBLE}{MARKS}{SPACES}{FORMS}\U0001f3f4]+")
_alike = re.compile(
    rf"(?<=[A-Za-z])[{LOOSE}]+|(?<![^\W\d_])[{LOOSE}]+(?=[A-Za-z])"
    rf"|(?<![^\W\d_])[{STRICT}]{{4,64}}(?![^\W\d_])"
)
_open = re.compile(
    rf"(?:\u202e[^\u202c\n]{{0,{LONGEST}}}|\U0001f3f4[{TAGS}]*|[{TAGS}]+|[{SELECTORS}]+|[{INVISIBLE}]+|[{MARKS}]+"
    rf"|(?<!{_OTHER})[{LOOSE}]+)\Z"
)
_APART = "[^A-Za-z\u0370-\u058f\u1f00-\u1fff]"  # what does not belong to a word of letters like these
TRIGGERS = (
    f"[{TAGS}{SELECTORS}{INVISIBLE}{SPACES}{FORMS}{OVERLAYS}]",
    f"[{MARKS}]{{3}}|[A-Za-z][{MARKS}]",
    f"[A-Za-z][{LOOSE}]|[{LOOSE}][A-Za-z]",
    f"(?:^|{_APART})[{STRICT}]{{4,}}(?:$|{_APART})",
)
"""RE2 patterns: where none of them matches, there is nothing to rewrite."""
_look_alike = AnyOf(TRIGGERS[2:])
_overlaid = re.compile(f"[{OVERLAYS}]")
_ENCLOSED = ((0x1F150, 0x1F169), (0x1F170, 0x1F189))


def edits(text: str, start: int) -> list[Edit]:
    """What is rewritten at or after ``start``."""
    if text.isascii():
        return []
    out: list[Edit] = []
    free = start
    for run in _hiding.finditer(text, start):
        free = max(free, run.start())
        while free < run.end():
            found = _hidden.match(text, free)
            if found is None:
                free += 1
                continue
            new = _said(found)
            if new is not None:
                out.append((free, found.end(), new))
            free = found.end()
    if not _look_alike(text):
        return out
    alike = [(found.start(), found.end(), found.group().translate(LOOSELY)) for found in _alike.finditer(text, start)]
    return apart([*out, *alike]) if out else alike


def _said(found: re.Match[str]) -> str | None:
    """What stands for this; None: itself."""
    kind, old = found.lastgroup, found.group()
    if kind == "form":
        new = _plain_form(old)
        return None if new == old else new
    if kind == "space":
        return " "
    if kind == "turned":
        return old[:0:-1]
    if kind == "tags":
        hidden = "".join(chr(ord(tag) - 0xE0000) for tag in old if tag != "\U000e007f")
        return f" {hidden} "
    if kind == "selectors":
        return _selected(old)
    if kind == "marks" and _ordinary(found.string, found.start(), old):
        return None
    return ""


def open_from(text: str) -> int:
    """From where on the text may read otherwise when it goes on."""
    if text.isascii():
        return len(text)
    found = _open.search(text, max(0, len(text) - LONGEST - 2)) if not text[-1].isascii() or "\u202e" in text else None
    return found.start() if found else len(text)


def _plain_form(character: str) -> str:
    code = ord(character)
    for low, high in _ENCLOSED:
        if low <= code <= high:
            return chr(ord("A") + code - low)
    new = normalize("NFKC", character)
    return new if len(new) <= _MOST else character


def _ordinary(text: str, start: int, marks: str) -> bool:
    """Whether marks are those of an alphabet, written apart from their letter."""
    if len(marks) > 2 or _overlaid.search(marks):
        return False
    before = text[start - 1 : start]
    return not (before.isascii() and before.isalpha()) or len(normalize("NFC", before + marks[0])) == 1


def _selected(selectors: str) -> str:
    """The text whose bytes these variation selectors are; nothing where they are no text."""
    if len(selectors) < 4:
        return ""
    codes = [ord(selector) for selector in selectors]
    data = bytes(code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16 for code in codes)
    try:
        said = data.decode()
    except UnicodeDecodeError:
        return ""
    return f" {said} " if said.isprintable() else ""
