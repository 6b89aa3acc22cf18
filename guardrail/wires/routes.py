"""Paths as a router might read them: one spelling for each place (threats T07, T30)."""

from __future__ import annotations

import re
from urllib.parse import unquote

_SLASHES = re.compile(r"[/\\]+")
_PARAMETERS = re.compile(r"[;?#]")


def plain(path: str) -> str:
    """Percent-coding undone (twice at most), slashes single, no trailing slash, lower case."""
    for _ in range(2):
        if "%" not in path:
            break
        path = unquote(path)
    parts: list[str] = []
    for step in _SLASHES.split(path.lower()):
        name = _PARAMETERS.split(step, maxsplit=1)[0]  # within a step: `..;x` and `a?/..` are steps up
        if name == "..":
            parts = parts[:-1]
        elif name not in ("", "."):
            parts.append(name)
    return "/" + "/".join(parts)


def ends_with(path: str, suffix: str) -> bool:
    return plain(path).endswith(suffix)


def under(path: str, prefixes: tuple[str, ...]) -> bool:
    """Is the path one of these, or below one?"""
    here = plain(path)
    return any(here == p or here.startswith(p.rstrip("/") + "/") for p in map(plain, prefixes))


_HARMLESS = ("/models",)


def is_harmless(method: str, path: str) -> bool:
    """Routes of the APIs that carry no user's or model's text: the lists of models."""
    return method in ("GET", "HEAD") and any(plain(path).endswith(h) or f"{h}/" in plain(path) for h in _HARMLESS)
