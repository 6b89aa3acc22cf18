"""The moderation endpoint of OpenAI, and of services that answer the same way.

Knows the endpoint's JSON by its wire names (``self-harm/intent``), never by the attribute names of
an SDK (``self_harm_intent``), under which 8 of the 13 categories would be looked up in vain. Must
never know a policy: what a score leads to is decided elsewhere.

Source: https://platform.openai.com/docs/api-reference/moderations and the moderation guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Fetch, Flow, Reply

CATEGORIES = frozenset(
    {
        "harassment",
        "harassment/threatening",
        "hate",
        "hate/threatening",
        "illicit",
        "illicit/violent",
        "self-harm",
        "self-harm/instructions",
        "self-harm/intent",
        "sexual",
        "sexual/minors",
        "violence",
        "violence/graphic",
    }
)
"""The wire names of the endpoint's categories."""

UNNAMED = "harm"
"""The category for a text that is flagged as a whole while no category of it is."""

BATCH, BATCH_CHARS = 256, 100_000
"""Texts, and characters of them, in one request; our own bounds. Windows that are due together go together: a
question more is a way there and back more."""

MAX_IMAGE = 20_000_000
"""Characters of a data URL that are sent, at most; our own bound, after the 20 MB an image may have."""


class _Result(msgspec.Struct):
    flagged: bool
    categories: dict[str, bool | None]
    category_scores: dict[str, float | None]
    category_applied_input_types: dict[str, list[str] | None] | None = None


class _Answer(msgspec.Struct):
    results: list[_Result]
    model: str = ""


_decoder = msgspec.json.Decoder(_Answer)


class OpenAIModeration:
    """Scores texts, and images with the text beside them, by a POST to the moderation endpoint.

    A ``Backend``, and ``Seeing`` where the model is one of the ``omni`` family: others read text only.

    ``timeout`` (seconds) bounds one request with its ``attempts``. The endpoint's own flags are its
    one operating point, so ``points`` is None. ``longest`` is 2,000 characters because the guide
    says that longer pieces are judged less well.

    Raises ValueError for an ``api_key`` that cannot stand in a header.
    """

    name = "openai"
    categories = CATEGORIES
    points: Mapping[str, Mapping[str, float]] | None = None
    longest = 2000
    stride = 400
    inline = 0
    remote = True

    def __init__(
        self,
        api_key: str,
        *,
        url: str = "https://api.openai.com/v1/moderations",
        model: str = "omni-moderation-latest",
        timeout: float = 2.0,
        attempts: int = 2,
    ) -> None:
        key = api_key.strip()
        if not key or not key.isascii() or not key.isprintable():
            raise ValueError(
                "the OpenAI API key is empty or has characters that no key has: check where it is read from"
            )
        self.model = model
        self.sees = frozenset({"image"}) if model.startswith("omni-") else frozenset[str]()
        self._url, self._timeout, self._attempts = url, timeout, attempts
        self._headers = (("authorization", f"Bearer {key}"), ("content-type", "application/json"))

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` a text, same order.

        Raises NotEvaluated: ``status`` (any but 200), ``malformed`` (not the documented shape, or
        not one result a text), ``empty`` (nothing was judged), and what a ``Fetch`` raises.
        """
        scores: list[Scores] = []
        for batch in _batches(texts):
            reply = yield self._request(batch)
            scores += read_scores(reply, len(batch))
        return scores

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` an image (text beside it or nothing, link or data URL), a request each: it takes one.

        A link is passed on as a link and never fetched from here. So the service sees what the link
        shows to it, which its server may choose to be something else than what it shows the model.

        Raises NotEvaluated as ``moderate`` does; ``too_large`` and ``malformed`` for a source that is
        not sent.
        """
        scores: list[Scores] = []
        for text, source in items:
            if len(source) > MAX_IMAGE:
                raise NotEvaluated("too_large", f"the image has more than {MAX_IMAGE:,} characters as a data URL")
            if not source[:8].lower().startswith(("data:", "http://", "https://")):
                raise NotEvaluated("malformed", "the image is neither a data URL nor an http link")
            shown: list[Any] = [{"type": "text", "text": text}] if text and not text.isspace() else []
            shown.append({"type": "image_url", "image_url": {"url": source}})
            reply = yield self._request(shown)
            scores += read_scores(reply, 1, applied_to="image")
        return scores

    def _request(self, asked: list[Any]) -> Fetch:
        try:
            body = msgspec.json.encode({"model": self.model, "input": asked})
        except UnicodeEncodeError:
            unsendable = True
        else:
            unsendable = False
        if unsendable:
            raise NotEvaluated("malformed", "the text holds a lone surrogate and cannot be sent")
        return Fetch("POST", self._url, body, self._headers, timeout=self._timeout, attempts=self._attempts)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == BATCH or size + len(text) > BATCH_CHARS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


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
    return [_scores(result, answer.model, applied_to) for result in answer.results]


def _scores(result: _Result, model: str, applied_to: str | None) -> Scores:
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
