"""Bedrock's errors: a message in the body, and the exception's name in a header or an event.

Source: Amazon Bedrock API reference, errors of "Converse" and "InvokeModel".
"""

from __future__ import annotations

from typing import Any

from .. import jsontext
from ..protocol import Notice

STOPPED = frozenset({"guardrail_intervened", "content_filtered", "refusal", "content_filter"})
"""Reasons to stop by which Bedrock, or a model on it, ends an answer for safety."""
INTERVENED = "guardrail_intervened"
_NAMES = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    413: "ValidationException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_IN_STREAMS = {429: "throttlingException", 503: "serviceUnavailableException", 500: "internalServerException"}


def name(notice: Notice) -> str:
    """The exception of a status."""
    return _NAMES.get(notice.status, "InternalServerException" if notice.status >= 500 else "ValidationException")


def error_tree(notice: Notice) -> dict[str, Any]:
    """The error object; the guard's own word and the decision stand beside the message."""
    return {"message": notice.text, "code": notice.code, "decision_id": notice.decision}


def error(notice: Notice) -> bytes:
    """The body of an error answer."""
    return jsontext.encode(error_tree(notice))


def exception(notice: Notice) -> tuple[str, Any]:
    """The exception that breaks off a stream: its name, and what it says."""
    kind = "validationException" if notice.status < 500 else "modelStreamErrorException"
    return _IN_STREAMS.get(notice.status, kind), error_tree(notice)


def stopped(tree: Any) -> str | None:
    """The provider's own word where an answer, or an event of it, says that it was stopped for safety."""
    if not isinstance(tree, dict):
        return None
    said = [tree.get(key) for key in ("stopReason", "stop_reason", "finish_reason", "completionReason")]
    if tree.get("amazon-bedrock-guardrailAction") == "INTERVENED" or tree.get("action") == "GUARDRAIL_INTERVENED":
        return INTERVENED
    return next((word.lower() for word in said if isinstance(word, str) and word.lower() in STOPPED), None)
