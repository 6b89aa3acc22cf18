"""The moderation endpoint of OpenAI, and of services that answer the same way.

Knows the endpoint's JSON by its wire names (``self-harm/intent``), never by the attribute names of
an SDK (``self_harm_intent``), under which 8 of the 13 categories would be looked up in vain. Must
never know a policy: what a score leads to is decided elsewhere.

Source: https://platform.openai.com/docs/api-reference/moderations and the moderation guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ..categories import OPENAI_MODERATION
from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from .card import TEXT, Card
from .dialect import UNNAMED, Query, Question, bearer, encoded, ignored

CATEGORIES = frozenset(OPENAI_MODERATION)
"""The wire names of the endpoint's categories."""

MAX_IMAGE = 20_000_000
"""Characters of a data URL that are sent, at most; our own bound, after the 20 MB an image may have."""


class Result(msgspec.Struct):
    """One result of the endpoint, as its reference has it."""

    flagged: bool
    categories: dict[str, bool | None]
    category_scores: dict[str, float | None]
    category_applied_input_types: dict[str, list[str] | None] | None = None


class _Answer(msgspec.Struct):
    results: list[Result]
    model: str = ""


_decoder = msgspec.json.Decoder(_Answer)


CARD = Card(
    name="openai",
    title="OpenAI moderation",
    categories=CATEGORIES,
    modalities=frozenset({"text", "image"}),
    languages="40 tested by the vendor",
    longest=2000,
    scores="calibrated",
    price="free",
    source="https://platform.openai.com/docs/api-reference/moderations",
)


class OpenAIModeration:
    """The moderation endpoint's dialect; ``url`` is the endpoint itself.

    Images are sent one a request with the text beside them, and only where the model is one of the ``omni`` family:
    others read text. A link is passed on as a link and never fetched from here, so the service sees what the link
    shows to it, which its server may choose to be something else than what it shows the model. The endpoint's own
    flags are its one operating point, so ``points`` is None. Texts are cut at 2,000 characters because the guide says
    that longer pieces are judged less well. ``ignore``: categories that are not listened to.

    Raises ValueError for an ``api_key`` that cannot stand in a header, and for names that are no category.
    """

    points: Mapping[str, Mapping[str, float]] | None = None
    batch, batch_chars = 256, 100_000
    """Our own bounds. Windows that are due together go together: a question more is a way there and back more."""
    criteria: tuple[str, ...] = ()
    slow = False

    def __init__(
        self,
        api_key: str | None,
        *,
        url: str = "https://api.openai.com/v1/moderations",
        model: str = "omni-moderation-latest",
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        self.model, self._url = model, url
        self._headers = bearer(api_key)
        self._ignored = ignored(ignore, CATEGORIES)
        self.categories = CATEGORIES - ignore
        seeing = CARD.modalities if model.startswith("omni-") else TEXT
        self.card = replace(CARD, categories=self.categories, modalities=seeing)

    def query(self, question: Question) -> Query:
        """See ``Dialect``. Raises NotEvaluated: ``too_large`` and ``malformed`` for an image that is not sent."""
        if not question.image:
            return self._query(list(question.texts))
        if len(question.image) > MAX_IMAGE:
            raise NotEvaluated("too_large", f"the image has more than {MAX_IMAGE:,} characters as a data URL")
        if not question.image[:8].lower().startswith(("data:", "http://", "https://")):
            raise NotEvaluated("malformed", "the image is neither a data URL nor an http link")
        beside = [{"type": "text", "text": text} for text in question.texts]
        return self._query([*beside, {"type": "image_url", "image_url": {"url": question.image}}])

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """See ``Dialect``."""
        if question.image:
            return [self._heard(one) for one in read_scores(reply, 1, applied_to="image")]
        return [self._heard(one) for one in read_scores(reply, len(question.texts))]

    def _query(self, asked: Sequence[Any]) -> Query:
        return Query(self._url, encoded({"model": self.model, "input": asked}), self._headers)

    def _heard(self, said: Scores) -> Scores:
        if not self._ignored:
            return said
        scores = {name: score for name, score in said.scores.items() if name not in self._ignored}
        flags = {name: flag for name, flag in (said.flags or {}).items() if name not in self._ignored}
        return Scores(scores, flags, said.unseen - self._ignored, said.model)


def read_scores(reply: Reply, count: int, *, applied_to: str | None = None) -> list[Scores]:
    """The ``Scores`` in a reply to ``count`` texts. Raises NotEvaluated.

    ``applied_to``: the input type of which it is said what was applied to it; a category that the
    reply does not say was applied to it is ``unseen`` (the text beside it may still have a score).
    """
    if reply.status != 200:
        raise NotEvaluated("status", f"the moderation service answered {reply.status}")
    try:
        answer = _decoder.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = None
    if answer is None:
        raise NotEvaluated("malformed", "the moderation service's answer is not of the documented shape")
    if not answer.results:
        raise NotEvaluated("empty", "the moderation service's answer has no result")
    if len(answer.results) != count:
        raise NotEvaluated("malformed", f"{len(answer.results)} results for {count} texts")
    return [scores_of(result, answer.model, applied_to) for result in answer.results]


def scores_of(result: Result, model: str, applied_to: str | None = None) -> Scores:
    """The ``Scores`` in one result; ``applied_to``: see ``read_scores``. Raises NotEvaluated."""
    scores = {name: score for name, score in result.category_scores.items() if score is not None}
    if not all(0.0 <= score <= 1.0 for score in scores.values()):
        raise NotEvaluated("malformed", "a moderation score is not between 0 and 1")
    flags = {name: flag for name, flag in result.categories.items() if flag is not None}
    if result.flagged and not any(flags.values()):
        flags[UNNAMED] = True
    if not flags and not scores:
        raise NotEvaluated("empty", "a result of the moderation service judges no category")
    applied = result.category_applied_input_types or {}
    unseen = {name for name, types in applied.items() if types == []}
    if applied_to is not None:
        unseen = {name for name in (*CATEGORIES, *scores, *flags) if applied_to not in (applied.get(name) or ())}
    # The legacy models do not know the two illicit categories, and give null or nothing for them.
    unseen |= {name for name in CATEGORIES if name not in flags and name not in scores}
    return Scores(scores, flags, frozenset(unseen), model)
