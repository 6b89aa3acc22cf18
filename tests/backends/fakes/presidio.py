"""The Presidio analyzer, as its API document and list of entities say.

Source: https://microsoft.github.io/presidio/api-docs/api-docs.html, https://microsoft.github.io/presidio/supported_entities/
"""

from __future__ import annotations

from guardrail.backends.dialect import Dialect
from guardrail.backends.presidio import Presidio

from . import Answered, Asked, marked

MEANS: dict[str, str] = {
    "personal/email": "EMAIL_ADDRESS",
    "personal/phone": "PHONE_NUMBER",
    "personal/card": "CREDIT_CARD",
    "personal/iban": "IBAN_CODE",
    "personal/ip": "IP_ADDRESS",
    "custom/crypto": "CRYPTO",
    "custom/date-time": "DATE_TIME",
    "custom/location": "LOCATION",
    "custom/medical-license": "MEDICAL_LICENSE",
    "custom/nrp": "NRP",
    "custom/person": "PERSON",
    "custom/url": "URL",
}
SCORE = 0.85

_MEMBERS = {
    "text": str,
    "language": str,
    "correlation_id": str,
    "score_threshold": int | float,
    "entities": list,
    "return_decision_process": bool,
    "ad_hoc_recognizers": list,
}


def answer(asked: Asked) -> Answered:
    """``POST /analyze``; an entity stands where its mark does. Its own errors have status 400 and 500."""
    if asked.path != "/analyze":
        return Answered({"error": "Not Found"}, 404)
    if asked.method != "POST":
        return Answered({"error": "Method Not Allowed"}, 405)
    if asked.headers.get("content-type") != "application/json":
        return Answered({"error": "Unsupported Media Type"}, 415)
    body = asked.json()
    if not all(isinstance(body.get(name, _any(kind)), kind) for name, kind in _MEMBERS.items()):
        return Answered({"error": "Failed to parse /analyze request"}, 400)
    if set(body) - set(_MEMBERS):
        return Answered({"error": "Failed to parse /analyze request"}, 400)
    if not body.get("text"):
        return Answered({"error": "No text provided"}, 500)
    if body.get("language") != "en":
        return Answered({"error": "No matching recognizers were found to serve the request."}, 500)
    wanted = set(body.get("entities") or MEANS.values()) & set(MEANS.values())
    if not wanted:
        return Answered({"error": "No matching recognizers were found to serve the request."}, 500)
    return Answered(
        [
            entity(MEANS[category], body["text"].index(f"[{category}]"), len(category) + 2)
            for category in marked(body["text"])
            if MEANS.get(category) in wanted and body.get("score_threshold", 0) <= SCORE
        ]
    )


def entity(name: str, start: int, length: int, score: float = SCORE) -> dict[str, object]:
    """One detection of the lean shape."""
    return {"analysis_explanation": None, "end": start + length, "entity_type": name, "score": score, "start": start}


def _any(kind: object) -> object:
    return 0 if kind == int | float else kind()  # type: ignore[operator]


def dialect(base: str) -> Dialect:
    return Presidio(url=base)
