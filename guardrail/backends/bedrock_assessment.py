"""What a guardrail of Amazon Bedrock says of a text: the assessments of ApplyGuardrail, by this project's categories.

Knows the shapes of assessments. Must never keep a ``match``: it quotes the text.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_GuardrailAssessment.html and the types it
links to, as they stand in botocore's service model bedrock-runtime 2023-09-30. Servers leave out lists that the
document requires (customWords, regexes) where they are empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import NotEvaluated
from .bedrock_names import (
    CONFIDENCE,
    CONTENT,
    CUSTOM_WORD,
    FILTERS,
    GROUNDING,
    GROUNDING_FILTERS,
    PII,
    PROFANITY,
    SENSITIVE,
    TOPIC,
    WORD,
    Names,
)
from .dialect import malformed, score

_ACTIONS = frozenset({"NONE", "BLOCKED", "ANONYMIZED"})


@dataclass(slots=True)
class Judged:
    """What was read so far. ``detected``: anything, also what is ignored. ``any``: there was an assessment."""

    scores: dict[str, float] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    detected: bool = False
    any: bool = False

    def add(self, category: str, sure: float, *, flag: bool) -> None:
        self.scores[category] = max(sure, self.scores.get(category, 0.0))
        self.flags[category] = flag or self.flags.get(category, False)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One thing that was looked for. ``own``: AWS's name of it. ``sure``: None where it was turned off."""

    own: str
    category: str
    sure: float | None
    flag: bool


def assessed(assessments: Any, names: Names, ignore: frozenset[str]) -> Judged:
    """Of several assessments the worst of each category. Raises NotEvaluated: ``malformed``, ``unknown_category``."""
    judged, reader = Judged(), _Reader(names)
    for assessment in _objects(assessments):
        judged.any = True
        for policy, read in _READERS.items():
            for entry in read(reader, _object(assessment.get(policy))):
                judged.detected = judged.detected or entry.flag
                if entry.sure is not None and not {policy, entry.own} & ignore:
                    judged.add(entry.category, entry.sure, flag=entry.flag)
    return judged


@dataclass(frozen=True, slots=True)
class _Reader:
    names: Names

    def content(self, policy: Mapping[str, Any]) -> Iterator[_Entry]:
        for one in _objects(policy.get("filters")):
            own, flag = _known(one.get("type"), FILTERS), _detected(one)
            level = one.get("confidence")
            if not isinstance(level, str) or level not in CONFIDENCE:
                raise malformed("a content filter has no confidence")
            sure = max(CONFIDENCE[level], CONFIDENCE["MEDIUM"]) if flag else CONFIDENCE[level]
            # A filter of no strength is one that is turned off.
            off = one.get("filterStrength") == "NONE" and not sure
            yield _Entry(own, FILTERS[own], None if off else sure, flag)

    def topics(self, policy: Mapping[str, Any]) -> Iterator[_Entry]:
        for one in _objects(policy.get("topics")):
            name, flag = one.get("name"), _detected(one)
            if not isinstance(name, str):
                raise malformed("a topic has no name")
            yield _Entry("", self.names.topic(name), float(flag), flag)

    def words(self, policy: Mapping[str, Any]) -> Iterator[_Entry]:
        for one in _objects(policy.get("customWords")):
            flag = _detected(one)
            yield _Entry("", CUSTOM_WORD, float(flag), flag)
        for one in _objects(policy.get("managedWordLists")):
            own, flag = _known(one.get("type"), {"PROFANITY": PROFANITY}), _detected(one)
            yield _Entry(own, PROFANITY, float(flag), flag)

    def sensitive(self, policy: Mapping[str, Any]) -> Iterator[_Entry]:
        for one in _objects(policy.get("piiEntities")):
            own, flag = _known(one.get("type"), PII), _detected(one)
            yield _Entry(own, PII[own], float(flag), flag)
        for one in _objects(policy.get("regexes")):
            flag = _detected(one)
            yield _Entry("", self.names.regex(one.get("name")), float(flag), flag)

    def grounding(self, policy: Mapping[str, Any]) -> Iterator[_Entry]:
        for one in _objects(policy.get("filters")):
            own, flag = _known(one.get("type"), GROUNDING_FILTERS), _detected(one)
            # There a high score is good.
            bad = 1.0 - score(one.get("score"))
            yield _Entry(own, GROUNDING_FILTERS[own], 1.0 if flag else bad, flag)


_READERS = {
    CONTENT: _Reader.content,
    TOPIC: _Reader.topics,
    WORD: _Reader.words,
    SENSITIVE: _Reader.sensitive,
    GROUNDING: _Reader.grounding,
}


def _detected(one: Mapping[str, Any]) -> bool:
    """The guardrail's yes: ``detected``, or where that is left out any action."""
    action, detected = one.get("action"), one.get("detected")
    if not isinstance(action, str) or action not in _ACTIONS or not (detected is None or isinstance(detected, bool)):
        raise malformed("an entry has no action")
    return detected is True or action != "NONE"


def _known(name: Any, names: Mapping[str, str]) -> str:
    if not isinstance(name, str):
        raise malformed("an entry has no type")
    if name not in names:
        raise NotEvaluated("unknown_category", "the guardrail has a kind of finding that is not documented")
    return name


def _object(value: Any) -> Mapping[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise malformed("a policy's assessment is no object")
    return value or {}


def _objects(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise malformed("what should be a list of objects is none")
    return value
