"""The guess whether AI wrote a text: when it is not made, which label a score has, and that its rates stay with it."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.local import ai_model, prose, style
from guardrail.local.ai_text import EDGES, LABELS, AiTextResult, AiTextSignal, NotEvaluated, Rates, label_of, rates_of
from guardrail.policy import taxonomy
from tests.support.prose import CODE, ENGLISH, FRENCH

SIGNAL = AiTextSignal()
RATES = Rates(0.26, 0.09, 0.5, 0.25)


def judged(text: str, signal: AiTextSignal = SIGNAL) -> AiTextResult:
    found = signal.judge(text)
    assert isinstance(found, AiTextResult), found
    return found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(ENGLISH[:999], "too_short", id="999"),
        pytest.param("", "too_short", id="nothing"),
        pytest.param(FRENCH, "language", id="french"),
        pytest.param(ENGLISH[:300] + FRENCH, "language", id="mostly french"),
        pytest.param("\u6f22\u5b57\u3092" * 500, "language", id="japanese"),
        pytest.param(ENGLISH[:300] + "\u6f22\u5b57" * 500, "language", id="few words and many letters"),
        pytest.param("1, 2, 3, 5, 7, 11, 13, " * 80, "language", id="primes"),
        pytest.param(" " * 2000, "language", id="spaces"),
        pytest.param(CODE, "code", id="code"),
        pytest.param(f"Here:\n```python\n{CODE}```\n", "code", id="a block of code"),
        pytest.param(f"```\n{ENGLISH}", "code", id="a fence that is never closed"),
        pytest.param(f"{ENGLISH[:900]}\n~~~\n{ENGLISH}\n~~~\n", "code", id="too little beside a block"),
        pytest.param("All is well that ends well, they say. " * 40, "repetitive", id="one sentence"),
    ],
)
def test_what_is_not_evaluated_and_why(text: str, reason: str) -> None:
    assert SIGNAL.judge(text) == NotEvaluated(reason)


def test_a_thousand_characters_are_enough() -> None:
    assert judged(ENGLISH[:1000]).label in LABELS


def test_a_block_of_code_is_left_out() -> None:
    with_code = judged(f"{ENGLISH}\n```\n{CODE[:60]}\n```\n")
    assert with_code.score == judged(ENGLISH).score


def test_more_characters_may_be_asked_for_and_never_fewer() -> None:
    assert AiTextSignal(min_chars=1200).judge(ENGLISH[:1100]) == NotEvaluated("too_short")
    with pytest.raises(ValueError, match="min_chars is 999"):
        AiTextSignal(min_chars=999)


@pytest.mark.parametrize("languages", [(), ("fr",), ("en", "de")], ids=str)
def test_it_takes_no_other_language(languages: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="English alone"):
        AiTextSignal(languages=languages)


@pytest.mark.parametrize("bins", [(0.1, 0.45, 0.9), (0.1, 0.1, 0.9, 0.98), (0, 0.45, 0.9, 0.98), (0.1, 0.45, 0.9, 1)])
def test_bins_are_four_rising_numbers(bins: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="four rising numbers"):
        AiTextSignal(bins=bins)


@pytest.mark.parametrize(
    ("score", "label"),
    [
        (0.0, "very unlikely"),
        (0.0999999, "very unlikely"),
        (0.10, "unlikely"),
        (0.4499999, "unlikely"),
        (0.45, "unclear"),
        (0.8999999, "unclear"),
        (0.90, "possibly"),
        (0.9799999, "possibly"),
        (0.98, "likely"),
        (1.0, "likely"),
    ],
)
def test_an_edge_has_the_higher_label(score: float, label: str) -> None:
    assert label_of(score) == label


def test_edges_can_be_chosen() -> None:
    assert judged(ENGLISH, AiTextSignal(bins=(0.001, 0.002, 0.003, 0.004))).label == "likely"
    assert judged(ENGLISH, AiTextSignal(bins=(0.996, 0.997, 0.998, 0.999))).label == "very unlikely"
    assert label_of(0.2, (0.2, 0.3, 0.4, 0.5)) == "unlikely"


@pytest.mark.parametrize("label", LABELS)
def test_however_it_is_shown_its_rates_are_shown(label: str) -> None:
    result = AiTextResult(0.5, label, RATES, "m")
    shown = [str(result), repr(result), f"{result}", format(result), result.notice, repr([result])]
    shown += [json.dumps(result.as_dict()), json.dumps(asdict(result)), str(copy.copy(result))]
    for text in shown:
        for part in ("not proof", "26 % of texts by AI (true positives)", "9.0 % of texts by people (false positives)"):
            assert part in text
        assert f"50 % of texts by AI and 25 % of texts by people got the label '{label}'" in text


def test_a_result_cannot_be_made_without_its_notice() -> None:
    with pytest.raises(TypeError):
        AiTextResult(0.5, "likely", RATES, "m", "")  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        AiTextResult(0.5, "likely", RATES, "m").notice = ""  # type: ignore[misc]


def test_the_rates_told_are_those_of_the_artifact() -> None:
    figures = ai_model.metadata()["figures"]["edges"]["0.98"]
    rates = judged(ENGLISH).rates
    assert rates.true_positive == pytest.approx(figures["true_positive"][0])
    assert rates.false_positive == pytest.approx(figures["false_positive"][0])


@pytest.mark.parametrize("edges", [EDGES, (0.3, 0.5, 0.6, 0.7)], ids=str)
def test_every_text_has_one_label(edges: tuple[float, ...]) -> None:
    model = ai_model.load()
    rates = [rates_of(model, label, edges) for label in LABELS]
    assert sum(r.ai for r in rates) == pytest.approx(1.0)
    assert sum(r.human for r in rates) == pytest.approx(1.0)
    assert all(r.ai >= 0 and r.human >= 0 for r in rates)
    assert {r.true_positive for r in rates} == {rates[-1].ai}


def test_a_policy_names_the_labels_as_they_are() -> None:
    assert tuple(AiTextResult(0.5, label, RATES, "m").category for label in LABELS) == taxonomy.AI_TEXT


def test_who_repeats_himself_scores_higher() -> None:
    assert judged(ENGLISH.replace(". ", ", as he said to me in the garden. ")).score > judged(ENGLISH).score


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=40), st.integers(1, 900), st.sampled_from(["", ENGLISH, CODE]))
def test_any_text_has_an_answer(piece: str, times: int, beside: str) -> None:
    found = SIGNAL.judge(beside + piece * times)
    assert isinstance(found, NotEvaluated) or (0.0 < found.score < 1.0 and found.label == label_of(found.score))


def test_a_text_is_read_as_far_as_it_says() -> None:
    long = " ".join(f"{ENGLISH[at:]} {ENGLISH[:at]}" for at in range(0, 1000, 37))[:20_000]
    found = SIGNAL.judge(long)
    assert SIGNAL.judge(long + CODE * 50) == found


def test_style_is_blind_to_case_quotes_and_lines() -> None:
    other = ENGLISH.replace("'", "\u2019").replace(" ", "\n").upper()
    assert np.array_equal(style.measured(other), style.measured(ENGLISH))
    assert np.array_equal(style.measured(""), np.zeros(3))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("She said: keep it. Then she left; I did not.\n" * 5, False),
        ("const a = 1;\nlet b = a;\n" * 5, True),
        ("SELECT name FROM users WHERE id = 1;\n" * 5, True),
        ("<p class='x'>hello</p>\n" * 5, True),
        ("Dear Ann,\n\nthank you for the letter (it came on Monday).\n\nYours,\nBen\n", False),
    ],
)
def test_lines_of_code(text: str, code: bool) -> None:
    assert prose.without_code(text)[1] is code


def test_the_artifact_is_small_and_says_what_it_is_made_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ai_model.ARTIFACT.stat().st_size < 500_000
    meta = ai_model.metadata()
    assert meta["version"] == ai_model.load().version == "guardrail-ai-text-1"
    assert {source["ai"] for source in meta["figures"]["sources"]} == {0, 1}
    assert all(entry["license"] and "unclear" not in entry["source"] for entry in meta["data"])
    path = tmp_path / "other.npz"
    ai_model.save(path, ai_model.load(), {})
    assert ai_model.load(path).score(ENGLISH) == ai_model.load().score(ENGLISH)
    monkeypatch.setattr(ai_model, "FORM", ai_model.FORM + 1)
    with pytest.raises(ValueError, match="Train it again"):
        ai_model.load(path)
