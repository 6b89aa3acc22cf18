"""Sizes, durations and rates as people write them. Knows spelling only, not what is measured.

All raise ``PydanticCustomError`` of type ``policy``; its context carries a remedy, never the value.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from pydantic_core import PydanticCustomError

Unit = Literal["second", "minute", "hour", "day"]
SECONDS: dict[Unit, int] = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

_BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_TIMES = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0}

SIZE_PATTERN = r"^[0-9]{1,12}(\.[0-9]{1,6})? ?([kKmMgG]i?)?[bB]?$"
DURATION_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,6})? ?(ms|s|m)?$"
RATE_PATTERN = r"^[0-9]{1,9} requests?/(second|minute|hour|day)$"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in each unit of time."""

    count: int
    unit: Unit

    @property
    def seconds(self) -> int:
        return SECONDS[self.unit]


def wrong(what: str, remedy: str) -> PydanticCustomError:
    """A validation error that says what is wrong and what to do, without the value."""
    return PydanticCustomError("policy", "{what}", {"what": what, "remedy": remedy})


def number(value: object) -> object:
    """Refuses true and false where a number stands: Python would read them as 1 and 0."""
    if isinstance(value, bool):
        raise wrong("is true or false, not a number", "Write a number.")
    return value


def size(value: object) -> int:
    """Bytes, from ``10MiB``, ``64kB`` or a plain number."""
    remedy = "Write a size such as 10MiB, 64kB or 1048576."
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not re.fullmatch(SIZE_PATTERN, value):
        raise wrong("is not a size", remedy)
    amount, unit = _split(value)
    total = amount * _BYTES[unit if unit in _BYTES else unit + "b"]
    if total != int(total):
        raise wrong("is not a whole number of bytes", remedy)
    return int(total)


def duration(value: object) -> float:
    """Seconds, from ``2s``, ``500ms``, ``1m`` or a plain number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if not isinstance(value, str) or not re.fullmatch(DURATION_PATTERN, value):
        raise wrong("is not a duration", "Write a duration such as 2s or 500ms.")
    amount, unit = _split(value)
    return amount * _TIMES[unit]


def patience(value: object) -> float | None:
    """Seconds as ``duration`` reads them; None for ``never``."""
    return None if value == "never" else duration(value)


def rate(value: object) -> Rate:
    """A rate, from ``60 requests/minute``."""
    if isinstance(value, Rate):
        return value
    remedy = "Write it like: 60 requests/minute. The units are second, minute, hour and day."
    if not isinstance(value, str) or not re.fullmatch(RATE_PATTERN, value):
        raise wrong("is not a rate", remedy)
    count = int(value.split(" ", 1)[0])
    if count < 1:
        raise wrong("allows no request at all", remedy)
    for unit in SECONDS:
        if value.endswith(unit):
            return Rate(count, unit)
    raise wrong("is not a rate", remedy)


def _split(value: str) -> tuple[float, str]:
    digits = value.rstrip("aAbBgGiIkKmMsS ")
    return float(digits), value[len(digits) :].strip().lower()
