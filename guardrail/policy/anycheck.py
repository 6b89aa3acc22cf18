"""What may be said of any check, and of any that asks a model: keys, ranges and defaults.

Knows how it is spelled. What a check looks for stands beside its own keys, in ``spec`` and ``services``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from ..verdict import Kind
from .fields import Category
from .part import Part, Strategy

OnError = Literal["refuse", "flag", "allow", "next"]


class OnErrorBy(Part):
    """A fail mode for each direction."""

    input: OnError = Field("refuse", description="For requests.")
    output: OnError = Field("refuse", description="For replies.")


def _spelling(value: object) -> str:
    return "(word)" if isinstance(value, str) else "(each)"


Fails = Annotated[Annotated[OnError, Tag("(word)")] | Annotated[OnErrorBy, Tag("(each)")], Discriminator(_spelling)]


class AnyCheck(Part):
    """What every check may have."""

    on: tuple[Kind, ...] | None = Field(
        None,
        min_length=1,
        description="Whose text it reads. Left out: everything; model checks leave out system and definition.",
    )
    stream: Strategy = Field(
        "window",
        description="How it judges a stream: a window at a time, the whole answer before any of it leaves (buffer), or "
        "after it has left, only to be recorded.",
    )
    readings: bool | None = Field(
        None, description="Whether it also reads disguised text as what it says. Left out: as the policy says."
    )


class ModelCheck(AnyCheck):
    """What every check may have that asks a model, here or far away."""

    on_error: Fails = Field(
        "refuse",
        description="What happens to text it could not judge: refuse, flag or allow it; for requests and replies apart "
        "as {input: ..., output: ...}. In a check `use: first` the next one is asked, which is also spelled next.",
    )
    categories: tuple[Category, ...] | None = Field(
        None, min_length=1, description="The only categories it is listened to about. Left out: all it judges."
    )

    def fails(self, direction: Literal["input", "output"]) -> OnError:
        """The fail mode of one direction."""
        word: OnError = getattr(self.on_error, direction) if isinstance(self.on_error, OnErrorBy) else self.on_error
        return word
