"""A detector behind the detector API of the Foundation Model Stack, as its OpenAPI file says.

Source: https://github.com/foundation-model-stack/fms-guardrails-orchestrator/blob/main/docs/api/openapi_detector_api.yaml.
The detections are this detector's own: the API names none.
"""

from __future__ import annotations

from typing import Any

from guardrail.backends.dialect import Dialect
from guardrail.backends.fms import FMS

from . import Answered, Asked, marked

DETECTOR = "canary-en-v1"
MEANS: dict[str, str] = {
    "hate": "hap",
    "violence": "violence",
    "personal/email": "Net.EmailAddress",
    "prompt_injection": "jailbreak",
    "custom/social-security": "SocialSecurity",
    "harm": "something-new",
}
_TYPES = {"Net.EmailAddress": "pii", "SocialSecurity": "pii"}


def answer(asked: Asked) -> Answered:
    """All three endpoints. Error: 404 for a detector that is not here, 422 for what is not valid."""
    if asked.method != "POST" or asked.headers.get("detector-id") != DETECTOR:
        return _error(404, "Resource Not Found")
    body = asked.json()
    if not isinstance(body.get("detector_params", {}), dict) or asked.headers.get("content-type") != "application/json":
        return _error(422, "Validation Error")
    members = set(body) - {"detector_params"}
    if asked.path == "/api/v1/text/contents":
        if members != {"contents"} or not _strings(body["contents"]):
            return _error(422, "Validation Error")
        return Answered([[_spanned(text, category) for category in _found(text)] for text in body["contents"]])
    if asked.path == "/api/v1/text/generation":
        if members != {"prompt", "generated_text"} or not _strings([body["prompt"], body["generated_text"]]):
            return _error(422, "Validation Error")
        return Answered([_plain(category) for category in _found(body["generated_text"])])
    if asked.path == "/api/v1/text/chat":
        turns = body.get("messages")
        if members != {"messages"} or not turns or not all(set(turn) == {"role", "content"} for turn in turns):
            return _error(422, "Validation Error")
        return Answered([_plain(category) for category in _found(turns[-1]["content"])])
    return _error(404, "Resource Not Found")


def _found(text: str) -> list[str]:
    return [category for category in marked(text) if category in MEANS]


def _plain(category: str) -> dict[str, Any]:
    name = MEANS[category]
    return {"detection": name, "detection_type": _TYPES.get(name, "risk"), "score": 0.91, "evidence": []}


def _spanned(text: str, category: str) -> dict[str, Any]:
    start = text.index(f"[{category}]")
    end = start + len(category) + 2
    return {**_plain(category), "start": start, "end": end, "text": text[start:end]}


def _strings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _error(status: int, message: str) -> Answered:
    return Answered({"code": status, "message": message}, status)


def detector(base: str, **options: Any) -> FMS:
    """The dialect, told what this detector means."""
    means = {
        "hap": "hate",
        "violence": "violence",
        "Net.EmailAddress": "personal/email",
        "jailbreak": "prompt_injection",
    }
    return FMS(url=base, detector=DETECTOR, categories=means, detections=["SocialSecurity"], **options)


def dialect(base: str) -> Dialect:
    return detector(base)
