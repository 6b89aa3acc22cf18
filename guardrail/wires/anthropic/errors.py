"""Anthropic's error object, and the words by which it refuses for safety."""

from __future__ import annotations

from typing import Any

from .. import jsontext
from ..protocol import Notice

REFUSAL = "refusal"
"""The reason to stop by which the API's own classifiers end an answer."""
_FILTERED = "Output blocked by content filtering policy"
"""The message of the error 400 by which the API drops an answer; it has no word of its own."""
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""By status (API reference, "Errors")."""


def error_tree(notice: Notice) -> dict[str, Any]:
    """The error object; the guard's own word and the decision stand beside the API's type."""
    kind = _TYPES.get(notice.status, "api_error" if notice.status >= 500 else "invalid_request_error")
    said = {"type": kind, "message": notice.text, "code": notice.code, "decision_id": notice.decision}
    return {"type": "error", "error": said}


def error(notice: Notice) -> bytes:
    """The body of an error answer."""
    return jsontext.encode(error_tree(notice))


def refusal_of(tree: Any) -> str | None:
    """The API's own refusal, in a whole message or an error object."""
    if not isinstance(tree, dict):
        return None
    if tree.get("stop_reason") == REFUSAL:
        return REFUSAL
    inner = tree.get("error")
    message = inner.get("message") if isinstance(inner, dict) else None
    return "content_filter" if isinstance(message, str) and message.startswith(_FILTERED) else None
