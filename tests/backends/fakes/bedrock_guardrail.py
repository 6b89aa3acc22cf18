"""ApplyGuardrail of Amazon Bedrock, as its API reference and user guide say; the request and its signature are checked
by botocore itself, and so is the shape of the answer.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-independent-api.html, and botocore's service model.
"""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.session import Session
from botocore.validate import ParamValidator

from guardrail.backends.bedrock_guardrail import BedrockGuardrail
from guardrail.backends.dialect import Dialect, Query, Question, Side
from guardrail.checks.protocol import Scores
from guardrail.flow import Reply

from . import Answered, Asked, marked

BASE = "https://bedrock-runtime.us-east-1.amazonaws.com"
REGION, VERSION = "us-east-1", "3"
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr0canary1"
CREDENTIALS = Credentials("AKIACANARY0000000001", "canary-secret-0001", "canary-token-0001")
TOPICS = ("Fiduciary Advice",)
REGEXES = ("Ticket",)

FILTERS = {
    "hate": "HATE",
    "harassment": "INSULTS",
    "illicit": "MISCONDUCT",
    "prompt_injection": "PROMPT_ATTACK",
    "sexual": "SEXUAL",
    "violence": "VIOLENCE",
}
PII = {
    "personal/email": "EMAIL",
    "personal/phone": "PHONE",
    "personal/card": "CREDIT_DEBIT_CARD_NUMBER",
    "personal/iban": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "personal/ip": "IP_ADDRESS",
    "secret": "AWS_SECRET_KEY",
    "custom/name": "NAME",
    "custom/us-social-security-number": "US_SOCIAL_SECURITY_NUMBER",
}
OTHERS = {
    "custom/profanity": "PROFANITY",
    "custom/word": "customWords",
    "custom/fiduciary-advice": "Fiduciary Advice",
    "custom/topic": "Some other topic",
    "custom/ticket": "Ticket",
    "custom/regex": "Some other expression",
}
MEANS: dict[str, str] = {**FILTERS, **PII, **OTHERS}
INPUT_ONLY = frozenset({"prompt_injection"})
"""The document: prompt attacks are user prompts; the filter is not applied to what models write."""

_SCOPES = (None, "INTERVENTIONS", "FULL")
_PATH = re.compile(r"/guardrail/([^/]+)/version/([^/]+)/apply")
_SIGNED = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})")


def answer(asked: Asked) -> Answered:
    """Errors have the statuses of the service model."""
    found = _PATH.fullmatch(asked.path)
    if asked.method != "POST" or found is None:
        return _error(404, "UnknownOperationException")
    if not signed(asked):
        return _error(403, "AccessDeniedException")
    body = asked.json()
    params = {"guardrailIdentifier": unquote(found[1]), "guardrailVersion": unquote(found[2]), **_blobs(body)}
    operation = _operation()
    report = ParamValidator().validate(params, operation.input_shape)
    known = set(body) <= {"source", "content", "outputScope"} and body.get("source") in {"INPUT", "OUTPUT"}
    if report.has_errors() or not known or not body["content"] or body.get("outputScope") not in _SCOPES:
        return _error(400, "ValidationException")
    if (params["guardrailIdentifier"], params["guardrailVersion"]) != (GUARDRAIL, VERSION):
        return _error(404, "ResourceNotFoundException")
    told = _judged(body)
    assert not ParamValidator().validate(told, operation.output_shape).has_errors()
    return Answered(told)


def signed(asked: Asked) -> bool:
    """Is the signature the one that botocore makes for this request?"""
    found = _SIGNED.fullmatch(asked.headers.get("authorization", ""))
    if found is None or asked.headers.get("x-amz-security-token") != CREDENTIALS.token:
        return False
    names = found[2].split(";")
    if not {"host", "x-amz-date", "x-amz-security-token"} <= set(names):
        return False
    at = asked.headers["x-amz-date"]
    if found[1] != f"{CREDENTIALS.access_key}/{at[:8]}/{REGION}/bedrock/aws4_request":
        return False
    headers = {name: asked.headers[name] for name in names}
    request = AWSRequest(asked.method, f"https://{asked.headers['host']}{asked.path}", headers=headers, data=asked.body)
    request.context["timestamp"] = at
    signer = SigV4Auth(CREDENTIALS.get_frozen_credentials(), "bedrock", REGION)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    return bool(signer.signature(to_sign, request) == found[3])


