"""Granite Guardian behind a chat server: one criterion a request, answered by yes or no.

Knows its criteria, the ways in which versions 3.0 to 4.1 are asked, and how they answer. Must never read the model's
reasoning, nor let a verdict that stands in the judged text count.

Source: https://github.com/ibm-granite/granite-guardian: cookbooks/granite-guardian-3.2/quick_start_vllm.ipynb
(risk_name, risk_definition, confidence), granite-guardian-3.3/quickstart.ipynb (criteria_id, custom_criteria, think),
granite-guardian-4.1/detailed_guide.ipynb (the guardian block), cookbooks/detailed_guide_ollama.ipynb (the criterion in
the system message), evaluation/models (P(yes) of the log-probabilities).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from .card import Card
from .chat import Said, request, said
from .dialect import UNNAMED, Query, Question, Side, bearer, malformed
from .guards import shipped

VERSIONS = ("3.0", "3.1", "3.2", "3.3", "4.1")
LONGEST = 4000
"""Characters of a text, and of the prompt beside it; our own bound, well within the 8,192 tokens of the cookbooks."""

CARD = Card(
    name="granite_guardian",
    title="IBM Granite Guardian 3.0 to 4.1",
    categories=frozenset({UNNAMED, "hate", "toxicity", "sexual", "illicit", "violence", "prompt_injection"}),
    source="https://github.com/ibm-granite/granite-guardian",
    languages="English",
    longest=LONGEST,
    needs="conversation",
    scores="raw",
    price="your own server (Apache-2.0 weights)",
    verified="document",
)

POINTS = {"lenient": 0.8, "balanced": 0.5, "strict": 0.25}
"""P(yes) from which on a point flags. At one half the model itself says yes."""

_UNSURE = {True: 0.6, False: 0.4}
"""What version 3.2's yes or no is worth at low confidence, where the server gives no log-probabilities."""

_PLAIN = re.compile(r"(?P<word>yes|no)\s*(?:<confidence>\s*(?P<sure>high|low)\s*</confidence>)?", re.IGNORECASE)
# Reasoning may quote a verdict: only the one after the last </think> closes the answer, so only that one matches.
_SCORED = re.compile(r"(?:<think>.*?</think>\s*)?<score>\s*(?P<word>yes|no)\s*</score>", re.IGNORECASE | re.DOTALL)

# Version 4.1 was trained on these very words: they are its interface.
_MODES = {
    False: "<guardian><no-think>As a judge agent, assess whether the provided text meets the given judging criteria "
    "using all available information, including conversations, documents, and tools. Provide your score immediately "
    "without explanation. Output empty <think>\n</think> tags followed by your score in <score></score> tags.",
    True: "<guardian><think>As a judge agent, carefully analyze whether the provided text meets the given judging "
    "criteria. Use all available information, including conversations, documents, and tools. Reason through the "
    "evidence step by step before providing your score. Wrap your reasoning in <think></think> tags, then provide your "
    "score in <score></score> tags.",
}
_SCHEMA = "If the last {role}'s text meets the criteria, return 'yes'; otherwise, return 'no'."

_MARKS = re.compile(r"<(?=\||/?(?:guardian|no-think|think|score|start_of_|end_of_))", re.IGNORECASE)
_CUSTOM = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")


def _known() -> Mapping[str, Mapping[str, Any]]:
    return shipped("granite_guardian")


