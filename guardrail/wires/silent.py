"""The written list: leaves that never carry free text, each with its reason.

Everything else is read. A value on this list that does not look like an identifier (white space,
or overlong) is read in spite of it, so the list cannot be used to carry a sentence past the guard.
"""

from __future__ import annotations

from ..categories import OPENAI_MODERATION
from .table import Entry, Media, Silent

ENUM = Silent("one of a few words the API defines")
ROLE = Silent(
    "whose turn it is, in one of the words of the APIs",
    words=frozenset(
        [
            "user",
            "system",
            "developer",
            "assistant",
            "tool",
            "function",
            "model",
            "chatbot",
            "tool_result",
            "latest_reminder",
        ]
    ),
)
ID = Silent("identifier made by the API or the client's library")
MODEL = Silent("name of a model", 256)
APPLIED = Silent("on what a category was judged", words=frozenset({"text", "image"}))
SIGNATURE = Silent("signature or encrypted block; opaque to everyone but the provider", 1 << 20)


def judged(at: str) -> dict[str, Entry]:
    """A result of the moderation API (its reference, "The moderation object"), wherever it stands. Keys and input types
    that are none of its own are text."""
    found: dict[str, Entry] = {}
    for word in OPENAI_MODERATION:
        found |= {f"{at}.categories.{word}": ENUM, f"{at}.category_scores.{word}": ENUM}
        found[f"{at}.category_applied_input_types.{word}[*]"] = APPLIED
    return found


CHAT_REQUEST: dict[str, Entry] = {
    "model": MODEL,
    "messages[*].role": ROLE,
    "messages[*].content[*].type": ENUM,
    "messages[*].content[*].thinking[*].type": ENUM,
    "messages[*].content[*].image_url.detail": ENUM,
    "messages[*].content[*].image_url.url": Media("image"),
    "messages[*].content[*].image_url": Media("image"),
    "messages[*].content[*].video_url": Media("video"),
    "messages[*].content[*].video_url.url": Media("video"),
    "messages[*].content[*].audio_url": Media("audio"),
    "messages[*].content[*].audio_url.url": Media("audio"),
    "messages[*].content[*].document_url": Media("file"),
    "messages[*].content[*].document_url.url": Media("file"),
    "messages[*].content[*].image_embeds": Media("image"),
    "messages[*].content[*].file_id": ID,
    "messages[*].content[*].input_audio": Media("audio"),
    "messages[*].content[*].input_audio.data": Media("audio"),
    "messages[*].content[*].input_audio.format": ENUM,
    "messages[*].content[*].file.file_data": Media("file"),
    "messages[*].content[*].file.file_id": ID,
    "messages[*].tool_call_id": ID,
    "messages[*].tool_calls[*].id": ID,
    "messages[*].tool_calls[*].type": ENUM,
    "messages[*].audio.id": ID,
    "messages[*].reasoning_details[*].type": ENUM,
    "messages[*].reasoning_details[*].format": ENUM,
    "messages[*].reasoning_details[*].id": ID,
    "messages[*].reasoning_details[*].data": SIGNATURE,
    "messages[*].reasoning_details[*].signature": SIGNATURE,
    "messages[*].content[*].cache_control.type": ENUM,
    "tools[*].type": ENUM,
    "tool_choice": ENUM,
    "tool_choice.type": ENUM,
    "function_call": ENUM,
    "response_format.type": ENUM,
    "stream_options.include_usage": ENUM,
    "service_tier": ENUM,
    "reasoning_effort": ENUM,
    "reasoning.effort": ENUM,
    "verbosity": ENUM,
    "modalities[*]": ENUM,
    "audio.format": ENUM,
    "audio.voice": ENUM,
    "prediction.type": ENUM,
    "prompt_cache_key": ID,
    "prompt_cache_retention": ENUM,
    "moderation.model": MODEL,
    "moderation.policy.input.mode": ENUM,
    "moderation.policy.output.mode": ENUM,
}


def _moderation() -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for at in ("moderation.input", "moderation.output"):
        found |= {f"{at}.{name}": ENUM for name in ("type", "code")} | {f"{at}.model": MODEL}
        each = f"{at}.results[*]"
        found |= {f"{each}.type": ENUM, f"{each}.model": MODEL, **judged(each)}
    return found


_ANSWER: dict[str, Entry] = {
    "id": ID,
    "object": ENUM,
    "model": MODEL,
    "provider": Silent("name of a provider"),
    "obfuscation": Silent("random letters that even out the length of chunks"),
    "system_fingerprint": ID,
    "service_tier": ENUM,
    "choices[*].finish_reason": ENUM,
    "choices[*].native_finish_reason": ENUM,
    "x_groq.id": ID,
    "error.type": ENUM,
    "error.code": ENUM,
    **_moderation(),
}


def _message(at: str) -> dict[str, Entry]:
    return {
        f"{at}.role": ROLE,
        f"{at}.content[*].type": ENUM,
        f"{at}.content[*].thinking[*].type": ENUM,
        f"{at}.tool_calls[*].id": ID,
        f"{at}.tool_calls[*].type": ENUM,
        f"{at}.audio.id": ID,
        f"{at}.audio.data": Media("audio"),
        f"{at}.annotations[*].type": ENUM,
        f"{at}.reasoning_details[*].type": ENUM,
        f"{at}.reasoning_details[*].format": ENUM,
        f"{at}.reasoning_details[*].id": ID,
        f"{at}.reasoning_details[*].data": SIGNATURE,
        f"{at}.reasoning_details[*].signature": SIGNATURE,
        f"{at}.images[*].image_url.url": Media("image"),
        f"{at}.images[*].type": ENUM,
    }


CHAT_RESPONSE: dict[str, Entry] = {**_ANSWER, **_message("choices[*].message"), **_message("choices[*].delta")}