def _judged(body: dict[str, Any]) -> dict[str, Any]:
    """A guardrail that has every policy but the two that judge grounding and reasoning."""
    texts = [block["text"]["text"] for block in body["content"] if "text" in block]
    images = [base64.b64decode(block["image"]["source"]["bytes"]) for block in body["content"] if "image" in block]
    said = {category for text in texts for category in marked(text)}
    shown = {category for image in images for category in marked(image.decode("latin-1")) if category in FILTERS}
    full = body.get("outputScope") == "FULL"
    filters = [
        _filter(name, category in said | shown)
        for category, name in FILTERS.items()
        if (full or category in said | shown) and (body["source"] == "INPUT" or category not in INPUT_ONLY)
    ]
    entities = [_entity(name, category in said) for category, name in PII.items() if full or category in said]
    topics = ["Fiduciary Advice"] if full or "custom/fiduciary-advice" in said else []
    topics += ["Some other topic"] if "custom/topic" in said else []
    words = [{"match": "canary", "action": "BLOCKED", "detected": True}] if "custom/word" in said else []
    listed = [{"match": "heck", "type": "PROFANITY", "action": "BLOCKED", "detected": True}]
    regexes = [
        {"name": OTHERS[category], "match": "c", "regex": "c", "action": "ANONYMIZED", "detected": True}
        for category in ("custom/ticket", "custom/regex")
        if category in said
    ]
    found = {category for category in said | shown if category in MEANS}
    found -= INPUT_ONLY if body["source"] == "OUTPUT" else set()
    size = sum(map(len, texts))
    coverage: dict[str, Any] = {"textCharacters": {"guarded": size, "total": size}}
    if images:
        coverage["images"] = {"guarded": len(images), "total": len(images)}
    return {
        "usage": usage(len(images)),
        "action": "GUARDRAIL_INTERVENED" if found else "NONE",
        "outputs": [{"text": "canary: this was stopped"}] if found else [],
        "assessments": [
            {
                "contentPolicy": {"filters": filters},
                "topicPolicy": {"topics": [_topic(name, full, said) for name in topics]},
                "wordPolicy": {
                    "customWords": words,
                    "managedWordLists": listed if "custom/profanity" in said else [],
                },
                "sensitiveInformationPolicy": {"piiEntities": entities, "regexes": regexes},
            }
        ],
        "guardrailCoverage": coverage,
    }


def usage(images: int = 0) -> dict[str, int]:
    kinds = ("topic", "content", "word", "sensitiveInformation", "contextualGrounding")
    return {
        **{f"{kind}PolicyUnits": 1 for kind in kinds},
        "sensitiveInformationPolicyFreeUnits": 1,
        "contentPolicyImageUnits": images,
    }


def _filter(name: str, found: bool) -> dict[str, Any]:
    action, confidence = ("BLOCKED", "HIGH") if found else ("NONE", "NONE")
    return {"type": name, "confidence": confidence, "filterStrength": "MEDIUM", "action": action, "detected": found}


def _entity(name: str, found: bool) -> dict[str, Any]:
    return {"type": name, "match": "canary", "action": "ANONYMIZED" if found else "NONE", "detected": found}


def _topic(name: str, full: bool, said: set[str]) -> dict[str, Any]:
    found = name != "Fiduciary Advice" or "custom/fiduciary-advice" in said
    return {"name": name, "type": "DENY", "action": "BLOCKED" if found else "NONE", "detected": found}


def _blobs(body: dict[str, Any]) -> dict[str, Any]:
    """The body as botocore takes it: a blob is bytes there, and base64 on the wire."""
    held: dict[str, Any] = json.loads(json.dumps(body))
    for block in held.get("content", []):
        if "image" in block:
            block["image"]["source"]["bytes"] = base64.b64decode(block["image"]["source"]["bytes"], validate=True)
    return held


@cache
def service_model() -> Any:
    return Session().get_service_model("bedrock-runtime")


def _operation() -> Any:
    return service_model().operation_model("ApplyGuardrail")


def _error(status: int, kind: str) -> Answered:
    return Answered({"message": "canary: not accepted"}, status, {"x-amzn-errortype": kind})


def guardrail(base: str, **options: Any) -> BedrockGuardrail:
    """The dialect, told of this guardrail."""
    told: dict[str, Any] = {
        "url": base,
        "region": REGION,
        "guardrail": GUARDRAIL,
        "version": VERSION,
        "credentials": CREDENTIALS,
        "topics": TOPICS,
        "regexes": REGEXES,
    }
    return BedrockGuardrail(**told | options)


def dialect(base: str) -> Dialect:
    return guardrail(base)


def asked(query: Query) -> Asked:
    """A request as the service gets it."""
    parts = urlsplit(query.url)
    return Asked(query.method, parts.path, {**dict(query.headers), "host": parts.netloc}, query.body)


def applied(dialect: Dialect, question: Question) -> Scores:
    """What a dialect reads out of this service's answer."""
    answered = answer(asked(dialect.query(question)))
    (said,) = dialect.read(question, Reply(answered.status, (), json.dumps(answered.body).encode()))
    return said


def judge(text: str, side: Side = "input", **options: Any) -> Scores:
    """What this guardrail says of a text."""
    return applied(guardrail(BASE, **options), Question((text,), side))


def found(said: Scores) -> set[str]:
    """The categories that are flagged."""
    assert said.flags is not None
    return {name for name, flag in said.flags.items() if flag}
