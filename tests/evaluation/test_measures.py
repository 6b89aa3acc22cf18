"""From rows and a subject to figures: real backend, real policies, and backends whose answers are known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from guardrail.errors import GuardrailError
from guardrail.evaluation.bars import bar, missed
from guardrail.evaluation.measures import Result, measure
from guardrail.evaluation.rows import DataError, read
from guardrail.evaluation.scoring import score
from guardrail.evaluation.slices import length_of
from guardrail.evaluation.subjects import BackendSubject, PolicySubject, Subject, check_of, named
from guardrail.local.backend import LocalBackend
from tests.backends.conftest import ModerationServer

from .fakes import Fake, lines

SIX = [
    {"text": "[hate=0.9]", "labels": {"hate": 1}, "source": "one"},
    {"text": "[hate=0.8]", "labels": {"hate": 0}, "source": "one"},
    {"text": "[hate=0.7]", "labels": {"hate": 1}, "source": "one"},
    {"text": "[hate=0.4]", "labels": {"hate": 1}, "source": "two"},
    {"text": "[hate=0.2]", "labels": {"hate": 0}, "source": "two"},
    {"text": "[hate=0.1]", "labels": {"hate": 0}, "source": "two", "lang": "de"},
]
"""By hand: precision 1 at recall 1/3, 2/3 at 2/3, 3/4 at 1."""


def measured(tmp_path: Path, rows: list[dict[str, Any]], subject: Subject | None = None, **options: Any) -> Result:
    data = read(lines(tmp_path / "d.jsonl", rows))
    return measure(data, score(data.rows, subject or BackendSubject(Fake())), resamples=50, **options)


def test_six_rows_whose_figures_were_worked_out_by_hand(tmp_path: Path) -> None:
    found = measured(tmp_path, SIX)
    assert found.figure("hate.auprc") == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert found.figure("hate.auroc") == pytest.approx(7 / 9)
    assert found.figure("hate.recall") == pytest.approx(2 / 3)  # 0.5 is the point
    assert found.figure("hate.precision") == pytest.approx(2 / 3)
    assert found.figure("hate.fpr") == pytest.approx(1 / 3)
    assert found.figure("auprc") == found.figure("hate.auprc") == found.figure("macro.auprc")
    (hate,) = found.categories
    assert (hate.positives, hate.negatives, hate.threshold) == (3, 3, 0.5)
    assert hate.auprc.low <= hate.auprc.value <= hate.auprc.high


def test_unknown_labels_are_in_no_figure(tmp_path: Path) -> None:
    before = measured(tmp_path, SIX)
    unknown = [{"text": "[hate=1.0]", "labels": {"hate": None}}, {"text": "[hate=1.0]", "labels": {"sexual": 0}}]
    after = measured(tmp_path, SIX + unknown)
    one, other = before.categories[0], after.categories[0]
    assert (one.unknown, other.unknown) == (0, 2)
    assert (one.counts, one.auprc, one.auroc, one.curve) == (other.counts, other.auprc, other.auroc, other.curve)


def test_parts_are_measured_on_their_own(tmp_path: Path) -> None:
    found = measured(tmp_path, SIX)
    parts = {(part.by, part.value): part for part in found.parts}
    assert list(parts) == [("source", "one"), ("source", "two"), ("lang", "(not said)"), ("lang", "de")]
    assert parts["source", "one"].overall.counts.recall.value == 1.0
    assert parts["source", "two"].categories[0].auprc.value == 1.0
    assert parts["lang", "de"].rows == 1
    assert measured(tmp_path, SIX, by=()).parts == []


@pytest.mark.parametrize(
    ("size", "name"), [(0, "up to 100"), (100, "up to 100"), (101, "101 to 500"), (2001, "over 2,000")]
)
def test_lengths(size: int, name: str) -> None:
    assert length_of("a" * size) == name


def test_what_was_not_judged_is_counted_and_in_no_figure(tmp_path: Path) -> None:
    found = measured(tmp_path, [*SIX, {"text": "[down] [hate=0.99]", "labels": {"hate": 0}}])
    assert (found.judged, found.unjudged) == (6, {"status": 1})
    assert found.categories[0].counts == measured(tmp_path, SIX).categories[0].counts
    with pytest.raises(DataError, match=r"fake could not judge a single text: status \(2\)"):
        measured(tmp_path, [{"text": "[down]", "labels": {"hate": 1}}] * 2)


def test_a_category_it_did_not_look_at_is_not_a_score_of_nought(tmp_path: Path) -> None:
    rows = [
        {"text": "[illicit=0.8]", "labels": {"illicit": 1}},
        {"text": "[illicit=0.9] [blind]", "labels": {"illicit": 0}},
        {"text": "calm", "labels": {"illicit": 0}},
    ]
    found = measured(tmp_path, rows)
    assert found.figure("illicit.auprc") == 1.0
    assert found.categories[0].negatives == 1


def test_long_texts_are_cut_as_a_check_cuts_them_and_blank_ones_not_sent(tmp_path: Path) -> None:
    backend = Fake(longest=40)
    subject = BackendSubject(backend)
    for text in ("calm words " * 8 + "[hate=0.9]", "[hate=0.9] " + "calm words " * 8):
        said = subject.ask(text)
        assert said.scores["hate"] == 0.9
        assert "any" in said.flagged
    assert len(backend.asked) > 1
    assert all(len(text) <= 40 for text in backend.asked)
    said = subject.ask("[illicit=0.1] " + "calm words " * 8 + "[blind]")
    assert "illicit" not in said.scores, "of one window nobody knows it"
    backend.asked.clear()
    assert set(subject.ask("  \n ").scores.values()) == {0.0}
    assert backend.asked == []
    subject.close()


def test_points_thresholds_and_a_service_s_own_decision() -> None:
    text = "[hate=0.6] [sexual=0.3]"
    assert BackendSubject(Fake()).ask(text).flagged == {"hate", "any"}
    assert BackendSubject(Fake(), point="strict").ask(text).flagged == {"hate", "sexual", "any"}
    assert BackendSubject(Fake(), thresholds={"hate": 0.61}).ask(text).flagged == set()
    assert BackendSubject(Fake(own=True)).ask(text).flagged == set()  # its own is 0.7
    assert BackendSubject(Fake(own=True), thresholds={"sexual": 0.3}).ask(text).flagged == {"sexual", "any"}
    for arguments in ({"point": "odd"}, {"thresholds": {"custom/x": 0.1}}):
        with pytest.raises(GuardrailError):
            BackendSubject(Fake(), **arguments)
    with pytest.raises(GuardrailError, match="no operating point but its own"):
        BackendSubject(Fake(own=True), point="strict")


def test_answers_stay_with_their_rows_when_several_are_asked_at_a_time(tmp_path: Path) -> None:
    rows = [{"text": f"[hate={n / 200}]", "labels": {"hate": n % 2}} for n in range(200)]
    data = read(lines(tmp_path / "d.jsonl", rows))
    told: list[tuple[int, int]] = []
    scored = score(data.rows, BackendSubject(Fake(remote=True)), workers=8, tick=lambda *of: told.append(of))
    assert scored.scores["hate"].tolist() == [n / 200 for n in range(200)]
    assert told == [(n, 200) for n in range(1, 201)]
    assert (scored.seconds > 0).all()


def test_the_embedded_model_on_plain_texts(tmp_path: Path) -> None:
    rows = [{"text": f"What will the weather be like on day {n}?", "labels": {"harassment": 0}} for n in range(10)]
    rows += [{"text": f"Number {n}, you are a stupid worthless idiot.", "labels": {"harassment": 1}} for n in range(10)]
    found = measured(tmp_path, rows, BackendSubject(LocalBackend()))
    assert found.figure("harassment.auprc") > 0.9
    assert 0 < found.p50 <= found.p95


def test_a_service_is_measured_as_the_embedded_model_is(tmp_path: Path, service: ModerationServer) -> None:
    backend = named(
        "openai", {"OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": service.url.removesuffix("/moderations")}
    )
    subject = BackendSubject(backend)
    rows = [
        {"text": "[sexual] talk", "labels": {"sexual": 1}},
        *({"text": f"calm {n}", "labels": {"sexual": 0}} for n in range(9)),
    ]
    found = measured(tmp_path, rows, subject)
    subject.close()
    assert (found.figure("sexual.auprc"), found.figure("sexual.recall"), found.figure("fpr")) == (1.0, 1.0, 0.0)
    assert found.categories[0].threshold is None
    assert len(service.requests) == 10


@pytest.mark.parametrize(
    ("name", "environment", "word"),
    [
        ("nonsense", {}, "--policy P --check NAME"),
        ("openai", {}, "needs OPENAI_API_KEY"),
        ("openai", {"OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": "not a url"}, "OPENAI_BASE_URL"),
        ("openai", {"OPENAI_API_KEY": "\x00"}, "cannot be"),
    ],
)
def test_a_backend_that_cannot_be_made(name: str, environment: dict[str, str], word: str) -> None:
    with pytest.raises(GuardrailError, match=word):
        named(name, environment)


POLICY = """guardrail: 1
checks:
  w: {use: words, words: [foo], category: custom/w}
  p: {use: personal-data}
  harm: {use: local}
