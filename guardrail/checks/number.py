"""What phone numbers, payment cards and dotted addresses share: a run of digits and separators.

Holds back such a run at the end of a text. Knows nothing of what a number means.
"""

from __future__ import annotations

import re

from .runs import NOT_AFTER, first_start, trailing

LONGEST = 46
"""No number's decision looks at more characters than this, its right neighbours included."""

_run = re.compile(r"[0-9 ().\-/+]++")
_start = re.compile(rf"{NOT_AFTER}[0-9+(]")


def tail(text: str) -> int:
    """The length of the run of digits and separators that the text ends in, from its first digit."""
    run = trailing(_run, text, LONGEST)
    return len(text) - first_start(_start, text, len(text) - run) if run else 0
