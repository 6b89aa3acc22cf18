"""Llama Guard 3 (1B, 8B, 11B-vision) and Llama Guard 4 (12B), behind an OpenAI-compatible chat server.

Knows the roles and content that the model's chat template wants, and its one or two lines of answer; the template on
the server adds the taxonomy and the task. Must never know which server it is.

Of a reply both turns are sent, as the prompt format asks for. Where the prompt is unknown the reply is sent as a
user's turn, for a conversation begins with one; Meta's own shield does so with a message that nobody asked for.
A text that is called safe has no categories, so what is left of its probability to be unsafe is UNNAMED's.

Source: the model cards and https://www.llama.com/docs/model-cards-and-prompt-formats/llama-guard-3/ and llama-guard-4/
(roles, answer, images), https://github.com/meta-llama/PurpleLlama/blob/main/Llama-Guard3/8B/MODEL_CARD.md (the first
token's probability is the score), https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (list-style
content for the 1B), https://github.com/huggingface/blog/blob/main/llama-guard-4.md, https://ollama.com/library/llama-guard3,
https://github.com/meta-llama/llama-stack, providers/inline/safety/llama_guard (a message without a user's before it).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from . import guards
from .card import TEXT, Card
from .chat import request, said
from .dialect import UNNAMED, Query, Question, bearer, malformed

Content = Literal["text", "parts"]

TOKENS = 100
"""Of an answer, at most; the model card's own. All 14 codes take half of them."""

CARD = Card(
    name="llama_guard",
    title="Llama Guard 3 and 4, on your own server",
    categories=frozenset(
        {
            "violence",
            "illicit",
            "illicit/violent",
            "sexual",
            "sexual/minors",
            "hate",
            "self-harm",
            "custom/code-interpreter-abuse",
            "custom/defamation",
            "custom/elections",
            "custom/intellectual-property",
            "custom/privacy",
            "custom/specialized-advice",
            UNNAMED,
        }
    ),
    source="https://www.llama.com/docs/model-cards-and-prompt-formats/llama-guard-3/",
    languages="English, French, German, Hindi, Italian, Portuguese, Spanish, Thai",
    longest=guards.LONGEST,
    unit="tokens",
    needs="conversation",
    scores="raw",
    price="your own server",
)


@dataclass(frozen=True, slots=True)
class _Edition:
    """``known``: how many of the codes it knows. ``content``: what its chat template reads."""

    title: str
    known: int
    content: Content
    sees: bool = False
    languages: str = CARD.languages


_EDITIONS: Mapping[str, _Edition] = {
    "3-1b": _Edition("Llama Guard 3 1B", 13, "parts"),
    "3-8b": _Edition("Llama Guard 3 8B", 14, "text"),
    "3-11b-vision": _Edition("Llama Guard 3 11B vision", 13, "parts", True, "English"),
    "4-12b": _Edition("Llama Guard 4 12B", 14, "parts", True),
}
_NAMED = {
    "3-1b": re.compile(r"llama-?guard-?3-1b\b"),
    "3-8b": re.compile(r"llama-?guard-?3(-8b\b|-latest|$)"),  # Ollama's llama-guard3 is the 8B
    "3-11b-vision": re.compile(r"llama-?guard-?3-11b-vision\b"),
    "4-12b": re.compile(r"llama-?guard-?4(-12b\b|-latest|$)"),
}
_TEXT_ONLY = "S14"


