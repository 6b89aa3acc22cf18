"""Qwen3Guard-Gen behind a chat server: three levels of safety, and the categories a text falls under.

Knows its two forms (a user's prompt; an answer to a prompt) and the lines of its verdict. Must never read past those
lines, nor take a verdict in any other words.

Source: https://github.com/QwenLM/Qwen3Guard/blob/main/README.md (requests, answers, the pattern of the category names,
the safety policy), the same as the model card https://huggingface.co/Qwen/Qwen3Guard-Gen-4B.
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
from .chat import request, said
from .dialect import UNNAMED, Query, Question, Side, bearer, malformed
from .guards import shipped

LONGEST = 8000
"""Characters of a text, and of the prompt beside it; our own bound, well within the README's 32,768 tokens."""

CARD = Card(
    name="qwen3guard",
    title="Qwen3Guard-Gen 0.6B, 4B, 8B",
    categories=frozenset(
        {
            "violence",
            "illicit",
            "sexual",
            "custom/privacy",
            "self-harm",
            "hate",
            "custom/politically-sensitive",
            "custom/intellectual-property",
            "prompt_injection",
            UNNAMED,
        }
    ),
    source="https://github.com/QwenLM/Qwen3Guard",
    languages="119 languages and dialects",
    longest=LONGEST,
    needs="conversation",
    scores="levels",
    price="your own server (Apache-2.0 weights)",
    verified="document",
)

LEVELS = {"Safe": 0.0, "Controversial": 0.5, "Unsafe": 1.0}
POINTS = {"lenient": 0.75, "balanced": 0.75, "strict": 0.5}
"""Controversial, harmful in some applications only as its makers say, is flagged at the strict point alone."""

_TOKENS = 128
_ANSWER = re.compile(
    r"Safety: (?P<safety>Safe|Controversial|Unsafe)[ \t]*\n"
    r"Categories: (?P<named>[^\n]+)"
    r"(?:\nRefusal: (?P<refusal>Yes|No))?"
)
_MARKS = re.compile(r"<(?=\||/?think>|(?:BEGIN|END) )", re.IGNORECASE)


def _known() -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = shipped("qwen3guard")["category"]
    return found


class Qwen3Guard:
    """A ``Dialect``. ``url``: of the server, up to ``/v1``. ``ignore``: the model's own category names.

    An answer whose prompt is not known is judged as a prompt is: the model is documented for answers to prompts only.
    """

    batch, batch_chars, slow = 1, LONGEST, False
    criteria: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        model: str = "Qwen/Qwen3Guard-Gen-8B",
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        held = [(name, str(one["category"])) for one in _known() for name in one["names"]]
        unknown = ignore - {name for name, _ in held}
        if unknown:
            known = ", ".join(name for name, _ in held)
            raise ValueError(f"Qwen3Guard has no category {', '.join(sorted(unknown))}; it has {known}")
        ignored = {category for name, category in held if name in ignore}
        self._names: dict[str, str | None] = {
            name: None if category in ignored else category for name, category in held
        }
        self._input_only = frozenset(
            str(one["category"]) for one in _known() if one.get("input_only") and one["category"] not in ignored
        )
        self._prompts_only = {name for one in _known() if one.get("input_only") for name in one["names"]}
        self.model, self._url, self._headers = model, url, bearer(api_key)
        self.categories = frozenset(category for category in self._names.values() if category) | {UNNAMED}
        self.points: Mapping[str, Mapping[str, float]] | None = {
            point: dict.fromkeys(self.categories, least) for point, least in POINTS.items()
        }
        self.card = replace(CARD, categories=self.categories)

    def asked(self, side: Side) -> tuple[str, ...]:
        """See ``OneSided``: one question on either side."""
        return self.criteria

    def judges(self, side: Side) -> frozenset[str]:
        """Jailbreaks are looked for in prompts only."""
        return self.categories - self._input_only if side == "output" else self.categories

    def query(self, question: Question) -> Query:
        """The request about one text. Raises NotEvaluated: ``blind`` (an image), ``too_large``, ``malformed``."""
        if question.image or len(question.texts) != 1:
            raise NotEvaluated("blind", "Qwen3Guard reads one text at a time, and no image")
        text = question.texts[0]
        if len(text) > LONGEST:
            raise NotEvaluated("too_large", f"the text has more than {LONGEST:,} characters")
        turns = [("user", question.prompt[-LONGEST:]), ("assistant", text)] if _answers(question) else [("user", text)]
        messages = [{"role": role, "content": _MARKS.sub("< ", turn)} for role, turn in turns]
        return request(self._url, self._headers, self.model, messages, tokens=_TOKENS)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """The level, for each category that is named. Raises NotEvaluated for an answer of any other form."""
        answer, answers = said(reply), _answers(question)
        verdict = _ANSWER.fullmatch(answer.text.strip())
        if verdict is None or (verdict["refusal"] is not None) != answers:
            raise malformed("the verdict is not of the documented form")
        named = [name.strip() for name in verdict["named"].split(",")]
        level, none = LEVELS[verdict["safety"]], named == ["None"]
        if not none and any(name not in self._names or (answers and name in self._prompts_only) for name in named):
            raise NotEvaluated("unknown_category", "the verdict names a category that the model is not known to have")
        if not none and level == 0.0:
            raise malformed("a safe text has a category")
        unseen = self._input_only if answers else frozenset[str]()
        scores = dict.fromkeys(self.categories - unseen, 0.0)
        found = {UNNAMED} if none else {self._names[name] for name in named}
        scores |= {category: level for category in found if category is not None}
        return [Scores(scores, None, unseen, answer.model)]


def _answers(question: Question) -> bool:
    """Whether the text is judged as an answer to a prompt."""
    return question.side == "output" and bool(question.prompt.strip())
