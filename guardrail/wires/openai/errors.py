"""OpenAI's error object, and the words by which it and those like it refuse for safety."""

from __future__ import annotations

from .. import jsontext
from ..protocol import Notice

SAFETY_WORDS = frozenset(
    {
        "bio_policy",
        "bio_policy_violation",
        "content_filter",
        "content_policy",
        "content_policy_violation",
        "cyber_policy",
        "cyber_policy_violation",
        "identifier_blocked",
        "image_content_policy_violation",
        "invalid_prompt",
        "moderation_blocked",
        "ResponsibleAIPolicyViolation",
    }
)
"""Error codes and types (OpenAI's safety guides and error reference; Azure's content filtering)."""


def error_tree(notice: Notice) -> dict[str, object]:
    """The error object: ``type`` by the status, ``code`` the guard's own word."""
    kind = "server_error" if notice.status >= 500 else "invalid_request_error"
    if notice.status == 429:
        kind = "rate_limit_error"
    return {
        "error": {
            "message": notice.text,
            "type": kind,
            "param": None,
            "code": notice.code,
            "decision_id": notice.decision,
        }
    }


def error(notice: Notice) -> bytes:
    """The body of an error answer."""
    return jsontext.encode(error_tree(notice))
