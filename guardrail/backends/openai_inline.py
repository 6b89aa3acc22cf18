"""The moderation that OpenAI gives with an answer of Chat Completions or Responses, without a request of its own.

Knows both shapes of the ``moderation`` object: Chat has a list of results a side, Responses one result a side, and
each side may hold an error instead. It is a backend that nobody can ask about a text: what it says comes with the
answer, after the model has written it. Must never read a side that is missing, or an error, as a clean one.

Source: https://developers.openai.com/api/docs/guides/moderation ("Moderate generated content") and the references of
Chat Completions and Responses; openai-python 3.57, ``types/chat/chat_completion.py``, ``types/responses/response.py``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Flow
from .card import Card
from .dialect import Side, malformed
from .openai import CATEGORIES, Result, scores_of

CARD = Card(
    name="openai-inline",
    title="OpenAI moderation, given with the answer",
    categories=CATEGORIES,
    modalities=frozenset({"text", "image"}),
    languages="40 tested by the vendor",
    longest=0,
    needs="conversation",
    scores="calibrated",
    price="free, with the model's answer",
    source="https://developers.openai.com/api/docs/guides/moderation",
)
_CODE = re.compile(r"[\w.-]{1,64}")


class OpenAIInline:
    """A ``Backend`` in name: its categories and its operating point. ``only``: the names that are listened to; None:
    all, also those that OpenAI may add."""

    points: Mapping[str, Mapping[str, float]] | None = None
    longest, stride, inline, remote = 1, 1, 0, False

    def __init__(self, model: str, *, only: frozenset[str] | None = None) -> None:
        self.name, self.model, self._wanted = CARD.name, model, only
        self.categories = CATEGORIES if only is None else CATEGORIES & only

    def only(self, names: frozenset[str]) -> OpenAIInline:
        """The same, listened to about some categories."""
        return OpenAIInline(self.model, only=names)

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """Raises NotEvaluated ``no_answer``: there is no answer of a model that it could come with."""
        raise NotEvaluated("no_answer", "openai-inline judges what a model answers, and no text by itself")

    def read(self, said: bytes | None, side: Side) -> Sequence[Scores]:
        """What ``moderation`` says of a side. Raises NotEvaluated: ``absent``, ``refused``, ``empty``, ``malformed``,
        and what ``scores_of`` raises."""
        if said is None:
            raise NotEvaluated("absent", "the answer came without the `moderation` that was asked for")
        told = _json(said)
        one = told.get(side) if isinstance(told, dict) else None
        if not isinstance(one, dict):
            raise NotEvaluated("absent", f"`moderation` says nothing of the {side}")
        kind, model = one.get("type"), one.get("model")
        if kind == "error":
            code = one.get("code")
            word = code if isinstance(code, str) and _CODE.fullmatch(code) else "without a code"
            raise NotEvaluated("refused", f"the moderation of the {side} failed: {word}")
        if kind == "moderation_result":
            results = [one]
        elif kind == "moderation_results" and isinstance(one.get("results"), list):
            results = one["results"]
        else:
            raise malformed(f"`moderation.{side}` is of no known type")
        if not results:
            raise NotEvaluated("empty", f"`moderation.{side}` has no result")
        return [self._scores(result, model if isinstance(model, str) else "") for result in results]

    def _scores(self, result: Any, model: str) -> Scores:
        try:
            read = msgspec.convert(result, Result)
        except msgspec.ValidationError:
            read = None
        if read is None:
            raise malformed("a result in `moderation` is not of the documented shape")
        own = result.get("model")
        said = scores_of(read, own if isinstance(own, str) else model)
        wanted = self._wanted
        if wanted is None:
            return said
        scores = {name: score for name, score in said.scores.items() if name in wanted}
        flags = {name: flag for name, flag in (said.flags or {}).items() if name in wanted}
        return Scores(scores, flags, said.unseen & wanted, said.model)


def _json(said: bytes) -> Any:
    try:
        return msgspec.json.decode(said)
    except msgspec.DecodeError:
        return None
