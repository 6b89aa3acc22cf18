"""E-mail addresses: a practical subset of RFC 5321 (lengths of 4.5.3.1) with the letters of RFC 6531.

No quoted local parts, address literals or comments; an apostrophe begins an address anew. The
top-level label is of letters or an IDNA ``xn--`` form. Knows nothing of other entities.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .runs import LETTERS, NOT_AFTER, UNSPACED, first_start, trailing

TRIGGERS = (r"[^\s@]@[^\s@]",)
LOCAL, DOMAIN = 64, 253
REACH = LOCAL + 1 + DOMAIN + 1

_never = (
    r"\s\x00-\x1f!\"#$&'()*,/:;<=>?@\[\\\]^`{|}~\x7f-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf"
    rf"\u2000-\u2bff\u3000-\u3004\u3008-\u303f\ud800-\uf8ff\uff00-\uff0f\uff1a-\uff20{UNSPACED}"
)
_local = re.compile(f"[^{_never}]++")
_domain = re.compile(rf"[^{_never}%+_]{{1,{DOMAIN + 1}}}+")
_start = re.compile(f"{NOT_AFTER}[{LETTERS}]")
_top = re.compile(r"xn--[a-z0-9\-]{2,59}|[^\W\d_]{2,63}(?=-|\Z)", re.IGNORECASE)
_picture = re.compile(r"\dx\.(?:png|jpe?g|gif|webp|svg|ico)", re.IGNORECASE)


def find(text: str, start: int) -> Iterator[tuple[int, int]]:
    """(start, end) of an address at every place at or after ``start`` where one may begin."""
    at = text.find("@", start)
    while at >= 0:
        low = at - trailing(_local, text[max(start, at - LOCAL) : at], LOCAL)
        end = _end(text, at + 1) if low < at else None
        if end is not None:
            for found in _start.finditer(text, low, at):
                # "git@host:path" names a repository, not a person.
                if not (text[found.start() : at] == "git" and text[end : end + 1] == ":"):
                    yield found.start(), end
        at = text.find("@", at + 1)


def _end(text: str, begin: int) -> int | None:
    run = _domain.match(text, begin)
    if run is None or run.end() - begin > DOMAIN:
        return None
    labels: list[str] = []
    for label in run.group().rstrip(".-").split("."):
        if not label or len(label) > 63 or label[0] == "-":
            break
        labels.append(label)
    while len(labels) >= 2:
        top = _top.match(labels[-1])
        if top is not None:
            domain = ".".join([*labels[:-1], top.group()])
            return None if _picture.fullmatch(domain) else begin + len(domain)
        labels.pop()
    return None


def tail(text: str) -> int:
    """The length of the word, or of the address in progress, that the text ends in."""
    size = len(text)
    low = size - trailing(_local, text, DOMAIN + 1)
    if low and text[low - 1] == "@" and size - low <= DOMAIN:
        whole = low == size or _domain.fullmatch(text, low) is not None
        local = trailing(_local, text[max(0, low - 1 - LOCAL) : low - 1], LOCAL)
        begin = first_start(_start, text, low - 1 - local)
        if whole and begin < low - 1:
            return size - begin
    return size - first_start(_start, text, max(low, size - LOCAL))
