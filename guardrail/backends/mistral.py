"""Mistral's moderation service: texts alone, and what the model said in answer to a prompt.

Knows the JSON of ``/v1/moderations`` and ``/v1/chat/moderations``, and the categories of both generations of the
model. Must never know a policy.

Source: https://docs.mistral.ai/api/endpoint/classifiers and the models of https://github.com/mistralai/client-python
for the shapes; https://docs.mistral.ai/studio/safety-moderation for the categories;
https://docs.mistral.ai/resources/deprecated/guardrailing/mistral_moderation_2411 for those of the older model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from .card import Card
from .dialect import Query, Question, bearer, decoded, encoded, ignored, malformed, score

MODEL = "mistral-moderation-2603"
"""Named whole: by its documents ``mistral-moderation-latest`` still means the older model, which is deprecated."""

_BOTH: Mapping[str, str] = {
    "sexual": "sexual",
    "hate_and_discrimination": "hate",
    "violence_and_threats": "violence",
    "selfharm": "self-harm",
    "health": "custom/medical-advice",
    "financial": "custom/financial-advice",
    "law": "custom/legal-advice",
    "pii": "personal",
}
_OLDER: Mapping[str, str] = {"dangerous_and_criminal_content": "illicit"}
_NEWER: Mapping[str, str] = {"dangerous": "illicit", "criminal": "illicit", "jailbreaking": "prompt_injection"}
OURS: Mapping[str, str] = {**_BOTH, **_OLDER, **_NEWER}
"""The service's categories, by this project's names."""

BATCH, BATCH_CHARS = 32, 100_000
"""Texts and characters in one request: our own bounds, for the document says no more than "small batches"."""

LONGEST = 8_000
"""Characters of one text: our own bound, well within the 128k tokens that the model reads at once."""

CARD = Card(
    name="mistral",
    title="Mistral Moderation",
    categories=frozenset(OURS.values()),
    source="https://docs.mistral.ai/studio/safety-moderation",
    longest=LONGEST,
    needs="conversation",
    scores="raw",
    price="free",
)


class MistralModeration:
    """The service's own flags, with its scores. A ``Dialect``.

    A model's text whose prompt is known goes as the last turn of a conversation, all else as a text alone. ``url``:
    the server's address, as the service's own client names it. ``model``: one with ``2411`` in its name is taken to
    have the older categories.

    Raises ValueError for settings that cannot be.
    """

    points: Mapping[str, Mapping[str, float]] | None = None
    batch = BATCH
    batch_chars = BATCH_CHARS
    criteria: tuple[str, ...] = ()
    slow = False

    def __init__(
        self,
        *,
        url: str = "https://api.mistral.ai",
        api_key: str | None = None,
        model: str = MODEL,
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        self._ignored = ignored(ignore, OURS)
        own = {**_BOTH, **(_OLDER if "2411" in model else _NEWER)}
        self._own = {name: ours for name, ours in own.items() if name not in self._ignored}
        if not self._own:
            raise ValueError("`ignore` leaves nothing to be listened to")
        self._headers = bearer(api_key)
        self._url = url.rstrip("/").removesuffix("/v1")
        self.model = model
        self.categories = frozenset(self._own.values())
        self.card = replace(CARD, categories=self.categories)

    def query(self, question: Question) -> Query:
        """The request. Raises NotEvaluated: ``too_large``, ``malformed``, ``blind`` for an image."""
        texts, path, asked = question.texts, "moderations", list[Any](question.texts)
        if question.image:
            raise NotEvaluated("blind", "the service reads text only")
        if not 0 < len(texts) <= BATCH:
            raise malformed(f"a request is for 1 to {BATCH} texts")
        if any(len(text) > LONGEST for text in texts):
            raise NotEvaluated("too_large", f"a text has more than {LONGEST:,} characters")
        if question.side == "output" and question.prompt:
            # Only what is asked about must be whole; of what it answers, the end is enough.
            prompt = {"role": "user", "content": question.prompt[-LONGEST:]}
            path, asked = "chat/moderations", [[prompt, {"role": "assistant", "content": text}] for text in texts]
        body = encoded({"model": self.model, "input": asked})
        return Query(f"{self._url}/v1/{path}", body, self._headers)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores`` a text, same order. Raises NotEvaluated: ``status``, ``malformed``, ``empty``,
        ``unknown_category``.
        """
        held = decoded(reply)
        results = held.get("results") if isinstance(held, dict) else None
        if not isinstance(results, list):
            raise malformed("the reply has no list of results")
        if not results:
            raise NotEvaluated("empty", "the reply has no result")
        if len(results) != len(question.texts):
            raise malformed(f"{len(results)} results for {len(question.texts)} texts")
        model = held.get("model")
        return [self._scores(result, model if isinstance(model, str) else "") for result in results]

    def _scores(self, result: Any, model: str) -> Scores:
        flagged, scored = (
            (result.get("categories"), result.get("category_scores")) if isinstance(result, dict) else (None, None)
        )
        if not isinstance(flagged, dict) or not isinstance(scored, dict):
            raise malformed("a result has no categories, or no scores of them")
        if not flagged.keys() | scored.keys() <= OURS.keys():
            raise NotEvaluated("unknown_category", "the service names a category that it is not known to have")
        if not all(isinstance(flag, bool) for flag in flagged.values()):
            raise malformed("a flag is neither true nor false")
        flags: dict[str, bool] = {}
        scores: dict[str, float] = {}
        for name, ours in OURS.items():
            number = score(scored[name]) if name in scored else None
            if name in self._ignored or ours not in self.categories:
                continue
            if name in flagged:
                flags[ours] = flags.get(ours, False) or flagged[name]
            if number is not None:
                scores[ours] = max(scores.get(ours, 0.0), number)
        if not flags:
            raise NotEvaluated("empty", "a result judges no category")
        return Scores(scores, flags, self._unseen(flagged), model)

    def _unseen(self, flagged: Mapping[str, Any]) -> frozenset[str]:
        # The older category stands for two of the newer ones, whatever model was asked for.
        whole = flagged.keys() | (_NEWER.keys() - {"jailbreaking"} if _OLDER.keys() <= flagged.keys() else set())
        return frozenset(ours for name, ours in self._own.items() if name not in whole)