class LlamaGuard:
    """Asks about one text a request. ``url``: the server's address up to ``/v1``.

    ``edition``: ``3-1b``, ``3-8b``, ``3-11b-vision`` or ``4-12b``; left out, it is read from the model's name.
    ``content``: how a message is written, where the server's template wants it otherwise than the edition's.
    ``logprobs``: how many likeliest tokens are asked for; 0 for servers that refuse it, then scores are 0 and 1.
    ``ignore``: codes or names, such as S6. Raises ValueError for a name, key or edition that is none.
    """

    batch, batch_chars, slow = 1, 1_000_000, False
    criteria: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        model: str = "meta-llama/Llama-Guard-3-8B",
        edition: str = "",
        content: Content | None = None,
        logprobs: int = guards.LOGPROBS,
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        made = _EDITIONS.get(edition or guards.named(model, _NAMED))
        if made is None:
            raise ValueError(f"edition: which Llama Guard is this model? Say one of {', '.join(_EDITIONS)}")
        if content not in {None, "text", "parts"}:
            raise ValueError("content: say text or parts")
        self.model = model
        self._url, self._headers, self._logprobs = url, bearer(api_key), logprobs
        self._content, self._sees = content or made.content, made.sees
        known = guards.taxonomy(guards.shipped("llama_guard")["kinds"][: made.known])
        self._known, self._ignored = known, known.codes(ignore)
        self.categories = known.without(self._ignored) | {UNNAMED}
        self.points: Mapping[str, Mapping[str, float]] | None = guards.points(self.categories)
        self.card = replace(
            CARD,
            title=f"{made.title}, on your own server",
            categories=self.categories,
            modalities=TEXT | {"image"} if made.sees else TEXT,
            languages=made.languages,
        )

    def query(self, question: Question) -> Query:
        """The judged turn is the last message. Raises NotEvaluated for an image that is not sent or not judged."""
        shown = [guards.picture(question, self._sees)] if question.image else []
        text, before = guards.judged(question), guards.context(question)
        messages = [self._turn("user", before), self._turn("assistant", text)] if before else []
        messages = messages or [self._turn("user", text, shown)]
        return request(self._url, self._headers, self.model, messages, tokens=TOKENS, logprobs=self._logprobs)

    def _turn(self, role: str, text: str, shown: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
        if self._content == "text" and not shown:
            return {"role": role, "content": text}
        return {"role": role, "content": [{"type": "text", "text": text}, *shown]}

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores``. Raises NotEvaluated, also ``unknown_category`` for a code the edition does not have."""
        answer = said(reply)
        unsafe, codes = _verdict(answer.text)
        chance = guards.share(answer, "unsafe", "safe", 8)
        if chance is None:
            chance = 1.0 if unsafe else 0.0
        try:
            kinds = [self._known.find(code) for code in codes]
        except KeyError:
            raise NotEvaluated("unknown_category", "the model names a category that it is not known to have") from None
        heard = {kind.ours for kind in kinds if kind.code not in self._ignored}
        scores = dict.fromkeys(sorted(self.categories), 0.0)
        if not codes:
            scores[UNNAMED] = chance
        # What the model calls unsafe in words is never below the balanced point.
        for name in heard or ({UNNAMED} if unsafe and not codes else set()):
            scores[name] = max(chance, guards.BALANCED)
        unseen = self._unseen(question) - heard
        return [Scores({n: s for n, s in scores.items() if n not in unseen}, None, frozenset(unseen), answer.model)]

    def _unseen(self, question: Question) -> set[str]:
        """The card of Llama Guard 4: code interpreter abuse is for text only."""
        if not question.image:
            return set()
        return {kind.ours for kind in self._known.kinds if kind.code == _TEXT_ONLY and kind.ours in self.categories}


def _verdict(text: str) -> tuple[bool, list[str]]:
    """Whether it is unsafe, and the codes. First line: one of two words; the second, if unsafe: codes."""
    first, *more = [line.strip() for line in text.strip().splitlines() if line.strip()] or [""]
    if first not in {"safe", "unsafe"} or len(more) > (first == "unsafe"):
        raise malformed("the model's answer is not the documented one")
    codes = [code.strip() for code in more[0].split(",")] if more else []
    if not all(re.fullmatch(r"[Ss][0-9]{1,3}", code) for code in codes):
        raise malformed("the model's answer has something else than codes on its second line")
    return first == "unsafe", codes
