"""How long a text is in a service's own unit. Knows counting only.

A tokenizer of one's own for every model would be another dependency and another version to keep: no byte-level
tokenizer makes more tokens of a text than it has bytes, so bytes stand for tokens, on the safe side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .card import Unit


def utf8(text: str) -> int:
    """Bytes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


SIZES: Mapping[Unit, Callable[[str], int]] = {"characters": len, "bytes": utf8, "tokens": utf8}
