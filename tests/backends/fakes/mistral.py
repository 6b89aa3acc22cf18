"""Mistral's moderation service as its API reference and the models of its own client describe it.

Source: https://docs.mistral.ai/api/endpoint/classifiers and https://docs.mistral.ai/studio/safety-moderation.
"""

from __future__ import annotations

import json
from typing import Any

from guardrail.backends.dialect import Dialect
from guardrail.backends.mistral import MistralModeration
from tests.backends.fakes import Answered, Asked, marked

KEY = "canary-mistral-key"
MODEL = "mistral-moderation-2603"
MEANS: dict[str, str] = {
    "sexual": "sexual",
    "hate": "hate_and_discrimination",
    "violence": "violence_and_threats",
    "illicit": "criminal",
    "self-harm": "selfharm",
    "custom/medical-advice": "health",
    "custom/financial-advice": "financial",
    "custom/legal-advice": "law",
    "personal": "pii",
    "prompt_injection": "jailbreaking",
}
NAMES = (*MEANS.values(), "dangerous")
OLDER = (
    *(name for name in NAMES if name not in {"criminal", "dangerous", "jailbreaking"}),
    "dangerous_and_criminal_content",
)
"""The categories of mistral-moderation-2411."""


def dialect(base: str) -> Dialect:
    return MistralModeration(url=base, api_key=KEY)


def _invalid() -> Answered:
    return Answered(
        {"detail": [{"loc": ["body", "input"], "msg": "Input should be valid", "type": "value_error"}]}, 422
    )


def answer(asked: Asked) -> Answered:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return Answered({"detail": "Unauthorized"}, 401)
    read = {"/v1/moderations": _texts, "/v1/chat/moderations": _turns}.get(asked.path)
    if asked.method != "POST" or read is None:
        return Answered({"detail": "Not Found"}, 404)
    try:
        body = asked.json()
        if not isinstance(body, dict) or body.keys() != {"model", "input"}:
            return _invalid()
        about = read(body["input"])
    except (json.JSONDecodeError, KeyError, TypeError, ValueError):
        return _invalid()
    names = OLDER if "2411" in body["model"] else NAMES
    return Answered({"id": "m-1", "model": body["model"], "results": [result(text, names) for text in about]})


def result(text: str, names: tuple[str, ...] = NAMES) -> dict[str, Any]:
    """Our marks are found by what they mean; the service's own names may stand there too."""
    found = {MEANS.get(name, name) for name in marked(text)}
    if "dangerous_and_criminal_content" in names and found & {"criminal", "dangerous"}:
        found.add("dangerous_and_criminal_content")
    return {
        "categories": {name: name in found for name in names},
        "category_scores": {name: 0.97 if name in found else 0.0002 for name in names},
    }


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError("neither a text nor a list of them")
    return texts


def _turns(given: Any) -> list[str]:
    """The last turn of each conversation is what is judged."""
    if not isinstance(given, list) or not given:
        raise ValueError("no conversation")
    talks = given if isinstance(given[0], list) else [given]
    for turn in (turn for talk in talks for turn in talk):
        if turn["role"] not in {"system", "user", "assistant", "tool"} or not isinstance(turn["content"], str):
            raise ValueError("no turn")
    return [talk[-1]["content"] for talk in talks]
