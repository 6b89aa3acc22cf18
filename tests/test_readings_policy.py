"""What a policy says about readings reaches its checks; what is found in one is decided like anything else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from guardrail import Guard, Outcome
from guardrail.backends.moderation import Moderation
from guardrail.checks.disguised import Disguised
from guardrail.checks.protocol import Scores
from guardrail.checks.words import Words
from guardrail.flow import Flow, run
from guardrail.policy.compile import load_plan
from tests.checks.disguises import DISGUISES

POLICY = """
guardrail: 1
name: mine
{top}
checks:
  words: {{use: words, words: [zorbenblat, quux vexil], category: custom/words{own}}}
  personal: {{use: personal-data, entities: [email]}}
input: [words, personal]
output: [words, personal]
rules:
  - {{when: custom/words, do: refuse}}
  - {{when: personal, do: redact}}
"""


def written(folder: Path, top: str = "", own: str = "") -> Path:
    path = folder / "mine.yaml"
    path.write_text(POLICY.format(top=top, own=own))
    return path


@pytest.mark.parametrize(
    ("top", "own", "read"),
    [
        ("", "", True),
        ("readings: false", "", False),
        ("", ", readings: false", False),
        ("readings: false", ", readings: true", True),
    ],
)
def test_readings_are_on_unless_the_policy_or_the_check_says_otherwise(
    tmp_path: Path, top: str, own: str, read: bool
) -> None:
    plan = load_plan(written(tmp_path, top, own))
    for lane in (plan.input, plan.output):
        assert isinstance(lane.scanners[0], Disguised if read else Words)
        assert isinstance(lane.scanners[1], Disguised) is (top == "")


@pytest.mark.parametrize("name", ["full width", "base64", "leet", "rot13", "reversed", "spaced"])
def test_what_is_disguised_is_refused(tmp_path: Path, name: str) -> None:
    guard = Guard.from_policy(written(tmp_path), log="none")
    said = f"now, {DISGUISES[name]('zorbenblat')}, ok"
    assert guard.check(said).outcome is Outcome.REFUSED
    assert Guard.from_policy(written(tmp_path, "readings: false"), log="none").check(said).outcome is Outcome.ALLOWED


def test_a_mask_covers_the_disguise_and_nothing_else_changes(tmp_path: Path) -> None:
    decision = Guard.from_policy(written(tmp_path), log="none").check(
        "\u200bWrite to \uff41\uff4e\uff4e\uff41\uff20example.org\u00a0today."
    )
    assert decision.outcome is Outcome.CHANGED
    assert decision.text == "\u200bWrite to [email]\u00a0today."


class Backend:
    """Flags a word; remembers what it was asked."""

    name, points, longest, stride, inline, remote = "fake", None, 200, 160, 10, False
    categories = frozenset({"harm"})

    def __init__(self) -> None:
        self.asked: list[str] = []

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        self.asked += texts
        yield from ()
        return [Scores({"harm": float("zorbenblat" in text)}) for text in texts]


@pytest.mark.parametrize(("readings", "found"), [(True, 1), (False, 0)])
def test_a_model_is_asked_about_what_a_text_says_in_the_same_question(readings: bool, found: int) -> None:
    backend: Any = Backend()
    texts = ["all is well", f"now, {DISGUISES['base64']('a zorbenblat')}, ok"]
    answers = run(Moderation("harm", backend, {"harm": 0.5}, readings=readings).ask(texts), lambda effect: None)
    assert [len(answer) for answer in answers] == [0, found]
    assert backend.asked == [*texts, *["now, a zorbenblat, ok"] * found]
    assert [(each.start, each.end) for each in answers[1]] == [(0, len(texts[1]))] * found
