"""What a policy may say about the guess whether AI wrote a text: keys, ranges, and what no rule may do with it.

Knows how it is spelled; of how it is guessed it must never know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from ..verdict import Kind
from . import taxonomy
from .fields import Judged, Score
from .part import Part, Strategy
from .units import wrong


class AiTextCheck(Part):
    """Experimental: guesses whether AI wrote a text, categories ai_text/very-unlikely to ai_text/likely. Never refuses.

    Whole texts only: a stream is judged when it has left.
    """

    use: Literal["ai-text"]
    stream: ClassVar[Strategy] = "window"  # no key: nothing of a stream is ever held for it
    on: tuple[Kind, ...] | None = Field(
        None, min_length=1, description="Whose text it reads. Left out: user, assistant and other."
    )
    min_chars: Judged = Field(1000, description="Characters below which a text is not evaluated; at least 1000.")
    languages: tuple[Literal["en"], ...] = Field(
        ("en",), min_length=1, description="Languages it judges: English, the only one it was trained on."
    )
    bins: tuple[Score, ...] = Field(
        (0.10, 0.45, 0.90, 0.98),
        description="The four scores at which the labels unlikely, unclear, possibly and likely begin.",
        json_schema_extra={"minItems": 4, "maxItems": 4},
    )

    @model_validator(mode="after")
    def _rises(self) -> AiTextCheck:
        if len(self.bins) != 4 or not all(a < b for a, b in pairwise([*self.bins, 1.0])):
            raise wrong("has `bins` that are not four rising numbers below 1", "Write [0.10, 0.45, 0.90, 0.98].")
        return self


def only_tells(when: Sequence[str], do: str, words: Mapping[str, str | None]) -> None:
    """Raise where a rule (its ``when``, its ``do``, other keys of it) would decide something by this guess.

    What is guessed about who wrote a text may be noted and looked at, and may never stop or change it.
    """
    if not taxonomy.categories_of(when, taxonomy.AI_TEXT):
        return
    if do in {"refuse", "redact"}:
        what = f"does {do} on a guess whether AI wrote the text, which is wrong too often to decide by"
        raise wrong(what, "Give ai_text a rule of its own with do: flag or do: review.")
    for key, value in words.items():
        if value is not None:
            raise wrong(f"has `{key}` and is about ai_text, which has none", "Take it away, or use at_least.")