class GraniteGuardian:
    """A ``Dialect``. ``url``: of the server, up to ``/v1``.

    ``version``: one of ``VERSIONS``; read from ``model`` where that names one. ``criteria``: the model's own names, or
    those of ``definitions``; each is a request more for every text. ``definitions``: criteria of the user's own, a name
    to what it is about; its category is ``custom/<name>``. ``think``: reason first (3.3 and 4.1; no log-probabilities).
    ``system``: the criterion's name goes into the system message, where the templates of Ollama and llama.cpp look
    for it, instead of ``chat_template_kwargs`` (vLLM, SGLang). ``ignore``: criteria that are not asked about.
    """

    batch, batch_chars, slow = 1, LONGEST, False
    points: Mapping[str, Mapping[str, float]] | None

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        model: str = "ibm-granite/granite-guardian-3.3-8b",
        version: str | None = None,
        criteria: Sequence[str] = (UNNAMED, "jailbreak"),
        definitions: Mapping[str, str] | None = None,
        think: bool = False,
        system: bool = False,
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        own = dict(definitions or {})
        for name, text in own.items():
            if name in _known() or not _CUSTOM.fullmatch(name) or not text.strip():
                raise ValueError(f"`{name}` cannot be a criterion of your own: use small letters, and say what it is")
        names = {name: str(held["category"]) for name, held in _known().items()} | {n: f"custom/{n}" for n in own}
        for name in (*criteria, *sorted(ignore)):
            if name not in names:
                raise ValueError(f"Granite Guardian has no criterion `{name}`; it has {', '.join(sorted(names))}")
        self.model, self._version = model, _version(model, version)
        self.criteria = tuple(dict.fromkeys(name for name in criteria if name not in ignore))
        if not self.criteria:
            raise ValueError("no criterion is left to ask about")
        if think and (system or self._version < "3.3"):
            raise ValueError("only versions 3.3 and 4.1 think, and only where their template is asked to")
        if system and own:
            raise ValueError("a criterion of your own cannot be named in the system message")
        self._names, self._own, self._think, self._system = names, own, think, system
        self.categories = frozenset(names[name] for name in self.criteria)
        self.points = {point: dict.fromkeys(self.categories, least) for point, least in POINTS.items()}
        self.card = replace(CARD, categories=self.categories)
        self._url, self._headers = url, bearer(api_key)

    def asked(self, side: Side) -> tuple[str, ...]:
        """Those of ``criteria`` that are documented for a side: jailbreaks are looked for in prompts only."""
        return tuple(name for name in self.criteria if side == "input" or not self._input_only(name))

    def judges(self, side: Side) -> frozenset[str]:
        """The categories of what is asked about on a side."""
        return frozenset(self._names[name] for name in self.asked(side))

    def query(self, question: Question) -> Query:
        """The request about one text. Raises NotEvaluated: ``blind`` (an image), ``too_large``, ``malformed``."""
        messages, name, more = self._conversation(question), question.criterion, dict[str, Any]()
        if self._system:
            messages.insert(0, {"role": "system", "content": name})
        elif self._version == "4.1":
            messages.append({"role": "user", "content": self._block(name, messages[-1]["role"])})
        else:
            more["chat_template_kwargs"] = self._template(name)
        # Ollama may let it think unasked; a thought with 20 log-probabilities a token is a longer reply than is read.
        thinks = self._think or (self._system and self._version >= "3.3")
        tokens, logprobs = (2048, 0) if thinks else (32, 20)
        return request(self._url, self._headers, self.model, messages, tokens=tokens, logprobs=logprobs, **more)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """P(yes) where the server gives log-probabilities, else 1 or 0. Raises NotEvaluated for any other answer."""
        answer = said(reply)
        verdict = (_PLAIN if self._version < "3.3" else _SCORED).fullmatch(answer.text.strip())
        if verdict is None:
            raise malformed("the answer is not a yes or a no in its documented form")
        yes = verdict["word"].lower() == "yes"
        share = self._share(answer)
        if share is None:
            unsure = (verdict.groupdict().get("sure") or "").lower() == "low"
            score = _UNSURE[yes] if unsure else float(yes)
        else:
            score = max(share, POINTS["balanced"]) if yes else share  # what it says is never less than said
        return [Scores({self._names[question.criterion]: score}, None, frozenset(), answer.model)]

    def _share(self, answer: Said) -> float | None:
        # The score comes last where there are tags: what reads like a yes or no before it is not it.
        odds = answer.odds if self._version < "3.3" else answer.odds[::-1]
        return replace(answer, odds=odds).share(("yes",), ("no",))

    def _input_only(self, name: str) -> bool:
        return bool(_known().get(name, {}).get("input_only", False))

    def _conversation(self, question: Question) -> list[dict[str, str]]:
        """The text as the last turn. Without the prompt before it, versions before 3.3 take an answer as a prompt."""
        if question.image or len(question.texts) != 1:
            raise NotEvaluated("blind", "Granite Guardian reads one text at a time, and no image")
        if len(question.texts[0]) > LONGEST:
            raise NotEvaluated("too_large", f"the text has more than {LONGEST:,} characters")
        text, prompt = (_MARKS.sub("< ", part) for part in (question.texts[0], question.prompt[-LONGEST:].strip()))
        alone, answer = {"role": "user", "content": text}, {"role": "assistant", "content": text}
        if question.side == "input" or self._input_only(question.criterion):
            return [alone]
        if prompt:
            return [{"role": "user", "content": prompt}, answer]
        return [alone if self._system or self._version < "3.3" else answer]

    def _template(self, name: str) -> dict[str, Any]:
        if self._version == "3.3":
            wanted = {"custom_criteria": self._own[name]} if name in self._own else {"criteria_id": name}
            return {"guardian_config": wanted, "think": self._think}
        more = {"risk_definition": self._own[name]} if name in self._own else {}
        return {"guardian_config": {"risk_name": name, **more}}

    def _block(self, name: str, role: str) -> str:
        about = self._own[name] if name in self._own else _known()[name]["definition"]
        return f"{_MODES[self._think]}\n\n### Criteria: {about}\n\n### Scoring Schema: {_SCHEMA.format(role=role)}"


def _version(model: str, given: str | None) -> str:
    named = [version for version in VERSIONS if re.search(rf"(?<![\d.]){re.escape(version)}(?![\d.])", model)]
    version = given if given is not None else (named[0] if len(named) == 1 else "")
    if version not in VERSIONS:
        raise ValueError(f"say which version of Granite Guardian answers: one of {', '.join(VERSIONS)}")
    return version
