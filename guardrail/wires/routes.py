"""Paths as a router might read them: one spelling for each place (threats T07, T30)."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote

from ..http import Request
from ..text import Segment
from ..verdict import Kind

_SLASHES = re.compile(r"[/\\]+")
_PARAMETERS = re.compile(r"[;?#\x00]")
_USUAL = 4096


def plain(path: str) -> str:
    """Percent-coding undone (twice at most), slashes single, no trailing slash, lower case."""
    return (_plain if len(path) <= _USUAL else _plain_long)(path)


def _spell(path: str) -> str:
    for _ in range(2):
        if "%" not in path:
            break
        path = unquote(path)
    parts: list[str] = []
    for step in _SLASHES.split(path.lower()):
        name = _PARAMETERS.split(step, maxsplit=1)[0]  # within a step: `..;x` and `a?/..` are steps up
        if name == "..":
            del parts[-1:]
        elif name not in ("", "."):
            parts.append(name)
    return "/" + "/".join(parts)


# One request asks for its path once a wire format; few long ones are kept, for their senders choose the length.
_plain = lru_cache(maxsize=512)(_spell)
_plain_long = lru_cache(maxsize=4)(_spell)


def under(path: str, prefixes: tuple[str, ...]) -> bool:
    """Is the path one of these, or below one, as it is written or in its plain spelling?

    A router that takes it literally and one that tidies it up may see two places.
    """
    here = plain(path)
    return any(_below(path, "/" + p.strip("/")) or _below(here, plain(p)) for p in prefixes)


def exactly_under(path: str, prefixes: tuple[str, ...]) -> bool:
    """Is it below one of these for every router: as it is written, case and all, and in its plain spelling?"""
    here = plain(path)
    return any(_below(path, "/" + p.strip("/")) and _below(here, plain(p)) for p in prefixes)


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


_BODY_METHODS = frozenset({"POST", "PUT", "PATCH", "QUERY"})


def carries_body(request: Request) -> bool:
    """May a body follow? By the method (upper case), or by the headers that frame one (RFC 9112 section 6.3)."""
    return request.method in _BODY_METHODS or any(
        name == "transfer-encoding" or (name == "content-length" and value.strip().strip("0") != "")
        for name, value in request.headers
    )


_MODELS = re.compile(r"((/[^/]+)*/(v\d[^/]*|openai|api|inference))?/models(/[^/:]+){0,2}")


def is_harmless(request: Request) -> bool:
    """Routes of the APIs that carry no user's or model's text: the lists of models. None with a body."""
    if request.method not in ("GET", "HEAD") or carries_body(request):
        return False
    return not request.query and _MODELS.fullmatch(plain(request.path)) is not None


_UNREAD_QUERY = frozenset({"key", "api-version", "alt", "access_token", "sig", "token"})
"""Query fields whose value is a credential or a fixed word."""


def query_texts(query: str) -> list[Segment]:
    """What a query says, for exact checks. It cannot be rewritten: a mask becomes a refusal."""
    said = [
        text
        for name, value in parse_qsl(query, keep_blank_values=True, errors="replace")
        for text in ((name,) if name.lower() in _UNREAD_QUERY else (name, value))
        if text
    ]
    if not said:
        return []
    segment = Segment(Kind.DEFINITION, ("query",), fixed=True)
    segment.apart = True
    segment.add("\n".join(said))
    return [segment]
