"""A server of Llama Guard, as its documents say.

https://www.llama.com/docs/model-cards-and-prompt-formats/llama-guard-3/ (roles, the answer's lines),
https://github.com/meta-llama/PurpleLlama: Llama-Guard3/8B/MODEL_CARD.md, Llama-Guard4/12B/MODEL_CARD.md (taxonomy),
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (the 1B reads list-style content only).
"""

from __future__ import annotations

from guardrail.backends.dialect import Dialect
from guardrail.backends.llama_guard import LlamaGuard

from . import Answered, Asked, marked
from .chat_server import KEY, body_of, completion, odds, parts, refused, roles, words

MEANS = {
    "violence": "S1",
    "illicit": "S2",
    "sexual/minors": "S4",
    "custom/defamation": "S5",
    "custom/specialized-advice": "S6",
    "custom/privacy": "S7",
    "custom/intellectual-property": "S8",
    "illicit/violent": "S9",
    "hate": "S10",
    "self-harm": "S11",
    "sexual": "S12",
    "custom/elections": "S13",
    "custom/code-interpreter-abuse": "S14",
}
LIST_ONLY = ("meta-llama/Llama-Guard-3-1B", "meta-llama/Llama-Guard-3-11B-Vision", "meta-llama/Llama-Guard-4-12B")
SEEING = LIST_ONLY[1:]


def answer(asked: Asked) -> Answered:
    body = body_of(asked)
    if isinstance(body, Answered):
        return body
    model = body["model"]
    if roles(body) not in (["user"], ["user", "assistant"]):
        return refused(400, "Conversation roles must alternate user/assistant/user/assistant/...")
    for message in body["messages"]:
        content = message["content"]
        if set(message) != {"role", "content"} or parts(content) is None:
            return refused(400, "message")
        if model in LIST_ONLY and isinstance(content, str):
            return refused(400, "the template reads parts")
        if any(part["type"] == "image_url" for part in parts(content) or []) and model not in SEEING:
            return refused(400, "At most 0 image(s) may be provided")
    codes = [MEANS[name] for name in marked(words(body["messages"][-1]["content"])) if name in MEANS]
    text = f"unsafe\n{','.join(codes)}" if codes else "safe"
    chance = 0.9 if codes else 0.1
    likely = odds({"\n\n": 1.0}, {"unsafe": chance, "safe": 1 - chance}) if body.get("logprobs") else None
    return Answered(completion("\n\n" + text, model, likely))


def dialect(base: str) -> Dialect:
    return LlamaGuard(url=f"{base}/v1", api_key=KEY)
