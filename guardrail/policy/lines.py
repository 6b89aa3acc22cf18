"""The lines to the services that a policy's checks ask. They outlive it: a budget and a breaker are of the service, and
a policy that is read again is no reason to ask it more.

Knows what of a check makes it the same to its service. Must never know what is asked there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..backends.line import Line
from .services import ServiceCheck

_WHO = (
    *("use", "url", "api_key", "headers", "model"),
    *("region", "profile", "guardrail", "version", "template", "detector"),
)
_HOW_MUCH = ("concurrency", "rate", "breaker")


class Lines:
    """One for each check by its name; from ``before``, where the check asks the same service on the same terms."""

    def __init__(self, before: Lines | None = None) -> None:
        self._before = {} if before is None else before._now
        self._now: dict[str, tuple[Mapping[str, Any], Line]] = {}

    def of(self, name: str, check: ServiceCheck) -> Line:
        """The line of the check of that name."""
        terms = {key: getattr(check, key) for key in (*_WHO, *_HOW_MUCH) if hasattr(check, key)}
        known = self._before.get(name)
        line = known[1] if known is not None and known[0] == terms else made(check)
        self._now[name] = (terms, line)
        return line


def made(check: ServiceCheck) -> Line:
    """A line that nobody has gone yet."""
    rate = None if check.rate is None else (check.rate.count, float(check.rate.seconds))
    return Line(concurrency=check.concurrency, rate=rate, failures=check.breaker)
