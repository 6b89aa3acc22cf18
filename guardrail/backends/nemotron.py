"""NVIDIA's content safety models, behind an OpenAI-compatible chat server (NIM, vLLM): three families of them.

``guard``: Llama 3.1 NemoGuard 8B and Nemotron Safety Guard 8B v3; the whole prompt with the taxonomy in one user
message, JSON back. ``content``: Nemotron 3 and 3.5 Content Safety 4B; the turns alone, lines back. ``reasoning``:
Nemotron Content Safety Reasoning 4B; the whole prompt, two verdicts without a category, so all it finds is UNNAMED.

Knows prompts (``taxonomies/nemotron.toml``) and answers. Must never read the verdict on the user's turn as one on the
reply: a model may refuse what nobody should have asked. A reply whose prompt is unknown is judged as a user's turn.
The documents give no score, so there are flags only.

Source: https://docs.nvidia.com/nim/llama-3-1-nemoguard-8b-contentsafety/latest/prompt-template.html,
https://build.nvidia.com/nvidia/llama-3_1-nemotron-safety-guard-8b-v3, https://huggingface.co/nvidia/Nemotron-3.5-Content-Safety,
https://huggingface.co/nvidia/Nemotron-Content-Safety-Reasoning-4B; and https://github.com/NVIDIA-NeMo/Guardrails: its
examples/configs for the prompts and template arguments, nemoguardrails/llm/output_parsers.py for the answers.
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
from .nemotron_answers import CONTENT, GUARD, REASONING, Form, told

Family = Literal["guard", "content", "reasoning"]

CARD = Card(
    name="nemotron",
    title="NVIDIA Nemotron content safety",
    categories=frozenset(
        {
            "violence",
            "sexual",
            "sexual/minors",
            "illicit",
            "illicit/violent",
            "self-harm",
            "hate",
            "harassment",
            "harassment/threatening",
            "custom/government-decisions",
            "custom/intellectual-property",
            "custom/manipulation",
            "custom/misinformation",
            "custom/needs-caution",
            "custom/privacy",
            "custom/profanity",
            "custom/specialized-advice",
            "custom/unethical",
            UNNAMED,
        }
    ),
    source="https://docs.nvidia.com/nim/llama-3-1-nemoguard-8b-contentsafety/latest/prompt-template.html",
    languages="English; Safety Guard v3 also Arabic, French, German, Hindi, Japanese, Mandarin, Spanish, Thai",
    longest=guards.LONGEST,
    unit="tokens",
    needs="conversation",
    scores="flags",
    price="your own server, or NVIDIA's",
)


@dataclass(frozen=True, slots=True)
class _Manner:
    """``tokens``: of an answer, at most, without thinking and with it; 0: it cannot think."""

    title: str
    form: Form
    tokens: tuple[int, int]
    source: str = CARD.source
    languages: str = CARD.languages
    sees: bool = False


_MANNERS: Mapping[str, _Manner] = {
    "guard": _Manner("NVIDIA Nemotron Safety Guard 8B", GUARD, (200, 0)),
    "content": _Manner(
        "NVIDIA Nemotron Content Safety 4B",
        CONTENT,
        (200, 1024),
        "https://huggingface.co/nvidia/Nemotron-3.5-Content-Safety",
        "Arabic, Chinese, Dutch, English, French, German, Hindi, Italian, Japanese, Korean, Spanish, Thai",
        sees=True,
    ),
    "reasoning": _Manner(
        "NVIDIA Nemotron Content Safety Reasoning 4B",
        REASONING,
        (400, 2048),
        "https://huggingface.co/nvidia/Nemotron-Content-Safety-Reasoning-4B",
        "not stated",
    ),
}
_NAMED: Mapping[str, re.Pattern[str]] = {
    "reasoning": re.compile(r"content-safety-reasoning"),
    "content": re.compile(r"nemotron-3(-5)?-content-safety"),
    "guard": re.compile(r"nemoguard-8b-content-?safety|nemotron-safety-guard"),
}


class Nemotron:
    """Asks about one text a request. ``url``: the server's address up to ``/v1``.

    ``family``: left out, it is read from the model's name. ``thinking``: let it reason before its verdict, which takes
    longer; not for ``guard``. ``ignore``: codes or names, such as S13. Raises ValueError for a name, key or family
    that is none, and for what the family cannot do.
    """

    batch, batch_chars, slow = 1, 1_000_000, False
    criteria: tuple[str, ...] = ()
    points: Mapping[str, Mapping[str, float]] | None = None

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        model: str = "nvidia/llama-3.1-nemotron-safety-guard-8b-v3",
        family: Family | None = None,
        thinking: bool = False,
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        chosen = family or guards.named(model, _NAMED)
        if chosen not in _MANNERS:
            raise ValueError(f"family: which is this model of? Say one of {', '.join(_MANNERS)}")
        if thinking and not _MANNERS[chosen].tokens[1]:
            raise ValueError("thinking: this family of models does not reason")
        if ignore and chosen == "reasoning":
            raise ValueError("ignore: this family of models names no category, so that none can be left out")
        self.model = model
        self._url, self._headers = url, bearer(api_key)
        self._family, self._manner, self._thinking = chosen, _MANNERS[chosen], thinking
        self._known = guards.taxonomy(guards.shipped("nemotron")["kinds"])
        self._ignored = self._known.codes(ignore)
        self.categories = frozenset({UNNAMED})
        if chosen != "reasoning":
            self.categories |= self._known.without(self._ignored)
        self.card = replace(
            CARD,
            title=self._manner.title,
            categories=self.categories,
            source=self._manner.source,
            modalities=TEXT | {"image"} if self._manner.sees else TEXT,
            languages=self._manner.languages,
        )

    def query(self, question: Question) -> Query:
        """Raises NotEvaluated for an image that is not sent or not judged."""
        shown = [guards.picture(question, self._manner.sees)] if question.image else []
        text, before = guards.judged(question), guards.context(question)
        messages: list[dict[str, Any]]
        more: dict[str, Any] = {}
        if self._family == "content":
            messages = [{"role": "user", "content": before or text}]
            if before:
                messages.append({"role": "assistant", "content": text})
            if shown:
                messages = [{"role": "user", "content": [*shown, {"type": "text", "text": text}]}]
            thinking = {"enable_thinking": True} if self._thinking else {}
            more["chat_template_kwargs"] = {"request_categories": "/categories", **thinking}
        else:
            messages = [{"role": "user", "content": self._prompt([before, text] if before else [text])}]
        tokens = self._manner.tokens[self._thinking]
        return request(self._url, self._headers, self.model, messages, tokens=tokens, **more)

    def _prompt(self, turns: Sequence[str]) -> str:
        words: Mapping[str, Any] = guards.shipped("nemotron")[self._family]
        names = [kind.name for kind in self._known.kinds if kind.code not in words.get("without", ())]
        forms = (words["user"], words["reply"])
        given = [*turns, words["none"]] if len(turns) == 1 and "none" in words else turns
        conversation = "\n\n".join(form.replace("{text}", turn, 1) for form, turn in zip(forms, given, strict=False))
        prompt: str = words["prompt"]
        prompt = prompt.replace("{categories}", "\n".join(f"S{n}: {name}." for n, name in enumerate(names, 1)))
        prompt = prompt.replace("{thinking}", "/think" if self._thinking else "/no_think")
        # Last, so that nothing is put in for what a text has in braces.
        return prompt.replace("{conversation}", conversation, 1)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores``, flags only. Raises NotEvaluated, also ``unknown_category`` for a name it does not have."""
        answer = said(reply)
        found = told(answer.text, self._manner.form)
        unsafe = found.reply if guards.context(question) else found.user
        if unsafe is None:
            raise malformed("the model gives no verdict on what was asked")
        heard = self._heard(found.names) if unsafe else set()
        flags = {name: name in heard for name in sorted(self.categories)}
        return [Scores({}, flags, frozenset(), answer.model)]

    def _heard(self, names: Sequence[str]) -> set[str]:
        if not names:
            return {UNNAMED}
        try:
            kinds = [self._known.find(name) for name in names]
        except KeyError:
            raise NotEvaluated("unknown_category", "the model names a category that it is not known to have") from None
        return {kind.ours for kind in kinds if kind.code not in self._ignored}
