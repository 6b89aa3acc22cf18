"""A service of nobody's, with a JSON of its own: scores in percent, a yes or no, and labels.

Its document is this file. ``POST /v2/judge`` with ``{"in": {"lines": [...]}, "who": "input" or "output"}`` and a key in
``x-canary-key`` gives ``{"result": [{"percent": {"tox": 0..100}, "stop": {"hate": bool}, "labels": [...]}]}``.
"""

from __future__ import annotations

from typing import Any

from guardrail.backends.dialect import Dialect
from guardrail.backends.http_json import HttpJson

from . import Answered, Asked, marked

KEY = "canary-key-0001"
MEANS: dict[str, str] = {"toxicity": "tox", "hate": "hate", "violence": "VIOLENT", "custom/ads": "ADVERT"}

TOLD: dict[str, Any] = {
    "headers": {"X-Canary-Key": KEY},
    "body": {"in": {"lines": "{texts}"}, "who": "{side}"},
    "scores": {"toxicity": "$.result[*].percent.tox"},
    "flags": {"hate": "$.result[*].stop['hate']"},
    "labels": "$.result[*].labels",
    "means": {"VIOLENT": "violence", "ADVERT": "custom/ads"},
    "ignore": frozenset({"FINE"}),
    "most": 100,
}


def answer(asked: Asked) -> Answered:
    if asked.path != "/v2/judge":
        return Answered({"error": "no such page"}, 404)
    if asked.method != "POST":
        return Answered({"error": "no such method"}, 405)
    if asked.headers.get("x-canary-key") != KEY:
        return Answered({"error": "no such key"}, 401)
    body = asked.json()
    if set(body) != {"in", "who"} or set(body["in"]) != {"lines"} or body["who"] not in {"input", "output"}:
        return Answered({"error": "not understood"}, 422)
    if not isinstance(body["in"]["lines"], list):
        return Answered({"error": "not understood"}, 422)
    return Answered({"result": [_result(marked(line)) for line in body["in"]["lines"]]})


def _result(found: list[str]) -> dict[str, Any]:
    labels = [MEANS[category] for category in ("violence", "custom/ads") if category in found]
    return {
        "percent": {"tox": 91 if "toxicity" in found else 1.5},
        "stop": {"hate": "hate" in found},
        "labels": labels or ["FINE"],
    }


def dialect(base: str) -> Dialect:
    return HttpJson(url=f"{base}/v2/judge", **TOLD)
