"""Twin prompts: pairs of a harmless and a harmful text that share nearly all their words. Project-owned.

Reads the TOML files of ``training/twins``: topics, each with the labels of its harmful halves and
pairs. A half of form ``task`` is an infinitive phrase that is put into frames ("How do I {}?"), the
same for both halves, so that no frame tells them apart; of form ``text`` it stands alone. The test
part has topics and frames of its own, and nothing here ever mixes the two.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from guardrail.local.categories import INDIRECT, LEARNT

from .data import OWN, Row

FOLDER = Path(__file__).with_name("twins")
TEST = "test"
PARTS = ("crime_and_safety", "people_and_words", "passages", "languages", "groups")
DOCUMENT = "document:"
"""Topics named so hold text that came from a tool or a document, not from a person."""

TENTH = 10

GROUP = "{group}"
"""Where a pair names a group of people: the same ones in both halves, so that no name is a reason."""

GROUPS = 8
"""Groups that a pair is filled with; drawn by its topic and place."""

FRAMES = 4
"""Frames a task half is put into; drawn by its topic and place, the same ones for both halves."""

WEIGHT = 2.0
"""Of a twin: there are few, and they are what tells a request from a discussion."""

_FAMILIES = (
    ("harassment", "harassment/threatening", "hate", "hate/threatening", "violence", "violence/graphic", "toxicity"),
    ("illicit", "illicit/violent", "violence", "violence/graphic"),
    ("self-harm", "self-harm/instructions", "self-harm/intent", "violence"),
    ("sexual", "toxicity"),
    ("prompt_injection", INDIRECT, "illicit"),
)
"""Categories that may be true of the same text: those of a positive's families are unknown, not negative."""


@dataclass(frozen=True, slots=True)
class Twin:
    """One prompt. ``labels``: those true of it; empty for the harmless half. ``pair`` names its pair."""

    text: str
    labels: tuple[str, ...]
    topic: str
    pair: int

    @property
    def lang(self) -> str:
        """The code before the topic's colon, where there is one of two letters."""
        code, colon, _ = self.topic.partition(":")
        return code if colon and len(code) == 2 else "en"


@cache
def twins(part: str) -> tuple[Twin, ...]:
    """All prompts of a part (a file of the folder), frames filled in, in a fixed order."""
    with (FOLDER / f"{part}.toml").open("rb") as file:
        held = tomllib.load(file)
    return tuple(_filled(held["topic"], held["frames"], held.get("groups", []), held.get("trades", [])))


def _filled(
    topics: Sequence[dict[str, object]], frames: Sequence[str], groups: Sequence[str], trades: Sequence[str]
) -> Iterator[Twin]:
    """``trades``: groups by what they do, against whom the same words are harassment and not hate."""
    count = 0
    for topic in topics:
        name, labels, pairs = topic["name"], topic["labels"], topic["pairs"]
        assert isinstance(name, str)
        assert isinstance(labels, list)
        assert isinstance(pairs, list)
        for safe, unsafe in pairs:
            if GROUP in safe:
                for group in _drawn(name, count, [*groups, *trades], GROUPS):
                    true = tuple(label.replace("hate", "harassment") if group in trades else label for label in labels)
                    yield Twin(_named(safe, group), (), name, count)
                    yield Twin(_named(unsafe, group), true, name, count)
            else:
                for frame in _drawn(name, count, frames, FRAMES) if topic["form"] == "task" else ["{}"]:
                    yield Twin(_into(frame, safe), (), name, count)
                    yield Twin(_into(frame, unsafe), tuple(labels), name, count)
            count += 1


def _drawn(topic: str, pair: int, of: Sequence[str], most: int) -> list[str]:
    return random.Random(f"{topic}:{pair}").sample(of, min(most, len(of)))


def _named(half: str, group: str) -> str:
    text = half.replace(GROUP, group)
    return text[:1].upper() + text[1:] if half.startswith(GROUP) else text


def _into(frame: str, half: str) -> str:
    text = frame.replace("{}", half)
    if frame.startswith("{}"):
        return text[:1].upper() + text[1:] if frame != "{}" else text
    return text


def rows(part: str, *, held_out: bool = False) -> list[Row]:
    """The prompts of a part as training rows: those learnt from, or the pairs held out of it.

    Every tenth pair is held out for development: some categories have no other text there.
    """
    found = []
    for twin in twins(part):
        if (twin.pair % TENTH == 3) is not held_out:
            continue
        document = twin.topic.startswith(DOCUMENT)
        wanted = {INDIRECT if document and name == "prompt_injection" else name for name in twin.labels}
        source = f"own twins, {part}" + (", held out" if held_out else "")
        labels = labelled(wanted, document=document)
        found.append(Row(twin.text, labels, source, OWN, WEIGHT, lang=twin.lang))
    return found


def labelled(wanted: set[str], *, document: bool = False) -> dict[str, int]:
    """Labels of a text of which ``wanted`` is all that is true: its families' other names are unknown.

    A person's own harmless instruction may be an injection where a document gives it: unknown, unless ``document``.
    """
    near = {name for family in _FAMILIES if wanted & set(family) for name in family}
    found = {name: 0 for name in LEARNT if name not in near}
    if not document:
        found.pop(INDIRECT, None)
        if "prompt_injection" in wanted:
            found[INDIRECT] = 1  # what takes over an assistant does so from a document too
    elif wanted:
        found.pop("prompt_injection", None)
    return {**found, **dict.fromkeys(wanted, 1)}