input: [w, p, harm]
output: [w]
rules:
  - {when: custom/w, do: refuse}
  - {when: personal, do: redact}
  - {when: harm, do: flag}
"""


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_a_policy_is_measured_by_what_it_does(mode: str, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY.replace("checks:", f"mode: {mode}\nchecks:"))
    rows = [
        {"text": "say foo", "labels": {"custom/w": 1, "personal": 0, "any": 0}},
        {"text": "write to me@example.com", "labels": {"custom/w": 0, "personal": 1, "personal/email": 1, "any": 0}},
        {"text": "write to me@example.com", "labels": {"personal": 0}, "direction": "output"},
        {"text": "you are a stupid worthless idiot", "labels": {"harassment": 1, "personal": 0}},
    ]
    subject = PolicySubject(policy)
    found = measured(tmp_path, rows, subject)
    subject.close()
    counts = {m.name: m.counts for m in (found.overall, *found.categories)}
    assert (counts["custom/w"].tp, counts["custom/w"].tn) == (1, 1)
    assert (counts["personal"].tp, counts["personal"].fp, counts["personal"].tn) == (1, 0, 3)
    assert counts["personal/email"].tp == 1
    assert counts["harassment"].tp == 1  # flagged, and that is all
    assert (counts["any"].fp, counts["any"].tn, counts["any"].fn) == (1, 1, 1)  # foo is refused
    assert math.isnan(found.figure("auprc"))
    assert not found.ranks


def test_a_policy_whose_check_is_down_has_not_judged(tmp_path: Path, service: ModerationServer) -> None:
    service.reply = lambda _: (500, b"")
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f"guardrail: 1\nchecks: {{far: {{use: openai, api_key: sk-none, timeout: 30s, url: '{service.url}'}}}}\n"
        "input: [far]\nrules: [{when: harm, do: refuse}]\n"
    )
    subject = PolicySubject(policy)
    with pytest.raises(DataError, match=r"policy p could not judge a single text: status \(2\)"):
        measured(tmp_path, [{"text": f"calm {n}", "labels": {"hate": 0}} for n in range(2)], subject)
    subject.close()


def test_a_check_of_a_policy_has_a_backend_or_says_that_it_has_none(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    assert check_of(policy, "harm").name == "local"
    for name, word in (("w", "gives no scores"), ("nope", "It has: harm, p, w")):
        with pytest.raises(GuardrailError, match=word):
            check_of(policy, name)


def test_labels_that_it_cannot_find_are_named(tmp_path: Path) -> None:
    rows = [*SIX, {"text": "x", "labels": {"custom/x": 1}}]
    assert measured(tmp_path, rows).unscored == ["custom/x"]
    with pytest.raises(DataError, match="custom/x"):
        measured(tmp_path, rows[-1:])


def test_bars(tmp_path: Path) -> None:
    found = measured(tmp_path, [*SIX, {"text": "calm", "labels": {"sexual": 0}}])
    met = [bar("auprc=.5"), bar("hate.recall=.6"), bar("hate.fpr=.5", most=True)]
    assert missed(found, met) == []
    assert missed(found, [bar("hate.recall=.7"), bar("hate.fpr=.2", most=True)]) == [
        "fake: hate.recall is 0.6667, under 0.7",
        "fake: hate.fpr is 0.3333, over 0.2",
    ]
    assert missed(found, [bar("sexual.recall=.1")]) == ["fake: sexual.recall cannot be said"]
    for wrong in ("auprc", "auprc=2", "=.5", "auprc=nan", "auprc=x"):
        with pytest.raises(GuardrailError, match="NAME=NUMBER"):
            bar(wrong)
    for name in ("nonsense", "violence.recall", "hate.nonsense"):
        with pytest.raises(GuardrailError):
            found.figure(name)
