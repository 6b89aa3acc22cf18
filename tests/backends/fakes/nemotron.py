"""A server of NVIDIA's content safety models, as their documents say.

https://docs.nvidia.com/nim/llama-3-1-nemoguard-8b-contentsafety/latest/prompt-template.html (the guard's prompt and
JSON), https://huggingface.co/nvidia/Nemotron-3.5-Content-Safety (turns, template arguments, lines),
https://github.com/NVIDIA-NeMo/Guardrails, examples/configs/content_safety_reasoning (the reasoning model).
"""

from __future__ import annotations

import json
from typing import Any

from guardrail.backends.dialect import Dialect
from guardrail.backends.nemotron import Nemotron

from . import Answered, Asked, marked
from .chat_server import KEY, body_of, completion, parts, refused, roles, words

MEANS = {
    "violence": "Violence",
    "sexual": "Sexual",
    "illicit": "Criminal Planning/Confessions",
    "illicit/violent": "Guns and Illegal Weapons",
    "self-harm": "Suicide and Self Harm",
    "sexual/minors": "Sexual (minor)",
    "hate": "Hate/Identity Hate",
    "custom/privacy": "PII/Privacy",
    "harassment": "Harassment",
    "harassment/threatening": "Threat",
    "custom/profanity": "Profanity",
    "custom/needs-caution": "Needs Caution",
    "harm": "Other",
    "custom/manipulation": "Manipulation",
    "custom/government-decisions": "High Risk Gov Decision Making",
    "custom/misinformation": "Political/Misinformation/Conspiracy",
    "custom/intellectual-property": "Copyright/Trademark/Plagiarism",
    "custom/specialized-advice": "Unauthorized Advice",
    "custom/unethical": "Immoral/Unethical",
}
LISTED = [
    "S1: Violence.",
    "S7: Sexual (minor).",
    "S14: Other.",
    "S23: Immoral/Unethical.",
    "<END UNSAFE CONTENT CATEGORIES>",
]
LISTED_22 = ["S1: Violence.", "S14: Manipulation.", "S22: Immoral/Unethical."]
GUARD, CONTENT = "nvidia/llama-3.1-nemotron-safety-guard-8b-v3", "nvidia/nemotron-3.5-content-safety"
REASONING = "nvidia/nemotron-content-safety-reasoning-4b"


def _names(text: str) -> list[str]:
    return [MEANS[name] for name in marked(text) if name in MEANS]


def _told(user: str, reply: str | None) -> dict[str, str]:
    """The documented fields for what stands in the two turns."""
    told = {"User Safety": "unsafe" if _names(user) else "safe"}
    if reply is not None:
        told["Response Safety"] = "unsafe" if _names(reply) else "safe"
    names = dict.fromkeys([*_names(user), *_names(reply or "")])
    return {**told, "Safety Categories": ", ".join(names)} if names else told


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0].strip()


def answer(asked: Asked) -> Answered:
    body = body_of(asked, "chat_template_kwargs")
    if isinstance(body, Answered):
        return body
    made = {GUARD: _guard, CONTENT: _content, REASONING: _reasoning}.get(body["model"])
    return refused(404, "no such model") if made is None else made(body)


def _guard(body: dict[str, Any]) -> Answered:
    if roles(body) != ["user"] or "chat_template_kwargs" in body:
        return refused(400, "one user message")
    prompt = body["messages"][0]["content"]
    if not prompt.startswith("Task: Check if there is unsafe content") or not prompt.endswith("Output JSON:"):
        return refused(400, "not the documented prompt")
    if any(f"{line}\n" not in prompt for line in LISTED):
        return refused(400, "not the documented taxonomy")
    turns = _between(prompt, "<BEGIN CONVERSATION>\n\nuser: ", "<END CONVERSATION>")
    user, given, reply = turns.partition("\n\nresponse: agent: ")
    told = json.dumps(_told(user, reply if given else None))
    return Answered(completion(told + " ", body["model"]))


def _content(body: dict[str, Any]) -> Answered:
    if roles(body) not in (["user"], ["user", "assistant"]) or any(not parts(m["content"]) for m in body["messages"]):
        return refused(400, "messages")
    wanted = body.get("chat_template_kwargs", {})
    if wanted.get("request_categories") != "/categories" or set(wanted) - {"request_categories", "enable_thinking"}:
        return refused(400, "template arguments")
    turns = [words(message["content"]) for message in body["messages"]]
    reply = turns[1] if len(turns) > 1 else None
    told = "\n".join(f"{name}: {value}" for name, value in _told(turns[0], reply).items())
    thought = "<think>\nUser Safety: safe\n</think>\n\n" if wanted.get("enable_thinking") else ""
    return Answered(completion(thought + told, body["model"]))


def _reasoning(body: dict[str, Any]) -> Answered:
    prompt = body["messages"][0]["content"]
    if roles(body) != ["user"] or any(f"{line}\n" not in prompt for line in LISTED_22):
        return refused(400, "not the documented prompt")
    if not prompt.endswith(("/think", "/no_think")):
        return refused(400, "no mode")
    user = _between(prompt, "Human user:\n", "\n\nAI assistant:")
    reply = _between(prompt, "AI assistant:\n", "\n\nUse the taxonomy")
    told = f"Prompt harm: {'harmful' if _names(user) else 'unharmful'}\n"
    told += "Response harm: " + ("None" if reply == "None" else "harmful" if _names(reply) else "unharmful")
    thought = "<think>\nPrompt harm: harmful?\n</think>\n\n" if prompt.endswith(" /think") else ""
    return Answered(completion(thought + told, body["model"]))


def dialect(base: str) -> Dialect:
    return Nemotron(url=f"{base}/v1", api_key=KEY)
