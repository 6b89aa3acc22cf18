"""How a stream is cut into events, and how events are written: what every framing promises.

A framing knows bytes only. What the data of an event says is a codec's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol


class Event(NamedTuple):
    """One event: its bytes as they came, its name, its data, and ``aside``: text that stands beside
    the data (comments, ids), which readers ignore for the most part, but which is text.

    ``form``: whatever the framing needs to write the same event with other data.
    """

    raw: bytes
    name: str
    data: bytes
    aside: str = ""
    form: Any = None


class Framing(Protocol):
    """Cuts one stream. The ``raw`` of all events, in order, is the stream, byte for byte."""

    media: str
    """The media type of what it writes."""

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that are whole now; to be read to the end before more is fed. Any cut of the
        stream gives the same events. Raises NotEvaluated or BadRequest, after the events before
        it, where one outgrows its cap or is none."""
        ...

    def finish(self) -> Iterable[Event]:
        """The stream has ended: what is left, as an event where it can be one."""
        ...

    def left(self, event: Event) -> None:
        """This event goes to the caller: called once for each, in order."""
        ...

    def rewrite(self, event: Event, data: bytes) -> bytes:
        """The same event with other data."""
        ...

    def write(self, data: bytes, name: str = "") -> bytes:
        """An event of our own, to follow those that left."""
        ...

    def comment(self) -> bytes:
        """Bytes between two events that every reader passes over; empty where the framing has none."""
        ...

    def end(self) -> bytes:
        """What has to follow the last event written by us, so that the whole is valid."""
        ...
