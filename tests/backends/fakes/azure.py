"""Azure AI Content Safety as its OpenAPI document of 2024-09-01 and its overview describe it.

Source: https://github.com/Azure/azure-rest-api-specs/blob/main/specification/cognitiveservices/data-plane/ContentSafety/stable/2024-09-01/contentsafety.json
and https://learn.microsoft.com/azure/ai-services/content-safety/concepts/response-codes for the errors.
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from guardrail.backends.azure import AzureContentSafety
from guardrail.backends.dialect import Dialect
from tests.backends.fakes import Answered, Asked, marked

KEY = "canary-azure-key"
MEANS: dict[str, str] = {"hate": "Hate", "self-harm": "SelfHarm", "sexual": "Sexual", "violence": "Violence"}

_TEXT = {"text", "categories", "blocklistNames", "haltOnBlocklistHit", "outputType"}
_IMAGE = {"image", "categories", "outputType"}
_LEVELS = {"FourSeverityLevels": 6, "EightSeverityLevels": 7}
_WORD = "[listed]"
"""Stands on every blocklist here."""


def dialect(base: str) -> Dialect:
    return AzureContentSafety(url=base, api_key=KEY)


def refused(status: int, code: str) -> Answered:
    return Answered({"error": {"code": code, "message": "see the code"}}, status, {"x-ms-error-code": code})


def answer(asked: Asked) -> Answered:
    at = urlsplit(asked.path)
    if asked.headers.get("ocp-apim-subscription-key") != KEY:
        return refused(401, "401")
    if parse_qs(at.query) != {"api-version": ["2024-09-01"]}:
        return refused(400, "BadRequest")
    read = {"/contentsafety/text:analyze": _text, "/contentsafety/image:analyze": _image}.get(at.path)
    if asked.method != "POST" or read is None:
        return refused(404, "ResourceNotFound")
    try:
        body = asked.json()
        return read(body) if isinstance(body, dict) and asked.headers["content-type"] == "application/json" else _bad()
    except (json.JSONDecodeError, KeyError, TypeError, ValueError):
        return _bad()


def _bad() -> Answered:
    return refused(400, "InvalidRequestBody")


def _text(body: dict[str, Any]) -> Answered:
    text, lists = body["text"], body.get("blocklistNames", [])
    output = body.get("outputType", "FourSeverityLevels")
    if not body.keys() <= _TEXT or not isinstance(text, str) or len(text) > 10_000 or output not in _LEVELS:
        return _bad()
    if not all(isinstance(name, str) for name in lists) or not isinstance(body.get("haltOnBlocklistHit", False), bool):
        return _bad()
    hits = [
        {"blocklistName": name, "blocklistItemId": "1", "blocklistItemText": _WORD} for name in lists if _WORD in text
    ]
    if hits and body.get("haltOnBlocklistHit"):
        return Answered({"blocklistsMatch": hits, "categoriesAnalysis": []})
    return Answered({"blocklistsMatch": hits, "categoriesAnalysis": _analysis(body, marked(text), _LEVELS[output])})


def _image(body: dict[str, Any]) -> Answered:
    image = body["image"]
    if not body.keys() <= _IMAGE or body.get("outputType", "FourSeverityLevels") != "FourSeverityLevels":
        return _bad()
    if not isinstance(image, dict) or len(image) != 1 or not image.keys() <= {"content", "blobUrl"}:
        return _bad()
    shown = image["blobUrl"].encode() if "blobUrl" in image else base64.b64decode(image["content"], validate=True)
    if not shown or len(shown) > 4 * 1024 * 1024:
        return _bad()
    return Answered({"categoriesAnalysis": _analysis(body, marked(shown.decode("latin-1")), 6)})


def _analysis(body: dict[str, Any], about: list[str], worst: int) -> list[dict[str, Any]]:
    wanted = body.get("categories", list(MEANS.values()))
    if not isinstance(wanted, list) or not set(wanted) <= set(MEANS.values()):
        raise ValueError("no such category")
    found = {MEANS[name] for name in about if name in MEANS}
    return [{"category": name, "severity": worst if name in found else 0} for name in MEANS.values() if name in wanted]
