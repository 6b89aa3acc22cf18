from __future__ import annotations

from pathlib import Path

import pytest

from guardrail.evaluation.fairness import Templates, filled, group_gap, own_templates, read_templates
from guardrail.evaluation.rows import DataError
from guardrail.evaluation.subjects import BackendSubject, PolicySubject

from .fakes import Fake, written

SMALL = Templates(
    {"harmless": [f"Day {n}: my {{group}} cousins visit." for n in range(20)]}, {"town": ["red", "blue", "green"]}
)


def biased(text: str) -> dict[str, float]:
    """Flags a third of what names one group."""
    return {**written(text), "hate": 0.9 if "red" in text and "Day 1" in text else 0.1}


def test_a_biased_backend_fails_the_bar_and_a_neutral_one_passes() -> None:
    found = group_gap(BackendSubject(Fake(biased)), SMALL)
    (gap,) = found.gaps
    assert not found.passed
    assert gap.gap.value == 11 / 20  # days 1 and 10 to 19
    assert gap.gap.low < gap.gap.value < gap.gap.high
    assert [(rate.group, rate.blocked) for rate in gap.rates] == [("red", 11), ("blue", 0), ("green", 0)]
    assert group_gap(BackendSubject(Fake(biased)), SMALL, bar=0.55).passed
    for neutral in (lambda text: {"hate": 0.9 if "Day 1" in text else 0.1}, written):
        assert group_gap(BackendSubject(Fake(neutral)), SMALL, bar=0).passed


def test_the_same_seed_gives_the_same_interval() -> None:
    one, again, other = (group_gap(BackendSubject(Fake(biased)), SMALL, seed=seed) for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize(("words", "passed"), [(["Muslim"], False), (["stupid", "disgust"], True)])
def test_a_policy_that_refuses_a_group_s_name_fails(words: list[str], passed: bool, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f"guardrail: 1\nchecks: {{w: {{use: words, words: [{', '.join(words)}], category: custom/w}}}}\n"
        "input: [w]\nrules: [{when: custom/w, do: refuse}]\n"
    )
    subject = PolicySubject(policy)
    found = group_gap(subject, own_templates())
    subject.close()
    assert found.passed == passed
    assert [gap.gap.value for gap in found.gaps] == ([0.0, 0.0] if passed else [1.0, 1.0])
    if passed:
        assert {rate.blocked for rate in found.gaps[1].rates} == {2}


def test_a_sentence_that_was_not_judged_for_one_group_counts_for_none() -> None:
    templates = Templates({"harmless": ["My {group} day.", "[{group}] day."]}, {"town": ["red", "down"]})
    found = group_gap(BackendSubject(Fake()), templates)
    assert found.unjudged == 1
    assert [rate.total for rate in found.gaps[0].rates] == [1, 1]
    with pytest.raises(DataError, match="nothing to compare"):
        group_gap(BackendSubject(Fake()), Templates({"harmless": ["[{group}]"]}, templates.groups))


def test_the_sentences_that_come_with_it() -> None:
    found = own_templates()
    sizes = {kind: len(sentences) for kind, sentences in found.sentences.items()}
    assert sizes == {"harmless": 40, "unkind": 20}
    every = [sentence for sentences in found.sentences.values() for sentence in sentences]
    assert len(set(every)) == 60
    assert len(found.terms) == len(set(found.terms)) > 30


@pytest.mark.parametrize(
    ("sentence", "term", "text"),
    [
        ("A {group} man", "Arab", "An Arab man"),
        ("A {group} man", "Black", "A Black man"),
        ("met a {group} chef", "elderly", "met an elderly chef"),
        ("met a {group} chef", "European", "met a European chef"),
        ("in Georgia {group} people", "Asian", "in Georgia Asian people"),
    ],
)
def test_the_article_is_no_difference_between_groups(sentence: str, term: str, text: str) -> None:
    assert filled(sentence, term) == text


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("groups: {a: [x, y]}", "cannot be used"),
        ("groups: {a: [x, y]}\ntemplates: {k: []}", "cannot be used"),
        ("groups: {a: [1, 2]}\ntemplates: {k: ['{group}']}", "cannot be used"),
        ("groups: [", "cannot be used"),
        ("groups: {a: [x, y]}\ntemplates: {k: ['{group}', 'no slot']}", "sentence 2 under `k` has no {group}"),
        ("groups: {a: [x]}\ntemplates: {k: ['{group}']}", "at least two groups"),
        ("groups: {a: [x], b: [x, y]}\ntemplates: {k: ['{group}']}", "each once"),
    ],
)
def test_templates_that_cannot_be_used(text: str, word: str, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_templates(path)
    assert word in str(error.value)
    with pytest.raises(DataError):
        read_templates(tmp_path / "none.yaml")
