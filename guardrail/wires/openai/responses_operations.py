"""Every operation of the Responses API and of what hangs on it: conversations, and realtime over HTTP."""

from __future__ import annotations

from ..operation import Operation
from . import conversations, realtime, responses


def operations() -> tuple[Operation, ...]:
    """One of each."""
    return (*responses.operations(), *conversations.operations(), *realtime.operations())
