"""gpt-oss-safeguard behind a chat server: a policy of the user's own, and a verdict in the form that policy demands.

Knows the forms that the guide documents: 0 or 1, labels, and a JSON object. Must never read the model's reasoning,
which is not its verdict, nor search an answer for one.

Source: https://cookbook.openai.com/articles/gpt-oss-safeguard-guide (messages, forms, "Reasoning: high"), and
https://github.com/openai/gpt-oss-safeguard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from .card import Card
from .chat import request, said
from .dialect import UNNAMED, Query, Question, bearer, malformed
from .openai import CATEGORIES

Form = Literal["binary", "labels", "json"]
Effort = Literal["low", "medium", "high"]

LONGEST = 8000
"""Characters of a text; our own bound, so that policy, text and reasoning fit together."""

CARD = Card(
    name="gpt_oss_safeguard",
    title="OpenAI gpt-oss-safeguard 20b, 120b",
    categories=frozenset(),
    source="https://cookbook.openai.com/articles/gpt-oss-safeguard-guide",
    longest=LONGEST,
    scores="flags",
    price="your own server (Apache-2.0 weights)",
    verified="document",
)

_OURS = CATEGORIES | {UNNAMED, "prompt_injection", "toxicity", "secret"}
_CUSTOM = re.compile(r"(?:custom|personal|secret)/[a-z0-9]+(?:[-_][a-z0-9]+)*")
_MARKS = re.compile(r"<(?=\|)")  # harmony's own tokens, which a server may take from any text


class GptOssSafeguard:
    """A ``Dialect``. ``url``: of the server, up to ``/v1``. ``policy``: goes into the system message.

    ``form``: what ``policy`` demands: ``binary`` (``0`` or ``1``), ``labels`` (one, or several with commas), ``json``
    (``{"violation": 0 or 1, "policy_category": a label or null}`` and whatever else; ``key`` names the second).
    ``labels``: the policy's labels to categories; None for a label that violates nothing. ``category``: of a violation
    whose label says nothing else; without ``labels``, of every violation. ``ignore``: labels not listened to.
    ``effort``: how long it reasons. ``tokens``: for reasoning and verdict; the guide says to leave plenty.
    """

    batch, batch_chars, slow = 1, LONGEST, False
    criteria: tuple[str, ...] = ()
    points: Mapping[str, Mapping[str, float]] | None = None

    def __init__(
        self,
        *,
        url: str,
        policy: str,
        api_key: str | None = None,
        model: str = "openai/gpt-oss-safeguard-20b",
        form: Form = "binary",
        category: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        key: str = "policy_category",
        effort: Effort = "medium",
        tokens: int = 4096,
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        given = dict(labels or {})
        if not policy.strip():
            raise ValueError("gpt-oss-safeguard has no policy but the one it is given: `policy` is empty")
        if form not in ("binary", "labels", "json") or effort not in ("low", "medium", "high"):
            raise ValueError("`form` is binary, labels or json; `effort` is low, medium or high")
        if (form == "binary" and category is None) or (form == "labels" and not given) or not (category or given):
            raise ValueError("say what a violation means: `category` for one, `labels` for the labels of the policy")
        for name in (category, *given.values()):
            if name is not None and name not in _OURS and not _CUSTOM.fullmatch(name):
                raise ValueError(f"`{name}` is no category; one of your own is named custom/small-letters-and-hyphens")
        unknown = ignore - set(given)
        if unknown:
            raise ValueError(f"the policy has no label {', '.join(sorted(unknown))}; it has {', '.join(sorted(given))}")
        self._labels, self._ignore = given, ignore
        self._form, self._rest, self._key, self._effort, self._tokens = form, category, key, effort, tokens
        self._policy, self.model = f"{policy.rstrip()}\n\nReasoning: {effort}", model
        heard = {name for label, name in given.items() if label not in ignore and form != "binary"}
        rest = {category or UNNAMED} if form != "labels" else set[str]()
        self.categories = frozenset(name for name in heard | rest if name is not None)
        if not self.categories:
            raise ValueError("every label is ignored or violates nothing, so there is nothing to find")
        self.card = replace(CARD, categories=self.categories)
        self._url, self._headers = url, bearer(api_key)

    def query(self, question: Question) -> Query:
        """The request about one text. Raises NotEvaluated: ``blind`` (an image), ``too_large``, ``malformed``."""
        if question.image or len(question.texts) != 1:
            raise NotEvaluated("blind", "gpt-oss-safeguard reads one text at a time, and no image")
        if len(question.texts[0]) > LONGEST:
            raise NotEvaluated("too_large", f"the text has more than {LONGEST:,} characters")
        messages = [
            {"role": "system", "content": self._policy},
            {"role": "user", "content": _MARKS.sub("< ", question.texts[0])},
        ]
        tokens, effort = self._tokens, self._effort
        return request(self._url, self._headers, self.model, messages, tokens=tokens, reasoning_effort=effort)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """A flag for each category. Raises NotEvaluated for an answer that is not of the form, and nothing else."""
        answer = said(reply)
        text = answer.text.strip()
        if self._form == "binary":
            if text not in ("0", "1"):
                raise malformed("the answer is neither 0 nor 1")
            found = {self._rest} if text == "1" else set[str | None]()
        elif self._form == "labels":
            found = {self._of(label.strip()) for label in ([text] if text in self._labels else text.split(","))}
        else:
            found = {self._told(text)}
        return [Scores({}, {name: name in found for name in self.categories}, frozenset(), answer.model)]

    def _told(self, text: str) -> str | None:
        """What a JSON object says is violated: a category, or None."""
        held = _object(text)
        violation, label = held.get("violation"), held.get(self._key)
        if type(violation) is not int or violation not in (0, 1):
            raise malformed("the violation is neither 0 nor 1")
        if label is not None and not isinstance(label, str):
            raise malformed("the label is no text")
        harmless = label is None or (label in self._labels and self._labels[label] is None)
        if violation == 0:
            if not harmless:
                raise malformed("no violation, and yet the label of one")
            return None
        if label is None:
            return self._rest or UNNAMED
        if harmless:
            raise malformed("a violation, and yet the label of none")
        return self._of(label)

    def _of(self, label: str) -> str | None:
        """The category of a label; None for one that means nothing, or is not listened to."""
        if label in self._ignore:
            return None
        if label in self._labels:
            return self._labels[label]
        if self._form == "json" and self._rest is not None:
            return self._rest
        raise NotEvaluated("unknown_category", "the answer has a label that the policy is not known to have")


def _object(text: str) -> Mapping[str, Any]:
    """The one JSON object that a text is. Raises NotEvaluated ``malformed``."""
    try:
        held = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict):
        raise malformed("the answer is not one JSON object")
    return held


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    held = dict(pairs)
    if len(held) != len(pairs):
        raise ValueError("a key stands twice")
    return held
