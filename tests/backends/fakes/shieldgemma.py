"""A server of ShieldGemma, as its documents say.

https://ai.google.dev/gemma/docs/shieldgemma/model_card (four harm types, one a call, the answer's first token),
https://huggingface.co/google/shieldgemma-2b/discussions/6 (the template's ``guideline``; it fails without one),
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (``chat_template_kwargs``).
"""

from __future__ import annotations

from guardrail.backends.dialect import Dialect
from guardrail.backends.shieldgemma import ShieldGemma

from . import Answered, Asked, marked
from .chat_server import KEY, body_of, completion, odds, refused, roles, words

MEANS = {
    "illicit/violent": "Dangerous Content",
    "harassment": "Harassment",
    "hate": "Hate Speech",
    "sexual": "Sexually Explicit Information",
}
OPENINGS = {
    "user": "The prompt shall not contain or seek generation of content that ",
    "assistant": "The chatbot shall not generate content that ",
}


def answer(asked: Asked) -> Answered:
    body = body_of(asked, "chat_template_kwargs")
    if isinstance(body, Answered):
        return body
    if roles(body) not in (["user"], ["user", "assistant"]):
        return refused(400, "roles")
    told = body.get("chat_template_kwargs")
    if not isinstance(told, dict) or set(told) != {"guideline"}:
        return refused(400, "'guideline' is undefined")
    name, _, harm = told["guideline"].partition(": ")
    if name.strip('"').removeprefix("No ") not in MEANS.values() or not harm.startswith(OPENINGS[roles(body)[-1]]):
        return refused(400, "not a documented guideline")
    asked_about = name.strip('"').removeprefix("No ")
    bad = asked_about in {MEANS.get(name) for name in marked(words(body["messages"][-1]["content"]))}
    likely = odds({"Yes": 0.9 if bad else 0.1, "No": 0.08 if bad else 0.88, "The": 0.02})
    text = "Yes" if bad else "No"
    # One token was asked for, so it ended for length.
    return Answered(completion(text, body["model"], likely if body.get("logprobs") else None, "length"))


def dialect(base: str) -> Dialect:
    return ShieldGemma(url=f"{base}/v1", api_key=KEY)
