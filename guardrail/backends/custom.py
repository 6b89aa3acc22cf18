"""A service's own names as categories of this project: ``custom/`` and small letters with hyphens.

Knows spelling only. Must never decide that two services mean the same.
"""

from __future__ import annotations

import re
import unicodedata

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")
_CATEGORY = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*(?:/[a-z0-9]+(?:[-_][a-z0-9]+)*)*")


def custom(name: str) -> str:
    """Raises ValueError where a name has no letter or digit that can stay.

    >>> custom("US_SSN"), custom("EmailAddress"), custom("Fiduciary Advice")
    ('custom/us-ssn', 'custom/email-address', 'custom/fiduciary-advice')
    """
    plain = unicodedata.normalize("NFKD", _HUMP.sub("-", name)).lower()
    bare = _OTHER.sub("-", plain).strip("-")
    if not bare:
        raise ValueError("a name of the service has no letter or digit to make a category of: map it to one by hand")
    return f"custom/{bare}"


def category(name: str) -> str:
    """The same name. Raises ValueError for what is not spelled as a category."""
    if not _CATEGORY.fullmatch(name):
        raise ValueError("a category has small letters, digits, - and _, in parts with / between them")
    return name
