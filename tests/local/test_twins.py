"""The twin prompts: well-formed, enough of them, and a test part that shares nothing with what is learnt."""

from __future__ import annotations

import re
import tomllib
from collections import Counter

import pytest

from guardrail.categories import OPENAI_MODERATION
from guardrail.local.categories import INDIRECT, LEARNT
from guardrail.local.minors import refers_to_minor
from training import documents
from training.twins import FOLDER, PARTS, TEST, labelled, rows, twins

with (FOLDER / "groups.toml").open("rb") as file:
    held = tomllib.load(file)
GROUPS, TRADES = held["groups"], held["trades"]
NAMES = {*OPENAI_MODERATION, "prompt_injection"} - {"sexual/minors"}


@pytest.mark.parametrize("part", [*PARTS, TEST])
def test_halves_are_distinct_and_labelled(part: str) -> None:
    found = twins(part)
    texts = Counter(twin.text for twin in found)
    assert [text for text, count in texts.items() if count > 1] == []
    assert {name for twin in found for name in twin.labels} <= NAMES
    assert sum(not twin.labels for twin in found) * 2 == len(found)
    assert not any("{}" in twin.text for twin in found)


def test_there_are_enough() -> None:
    learnt = sum(len(twins(part)) for part in PARTS)
    assert learnt >= 4000
    assert len(twins(TEST)) >= 900


def test_the_test_part_shares_no_topic_frame_or_text_with_what_is_learnt() -> None:
    learnt = [twin for part in PARTS for twin in twins(part)]
    held = twins(TEST)
    assert {twin.topic for twin in learnt}.isdisjoint(twin.topic for twin in held)
    plain = {re.sub(r"\W+", " ", twin.text).lower() for twin in learnt}
    assert plain.isdisjoint(re.sub(r"\W+", " ", twin.text).lower() for twin in held)


@pytest.mark.parametrize("part", [*PARTS, TEST])
def test_a_pair_is_held_out_with_both_halves_or_not_at_all(part: str) -> None:
    learnt, held = rows(part), rows(part, held_out=True)
    assert len(learnt) + len(held) == len(twins(part))
    assert {row.text for row in learnt}.isdisjoint(row.text for row in held)
    assert len(held) * 20 > len(learnt)


@pytest.mark.parametrize("part", [*PARTS, TEST])
def test_nothing_sexual_refers_to_a_minor(part: str) -> None:
    assert [twin.topic for twin in twins(part) if "sexual" in twin.labels and refers_to_minor(twin.text)] == []


def test_labels_near_what_is_true_are_unknown_and_the_rest_is_negative() -> None:
    found = labelled({"illicit"})
    assert found["illicit"] == 1
    assert found["sexual"] == found["self-harm"] == found["hate"] == 0
    assert found.keys().isdisjoint({"violence", "illicit/violent"})
    assert INDIRECT not in labelled(set())
    assert labelled({"prompt_injection"})[INDIRECT] == 1


def test_documents_hold_their_instruction_only_where_they_are_attacked() -> None:
    learnt, held = documents.rows("train"), documents.rows("dev")
    assert documents.rows("dev") == held
    assert {row.text for row in learnt}.isdisjoint(row.text for row in held)
    assert {row.labels[INDIRECT] for row in held} == {0, 1}
    assert all(set(row.labels) <= set(LEARNT) for row in rows("passages"))


def test_a_pair_about_groups_names_the_same_one_in_both_halves_and_a_trade_is_not_hated() -> None:
    found = twins("groups")
    named = [_named(twin.text) for twin in found]
    assert set().union(*named) == {*GROUPS, *TRADES}
    both = list(zip(found, named, strict=True))
    for (safe, safely), (unsafe, unsafely) in zip(both[::2], both[1::2], strict=True):
        assert safe.pair == unsafe.pair
        assert safely & unsafely  # a half may name one more of its own
        hated = any(name.startswith("hate") for name in unsafe.labels)
        assert not hated or not safely & unsafely <= set(TRADES)
    assert any("hate" in twin.labels for twin in found)
    assert any("harassment" in twin.labels for twin in found)


def _named(text: str) -> set[str]:
    return {name for name in (*GROUPS, *TRADES) if re.search(rf"\b{name}\b", text, re.IGNORECASE)}


def test_other_languages_are_told_by_the_topic() -> None:
    found = rows("languages")
    assert len({row.lang for row in found}) >= 16
    assert "en" not in {row.lang for row in found}
    assert {row.lang for row in rows("passages")} == {"en"}
