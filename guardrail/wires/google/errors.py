"""Google's error object (google.rpc.Status as JSON), and the words by which it refuses for safety."""

from __future__ import annotations

from typing import Any

from .. import jsontext
from ..protocol import Notice

SAFETY_WORDS = frozenset(
    {
        "BLOCKLIST",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_SAFETY",
        "JAILBREAK",
        "MODEL_ARMOR",
        "PROHIBITED_CONTENT",
        "SAFETY",
        "SPII",
    }
)
"""Of ``FinishReason`` and ``BlockedReason`` (API reference, GenerateContentResponse) those that mean safety."""

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""google/rpc/code.proto: the canonical codes and the HTTP status of each."""


def error_tree(notice: Notice) -> dict[str, Any]:
    """The error object; the guard's own word is the ``reason`` of an ErrorInfo, as AIP-193 has it."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": notice.code.upper(),
        "domain": "guardrail",
        "metadata": {"decision_id": notice.decision},
    }
    word = _STATUS.get(notice.status) or ("INTERNAL" if notice.status >= 500 else "FAILED_PRECONDITION")
    return {"error": {"code": notice.status, "message": notice.text, "status": word, "details": [info]}}


def error(notice: Notice) -> bytes:
    """The body of an error answer."""
    return jsontext.encode(error_tree(notice))
