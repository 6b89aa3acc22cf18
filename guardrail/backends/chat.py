"""Asking a model behind an OpenAI-compatible chat server: one request, its answer's text and first-token odds.

What safety models and judges share. Knows ``POST /chat/completions`` as vLLM, SGLang, Ollama and llama.cpp
serve it; never what a model means by what it says.

Source: https://platform.openai.com/docs/api-reference/chat/create, and
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html for what the servers add.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import NotEvaluated
from ..flow import Reply
from ..http import Headers
from .dialect import Query, decoded, encoded, malformed

FINISHED = frozenset({"stop", "eos"})
"""Reasons for an end that leave an answer whole. ``length`` is half an answer, ``content_filter`` none."""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer. ``odds``: for each generated token, first one first, the tokens that might have stood there
    to their probabilities; empty where the server gives none. ``reasoning``: where the server tells it apart.
    """

    text: str
    model: str
    odds: tuple[Mapping[str, float], ...] = ()
    reasoning: str = ""

    def share(self, yes: Sequence[str], no: Sequence[str], within: int = 8) -> float | None:
        """P(yes) against P(no) at the first of ``within`` tokens where either may stand; None without odds. Raises
        NotEvaluated ``malformed`` where both are 0.

        Tokens are compared without case and surrounding white space. A word may be cut into tokens, so a token
        counts for the word that it begins, at three letters or more or the word whole.
        """
        for odds in self.odds[:within]:
            likely = max(odds, key=lambda token: odds[token], default="")
            if not (_begins(likely, yes) or _begins(likely, no)):
                continue
            for_yes = sum(p for token, p in odds.items() if _begins(token, yes))
            for_no = sum(p for token, p in odds.items() if _begins(token, no) and not _begins(token, yes))
            if for_yes + for_no <= 0:
                raise malformed("the log-probabilities leave nothing to either word")
            return for_yes / (for_yes + for_no)
        return None


def _begins(token: str, words: Sequence[str]) -> bool:
    bare = token.strip().lower()
    return any(bare == word or (len(bare) >= 3 and word.startswith(bare)) for word in words)


def request(
    base: str,
    headers: Headers,
    model: str,
    messages: Sequence[Mapping[str, Any]],
    *,
    tokens: int,
    logprobs: int = 0,
    reasoning: bool = False,
    extra: Mapping[str, Any] | None = None,
    **more: Any,
) -> Query:
    """A request at temperature 0 for at most ``tokens`` tokens, each with its ``logprobs`` likeliest ones (0: none).

    ``base``: the server's address up to ``/v1``. ``reasoning``: as OpenAI's reasoning models want it, which take no
    temperature, and ``max_completion_tokens`` only. ``more``: further keys of the body (``response_format``,
    ``chat_template_kwargs``, ...), and ``extra`` those that somebody else chose. Raises NotEvaluated for text that no
    Unicode text is.
    """
    bounds = {"max_completion_tokens": tokens} if reasoning else {"temperature": 0, "max_tokens": tokens}
    body: dict[str, Any] = {"model": model, "messages": list(messages), **bounds, "stream": False, **more}
    body |= extra or {}
    if logprobs:
        body |= {"logprobs": True, "top_logprobs": logprobs}
    return Query(f"{base.rstrip('/')}/chat/completions", encoded(body), headers)


def said(reply: Reply, *, half: bool = False) -> Said:
    """The answer in a reply. ``half``: also one that ended for length. Raises NotEvaluated: ``status``,
    ``malformed``, ``empty`` (no text), ``refused`` (the server filtered it), ``cut`` (it ended for length).
    """
    held = decoded(reply)
    if not isinstance(held, dict):
        raise malformed("the reply is no chat completion")
    choices = held.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        raise malformed("the reply has not exactly one choice")
    choice = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict) or message.get("role", "assistant") != "assistant":
        raise malformed("the reply has no message of the model")
    end = choice.get("finish_reason")
    if message.get("refusal") or end == "content_filter":
        raise NotEvaluated("refused", "the model would not answer")
    text = message.get("content")
    if end == "length" and not half:
        raise NotEvaluated("cut", "the model's answer was cut off at its longest")
    if not (end is None or (isinstance(end, str) and end in {*FINISHED, "length"})):
        raise malformed("the reply ended in an unknown way")
    if not isinstance(text, str) or not text.strip():
        raise NotEvaluated("empty", "the model said nothing")
    reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    return Said(text, _word(held.get("model")), _odds(choice.get("logprobs")), _word(reasoning))


def spoke(reply: Reply) -> bool:
    """Is it a whole answer of a chat model, whatever that says, and if it says nothing? Who writes a text may well make
    a model chatter, or silent, and must not close the way for everybody else by it."""
    try:
        said(reply, half=True)
    except NotEvaluated as error:
        return error.reason in ("empty", "refused")
    return True


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _odds(logprobs: Any) -> tuple[Mapping[str, float], ...]:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list):
        return ()
    return tuple(_token(held) for held in content)


def _token(held: Any) -> Mapping[str, float]:
    try:
        likely = [(one["token"], one["logprob"]) for one in (held["top_logprobs"] or [held])]
        odds: dict[str, float] = {}
        for token, logprob in likely:
            probability = math.exp(logprob)
            if not isinstance(token, str) or not 0 <= probability <= 1.0001:
                break
            odds[token] = odds.get(token, 0.0) + min(probability, 1.0)
        else:
            return odds
    except (KeyError, TypeError, OverflowError):
        pass
    raise malformed("the log-probabilities are not of the documented shape")
