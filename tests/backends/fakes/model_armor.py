"""Google Model Armor as the service's protocol file describes it, in the JSON of its REST interface.

Source: https://github.com/googleapis/googleapis/blob/master/google/cloud/modelarmor/v1/service.proto and
https://docs.cloud.google.com/model-armor/sanitize-prompts-responses. The template here has every filter on.
"""

from __future__ import annotations

import json
from typing import Any

from guardrail.backends.dialect import Dialect
from guardrail.backends.model_armor import ModelArmor
from tests.backends.fakes import Answered, Asked, marked

KEY = "canary-armor-token"
TEMPLATE = "projects/sample-project/locations/us-central1/templates/templ01"
MEANS: dict[str, str] = {
    "sexual": "sexually_explicit",
    "hate": "hate_speech",
    "harassment": "harassment",
    "illicit": "dangerous",
    "sexual/minors": "csam",
    "custom/malicious-uris": "malicious_uris",
    "prompt_injection": "pi_and_jailbreak",
    "custom/sensitive-data": "sdp",
}
TYPES = ("sexually_explicit", "hate_speech", "harassment", "dangerous")


def dialect(base: str) -> Dialect:
    return ModelArmor(template=TEMPLATE, url=base, api_key=KEY)


def refused(code: int, status: str) -> Answered:
    return Answered({"error": {"code": code, "message": "see the status", "status": status}}, code)


def answer(asked: Asked) -> Answered:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return refused(401, "UNAUTHENTICATED")
    name, _, verb = asked.path.removeprefix("/v1/").rpartition(":")
    field = {"sanitizeUserPrompt": "userPromptData", "sanitizeModelResponse": "modelResponseData"}.get(verb)
    if asked.method != "POST" or not asked.path.startswith("/v1/") or name != TEMPLATE or field is None:
        return refused(404, "NOT_FOUND")
    allowed = {field, "userPrompt"} if verb == "sanitizeModelResponse" else {field}
    try:
        body = asked.json()
        text = body[field]["text"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return refused(400, "INVALID_ARGUMENT")
    if not body.keys() <= allowed or body[field].keys() != {"text"} or not isinstance(text, str) or not text:
        return refused(400, "INVALID_ARGUMENT")
    return Answered(found({MEANS[mark] for mark in marked(text) if mark in MEANS}))


def found(names: set[str]) -> dict[str, Any]:
    """The reply in which these filters and types match."""

    def state(match: bool, *, level: bool = False) -> dict[str, Any]:
        told = {"confidenceLevel": "HIGH"} if match and level else {}
        return {"matchState": "MATCH_FOUND" if match else "NO_MATCH_FOUND", **told}

    def ran(name: str, **more: Any) -> dict[str, Any]:
        return {"executionState": "EXECUTION_SUCCESS", **state(name in names, **more)}

    types = {name: state(name in names, level=True) for name in TYPES}
    rai = {"executionState": "EXECUTION_SUCCESS", **state(bool(names & set(TYPES))), "raiFilterTypeResults": types}
    return {
        "sanitizationResult": {
            "filterMatchState": state(bool(names))["matchState"],
            "filterResults": {
                "csam": {"csamFilterFilterResult": ran("csam")},
                "malicious_uris": {"maliciousUriFilterResult": ran("malicious_uris")},
                "rai": {"raiFilterResult": rai},
                "pi_and_jailbreak": {"piAndJailbreakFilterResult": ran("pi_and_jailbreak", level=True)},
                "sdp": {"sdpFilterResult": {"inspectResult": ran("sdp")}},
            },
            "sanitizationMetadata": {},
            "invocationResult": "SUCCESS",
        }
    }
