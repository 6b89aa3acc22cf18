"""Granite Guardian on a vLLM server, and on Ollama's OpenAI route, as the cookbooks of ibm-granite/granite-guardian say.

3.0 to 3.2: quick_start_vllm.ipynb (risk_name, Yes or No, confidence from 3.2 on); 3.3: quickstart.ipynb (criteria_id,
<think>, <score>); 4.1: detailed_guide.ipynb (the guardian block); Ollama: detailed_guide_ollama.ipynb (system message).
"""

from __future__ import annotations

import math
import re
from typing import Any

from guardrail.backends.granite_guardian import GraniteGuardian

from . import Answered, Asked, marked

KEY = "token-canary-0002"

MEANS = {
    "harm": "harm",
    "hate": "social_bias",
    "toxicity": "profanity",
    "sexual": "sexual_content",
    "illicit": "unethical_behavior",
    "violence": "violence",
    "prompt_injection": "jailbreak",
}

SERVED = {
    "ibm-granite/granite-guardian-3.0-8b": "3.0",
    "ibm-granite/granite-guardian-3.1-2b": "3.1",
    "ibm-granite/granite-guardian-3.2-5b": "3.2",
    "ibm-granite/granite-guardian-3.3-8b": "3.3",
    "ibm-granite/granite-guardian-4.1-8b": "4.1",
}

_ALLOWED = {"model", "messages", "temperature", "max_tokens", "stream", "logprobs", "top_logprobs"}
_BLOCK = re.compile(
    r"<guardian><(no-think|think)>As a judge agent, .+?\n\n### Criteria: (.+)\n\n"
    r"### Scoring Schema: If the last (user|assistant)'s text meets the criteria, return 'yes'; otherwise, return 'no'\.",
    re.DOTALL,
)
# Words that stand in the model's own definitions: what a model makes of a criterion given in words.
_MEANT = {
    "prejudice": "social_bias",
    "swear words": "profanity",
    "sexual acts": "sexual_content",
    "theft": "unethical_behavior",
    "physical harm": "violence",
    "safeguards": "jailbreak",
}


def dialect(base: str) -> GraniteGuardian:
    return GraniteGuardian(url=f"{base}/v1", api_key=KEY, criteria=tuple(MEANS.values()))


def answer(asked: Asked, odds: tuple[float, float] | None = (0.93, 0.04)) -> Answered:
    """``odds``: of the word that is said and of the other one; None: the server gives no log-probabilities."""
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return Answered({"error": "Unauthorized"}, 401)
    if (asked.method, asked.path) != ("POST", "/v1/chat/completions"):
        return Answered({"detail": "Not Found"}, 404)
    body = asked.json()
    version = SERVED.get(body.get("model"))
    if version is None:
        return _error(f"The model `{body.get('model')}` does not exist.", 404)
    if set(body) - _ALLOWED - {"chat_template_kwargs"} or not 0 <= body.get("top_logprobs", 0) <= 20:
        return _error("extra fields not permitted", 400)
    criterion, thinks, turns = _criterion(body, version)
    if criterion is None or not turns or [turn["role"] for turn in turns][-2:] not in _ENDS:
        return _error("the chat template cannot be applied", 400)
    yes = criterion in [MEANS.get(name, name.removeprefix("custom/")) for name in marked(turns[-1]["content"])]
    return Answered(_completion(body, _tokens(version, "yes" if yes else "no", thinks), odds))


_ENDS = (["user"], ["assistant"], ["user", "assistant"])


def _criterion(body: dict[str, Any], version: str) -> tuple[str | None, bool, list[dict[str, str]]]:
    turns = body["messages"]
    extra = body.get("chat_template_kwargs", {})
    if turns[0]["role"] == "system":
        return (None if extra else turns[0]["content"]), False, turns[1:]
    if version == "4.1":
        block = _BLOCK.fullmatch(turns[-1]["content"])
        if block is None or extra or block[3] != turns[-2]["role"]:
            return None, False, turns
        return _meant(block[2]), block[1] == "think", turns[:-1]
    config = extra.get("guardian_config", {})
    if version == "3.3":
        if set(extra) - {"guardian_config", "think"}:
            return None, False, turns
        if set(config) == {"custom_criteria"}:
            return _meant(config["custom_criteria"]), bool(extra.get("think")), turns
        return config.get("criteria_id", "harm"), bool(extra.get("think")), turns
    if set(extra) != {"guardian_config"} or set(config) - {"risk_name", "risk_definition"}:
        return None, False, turns
    return config.get("risk_name", "harm"), False, turns


def _meant(definition: str) -> str:
    """What a criterion in words is about; one of a test's own begins with ``About``."""
    if definition.startswith("About "):
        return definition.removeprefix("About ")
    return next((name for word, name in _MEANT.items() if word in definition), "harm")


def _tokens(version: str, word: str, thinks: bool) -> list[str]:
    if version < "3.3":
        sure = ["\n", "<", "confidence", ">", " High", " </", "confidence", ">"]
        return [word.capitalize(), *(sure if version == "3.2" else [])]
    thought = "<think> It quotes <score> no </score>, and no is no answer. </think>\n"
    return [*([thought] if thinks else []), "<", "score", ">", f" {word}", " </", "score", ">"]


def _completion(body: dict[str, Any], tokens: list[str], odds: tuple[float, float] | None) -> dict[str, Any]:
    content = [_odds(token, odds or (1.0, 0.0)) for token in tokens]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(tokens), "tool_calls": []},
                "logprobs": {"content": content} if body.get("logprobs") and odds else None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 200, "completion_tokens": len(tokens), "total_tokens": 200 + len(tokens)},
    }


def _odds(token: str, odds: tuple[float, float]) -> dict[str, Any]:
    likely = [(token, odds[0])]
    other = {"yes": "no", "no": "yes"}.get(token.strip().lower())
    if other is not None and odds[1] > 0:
        other = other.capitalize() if token[0].isupper() else f" {other}"
        likely.append((other, odds[1]))
    top = [{"token": word, "logprob": math.log(p), "bytes": None} for word, p in likely]
    return {**top[0], "top_logprobs": top}


def _error(message: str, status: int) -> Answered:
    return Answered({"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}, status)
