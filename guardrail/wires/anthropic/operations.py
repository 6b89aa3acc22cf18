"""All operations of Anthropic's API."""

from __future__ import annotations

from ..operation import Operation
from .complete import Complete
from .messages import CountTokens, Messages
from .rest import Batches, Files, Models, Results, Skills


def operations() -> tuple[Operation, ...]:
    """One of each."""
    return (Messages(), CountTokens(), Batches(), Results(), Complete(), Files(), Skills(), Models())
