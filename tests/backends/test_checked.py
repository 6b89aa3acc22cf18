"""A backend that others wrote: what is no sound answer of it is not evaluated, and never clean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from guardrail import Guard
from guardrail.backends.checked import Checked
from guardrail.backends.only import Only
from guardrail.backends.plugin import plugin
from guardrail.checks.protocol import Backend, Conversing, Counted, Measured, OfTools, Scores, Seeing, Sided
from guardrail.errors import NotEvaluated
from guardrail.flow import Flow

from .plain import Loop, Threads
from .test_combined import Says, ask, combined

CANARY = "canary text"
CATEGORIES = frozenset({"hate", "violence"})
POINTS = {
    point: dict.fromkeys(CATEGORIES, least) for point, least in (("strict", 0.2), ("balanced", 0.5), ("lenient", 0.8))
}
FOUND = {"t": {"violence": 0.95}, CANARY: {"violence": 0.95}}


class Mine:
    """Answers with what it is told to."""

    name, longest, stride, inline, remote = "mine", 1000, 100, 0, False
    categories, points = CATEGORIES, POINTS
    answers: ClassVar[Any] = None

    def __init__(self, answers: Any = None) -> None:
        if answers is not None:
            self.answers = answers  # type: ignore[misc]

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        yield from ()
        answers: Sequence[Scores] = self.answers
        return answers


@pytest.fixture(params=["threads", "loop"])
def world(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = Threads() if request.param == "threads" else Loop()
    yield made
    made.close()


def mine(answers: Any) -> Backend:
    return plugin(f"{__name__}:Mine", {"answers": answers})


def said(violence: Any = 0.1, **more: Any) -> list[Scores]:
    return [Scores({"hate": 0.1, "violence": violence}, **more)]


UNSOUND: Mapping[str, Any] = {
    "nan": said(math.nan),
    "infinite": said(math.inf),
    "above": said(1.01),
    "below": said(-0.01),
    "true": said(True),
    "text": said(CANARY),
    "none": said(None),
    "numpy's nan": said(np.float32("nan")),
    "many numbers": said(np.array([0.1, 0.9])),
    "another category": [Scores({"hate": 0.1, "violence": 0.1, CANARY: 0.9})],
    "another flag": said(flags={CANARY: True}),
    "nan of a model": said(by={"m": {"violence": math.nan}}),
    "text of a model": said(by={"m": {"violence": CANARY}}),
    "no scores of a model": said(by={"m": None}),
    "a number as a model of several": said(by={7: {"violence": 0.1}}),
    "no models by name": said(by=["m"]),
    "a number as a model": said(model=7),
    "no model": said(model=None),
    "a text as a reason": [Scores({"hate": 0.1}, why=CANARY)],
    "a long word as a reason": [Scores({"hate": 0.1}, why="x" * 41)],
    "no reason": said(why=""),
    "a number as a reason": said(why=7),
    "a flag that is a word": said(flags={"hate": "no"}),
    "flags that are none": said(flags=[True]),
    "unseen that is no set": said(unseen="violence"),
    "a span beyond the text": said(spans={"violence": (0, 1000)}),
    "a span turned round": said(spans={"violence": (2, 1)}),
    "a span of one": said(spans={"violence": (1,)}),
    "too few": [],
    "too many": said() * 2,
    "no list": iter(said()),
    "nothing": 0,
    "no scores": [{"violence": 0.1}],
    "scores that are none": [Scores([0.1])],  # type: ignore[arg-type]
}


@pytest.mark.parametrize("answers", UNSOUND.values(), ids=UNSOUND.keys())
def test_what_is_no_sound_answer_is_not_evaluated_and_not_quoted(world: Threads | Loop, answers: Any) -> None:
    with pytest.raises(NotEvaluated) as caught:
        ask(world, mine(answers), CANARY)
    assert caught.value.reason == "malformed"
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("answers", [said(math.nan), [], [Scores({"hate": 0.1})]], ids=["nan", "too few", "silent"])
@pytest.mark.parametrize("turned", [False, True])
def test_it_hides_nothing_that_another_member_finds(world: Threads | Loop, answers: Any, turned: bool) -> None:
    members = [mine(answers), Says(FOUND)]
    (heard,) = ask(world, combined("any", *(members[::-1] if turned else members)), "t")
    assert heard.scores["violence"] == pytest.approx(0.95)
    assert "violence" in heard.unseen


def test_what_an_answer_does_not_tell_of_is_unseen(world: Threads | Loop) -> None:
    for answer, unseen in (
        (Scores({}), CATEGORIES),
        (Scores({"hate": 0.1}), {"violence"}),
        (Scores({"hate": 0.1}, {"violence": False}), set()),
        (Scores({"hate": 0.1}, unseen=frozenset({"violence"})), {"violence"}),
        (Scores({"harm": 0.1}), CATEGORIES),
    ):
        (heard,) = ask(world, mine([answer]), "t")
        assert heard.unseen == unseen


def test_a_sound_answer_stays_as_it_is_and_other_libraries_numbers_become_plain(world: Threads | Loop) -> None:
    whole = said(1, flags={"hate": False, "violence": True, "harm": True}, model="m", spans={"violence": (1, 2)})
    assert ask(world, mine(whole), "text") == whole
    odd = said(np.float32(0.5), flags={"hate": np.bool_(True)}, spans={"violence": (np.int64(0), np.int64(1))})
    (heard,) = ask(world, mine(odd), "t")
    kinds = (type(heard.scores["violence"]), type(heard.flags["hate"]), type(heard.spans["violence"][0]))
    assert kinds == (float, bool, int)
    (heard,) = ask(world, mine(said(by={"m": {"violence": np.float32(0.5)}})), "t")
    assert [type(score) for score in heard.by["m"].values()] == [float]


def test_a_models_name_is_kept_short(world: Threads | Loop) -> None:
    (heard,) = ask(world, mine(said(model="x" * 10_000, by={"y" * 10_000: {"violence": 0.1}})), "t")
    assert (len(heard.model), *map(len, heard.by)) == (100, 100)


class Able(Mine):
    """All that a backend may be beside."""

    sees, converses, window, timeout = frozenset({"image"}), True, 7, 30.0
    answers = (Scores({"hate": math.nan}),)

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Scores]]:
        return self.moderate([text for text, _ in items])

    def size(self, text: str) -> int:
        return 2 * len(text)

    def on(self, side: str) -> Able:
        return Able(said(0.9)) if side == "input" else Able()

    def of_tools(self) -> Able:
        return self

    def answering(self, prompt: str) -> Able:
        return Able()

    def stats(self) -> Mapping[str, Any]:
        return {"requests": 3}


PROTOCOLS = (Seeing, Measured, Sided, Conversing, Counted, OfTools)


def test_it_is_all_that_the_backend_is_and_no_more() -> None:
    assert not any(isinstance(Checked(Mine()), kind) for kind in PROTOCOLS)
    able = Checked(Able())
    assert all(isinstance(able, kind) for kind in PROTOCOLS)
    assert (able.size("soup"), able.stats(), able.window, able.timeout) == (8, {"requests": 3}, 7, 30.0)
    assert able.sees == {"image"}
    assert able.converses
    assert able.of_tools() is able
    only = Only(able, frozenset({"hate"}))
    assert only.sees == {"image"}
    assert (only.converses, only.window) == (True, 7)


def test_what_it_makes_of_itself_is_checked_too(world: Threads | Loop) -> None:
    able = Checked(Able())
    for unsound in (able, able.on("output"), able.of_tools(), able.answering("soup?"), able.on("input").answering("")):
        with pytest.raises(NotEvaluated, match="malformed"):
            ask(world, unsound, "t")
    (seen,) = world.all(able.look([("", "https://example.org/soup.png")]))
    assert seen.reason == "malformed"
    assert ask(world, able.on("input"), "t") == said(0.9)


class NaN(Mine):
    """Never answers with a number."""

    answers = said(math.nan)


def test_in_a_policy_what_is_no_number_does_what_on_error_says(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        f"guardrail: 1\nchecks: {{it: {{use: python, backend: '{__name__}:NaN', on_error: refuse}}}}\ninput: [it]\n"
        "rules: [{when: violence, do: refuse}]\n"
    )
    guard = Guard.from_policy(path, log="none")
    decision = guard.check("soup")
    guard.close()
    assert decision.action.word == "refuse"
    assert [(gap.check, gap.reason) for gap in decision.not_evaluated] == [("it", "malformed")]
