"""ShieldGemma (2B, 9B, 27B), behind an OpenAI-compatible chat server: one policy a question, Yes or No, scored by odds.

Knows the policies' words (``taxonomies/shieldgemma.toml``) and how a server is told one of them. Must never know a
score that the server does not give: without log-probabilities there is none.

The model's own chat template writes the documented prompt around a ``guideline``: prompt-only where the conversation
ends with the user, prompt and reply where it ends with the assistant. vLLM and SGLang hand it
``chat_template_kwargs``. Writing the whole prompt into a message instead would put it inside the template's own. The
template of Ollama holds all four policies and takes none, so there one question is asked and the answer is UNNAMED.
A reply whose prompt is unknown is judged as a text alone: the prompt-and-reply form needs both.

Source: https://ai.google.dev/gemma/docs/shieldgemma/model_card and
https://ai.google.dev/responsible/docs/safeguards/shieldgemma (forms, policies, scoring by the first token, one policy a
call), https://huggingface.co/google/shieldgemma-2b/discussions/6 (the template and its ``guideline``;
its words stand in https://github.com/huggingface/text-generation-inference, router/src/infer/chat_template.rs),
https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html (``chat_template_kwargs``),
https://ollama.com/library/shieldgemma, https://docs.ollama.com/api/openai-compatibility (log-probabilities).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..checks.protocol import Scores
from ..flow import Reply
from . import guards
from .card import Card
from .chat import request, said
from .dialect import UNNAMED, Query, Question, bearer, malformed

Asked = Literal["each", "all"]

CARD = Card(
    name="shieldgemma",
    title="ShieldGemma, on your own server",
    categories=frozenset({"illicit/violent", "harassment", "hate", "sexual", UNNAMED}),
    source="https://ai.google.dev/gemma/docs/shieldgemma/model_card",
    languages="English",
    longest=guards.LONGEST,
    unit="tokens",
    needs="conversation",
    scores="calibrated",
    price="your own server",
)


class ShieldGemma:
    """Asks about one text a request, once for each policy. ``url``: the server's address up to ``/v1``.

    ``asked``: ``each`` where the server takes ``chat_template_kwargs`` (vLLM, SGLang); ``all`` where its template
    names all policies itself (Ollama), so that it cannot be told which one was violated. ``ignore``: policies that
    are not asked about. Raises ValueError for a name or key that is none, and where nothing is left to ask.
    """

    batch, batch_chars, slow = 1, 1_000_000, False

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        model: str = "google/shieldgemma-2b",
        asked: Asked = "each",
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        if asked not in {"each", "all"}:
            raise ValueError("asked: say each or all")
        self.model = model
        self._url, self._headers = url, bearer(api_key)
        rows = guards.shipped("shieldgemma")["kinds"]
        known = guards.taxonomy(rows)
        ignored = known.codes(ignore)
        if asked == "all" and ignored:
            raise ValueError("ignore: a server that asks about all policies at once cannot leave one out")
        self._ours = {} if asked == "all" else {k.code: k.ours for k in known.kinds if k.code not in ignored}
        if asked == "each" and not self._ours:
            raise ValueError("ignore: no policy is left to ask about")
        self._harms = {row["code"]: f'"No {row["name"]}": {{opening}} {row["harm"]}' for row in rows}
        self.criteria: tuple[str, ...] = tuple(self._ours)
        self.categories = frozenset(self._ours.values()) or frozenset({UNNAMED})
        self.points: Mapping[str, Mapping[str, float]] | None = guards.points(self.categories)
        self.card = replace(CARD, categories=self.categories)

    def query(self, question: Question) -> Query:
        """One token is asked for: the answer starts with Yes or No. Raises NotEvaluated for an image (``blind``)."""
        if question.image:
            guards.picture(question, sees=False)
        text, before = guards.judged(question), guards.context(question)
        turns = (("user", before), ("assistant", text)) if before else (("user", text),)
        messages = [{"role": role, "content": content} for role, content in turns]
        more = self._guideline(question.criterion, "output" if before else "input") if self.criteria else {}
        return request(self._url, self._headers, self.model, messages, tokens=1, logprobs=guards.LOGPROBS, **more)

    def _guideline(self, criterion: str, side: str) -> dict[str, Any]:
        opening = guards.shipped("shieldgemma")["opening"][side]
        return {"chat_template_kwargs": {"guideline": self._harms[criterion].replace("{opening}", opening)}}

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores``, of the policy that was asked about. Raises NotEvaluated, ``malformed`` without odds."""
        # It is one token long because that is all that was asked.
        answer = said(reply, half=True)
        chance = guards.share(answer, "yes", "no", 1)
        if chance is None:
            raise malformed("the server gives no log-probabilities of Yes and No, and there is no score without them")
        return [Scores({self._ours.get(question.criterion, UNNAMED): chance}, None, frozenset(), answer.model)]
