"""All operations of Google's APIs."""

from __future__ import annotations

from ..operation import Operation
from . import rest
from .generate import Generate
from .interactions import Interactions


def operations() -> tuple[Operation, ...]:
    """One of each."""
    return (Generate(), Interactions(), *rest.operations())
