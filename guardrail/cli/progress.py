"""How far a long command is, on standard error, for a person who waits at a terminal.

Where standard error is no terminal nothing is written. Must never know what is being done.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from .terminal import safe

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDE = 30
_EVERY = 0.1  # seconds between two drawings


@contextmanager
def progress(name: str, stream: TextIO | None = None) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told how many are done of how many, and is gone at the end."""
    out = stream or sys.stderr
    shown = out.isatty()
    begun = drawn = time.monotonic()
    wide = 0

    def tick(done: int, total: int) -> None:
        nonlocal drawn, wide
        now = time.monotonic()
        if not shown or (now - drawn < _EVERY and done < total):
            return
        drawn = now
        line = _line(safe(name), done, total, now - begun)
        out.write(f"\r{line}{' ' * (wide - len(line))}")
        out.flush()
        wide = len(line)

    try:
        yield tick
    finally:
        if wide:
            out.write(f"\r{' ' * wide}\r")
            out.flush()


def _line(name: str, done: int, total: int, seconds: float) -> str:
    share = done / total if total else 1.0
    full = int(share * _WIDE)
    left = f", {seconds / done * (total - done):.0f} s left" if done and done < total else ""
    return f"{name}  [{'#' * full}{'.' * (_WIDE - full)}] {done:,} of {total:,}{left}"
