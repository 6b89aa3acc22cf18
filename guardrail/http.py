"""The HTTP values that pass between doors and the core. Knows no library and does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Headers = tuple[tuple[str, str], ...]
"""Names in lower case, order and repeats kept."""


def header(headers: Headers, name: str) -> str | None:
    """The first value under a lower-case name."""
    for key, value in headers:
        if key == name:
            return value
    return None


def without(headers: Headers, *names: str) -> Headers:
    """The headers less those named (in lower case)."""
    return tuple(pair for pair in headers if pair[0] not in names)


def with_length(headers: Headers, length: int) -> Headers:
    """The headers with the body's true length where they named one."""
    return tuple((k, str(length) if k == "content-length" else v) for k, v in headers)


def media_type(headers: Headers) -> tuple[str, str]:
    """The media type and the charset of a body, lower case; empty where not given."""
    media, _, rest = (header(headers, "content-type") or "").partition(";")
    charset = ""
    for parameter in rest.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"').lower()
    return media.strip().lower(), charset


@dataclass(frozen=True, slots=True)
class Request:
    """What a door knows of a request. ``path`` is decoded and without mount prefix or query; ``query``
    is as it was written, percent-coding and all.

    ``peer`` is the address of whoever opened the connection; ``scope`` is the ASGI scope where
    there is one (for the user an app's own middleware put there); ``user`` is a name the
    application itself gave, by ``as_user`` or the door's ``user`` argument.
    """

    method: str
    path: str
    headers: Headers
    body: bytes = b""
    peer: str | None = None
    scope: Mapping[str, Any] = field(default_factory=dict)
    user: str | None = None
    query: str = ""

    @property
    def media(self) -> str:
        """The media type of the body, lower case; empty where none is named."""
        return media_type(self.headers)[0]


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer."""

    status: int
    headers: Headers = ()


class Release(NamedTuple):
    """What may go to the caller now: first the head, then bytes, then the end."""

    body: bytes = b""
    head: Head | None = None
    end: bool = False

    def __bool__(self) -> bool:
        return bool(self.body) or self.head is not None or self.end
