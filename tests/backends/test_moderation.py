from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.moderation import Moderation
from guardrail.backends.openai import CATEGORIES, OpenAIModeration
from guardrail.backends.windows import windows
from guardrail.checks.protocol import SPOKEN, Moderator, Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Effect, Flow, run
from guardrail.verdict import Finding, Kind
from tests.backends.conftest import asked

Drive = Callable[[Flow[Any]], Any]


class Judge:
    """A backend that computes: it says what ``say`` says of each text, and remembers the texts."""

    name = "judge"
    categories = frozenset({"hate", "violence"})
    points: Mapping[str, Mapping[str, float]] | None = None
    inline = 0

    def __init__(
        self, say: Callable[[str], Scores], *, longest: int = 100, stride: int = 400, remote: bool = False
    ) -> None:
        self.say, self.longest, self.stride, self.remote = say, longest, stride, remote
        self.asked: list[str] = []

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        self.asked += texts
        yield from ()
        return [self.say(text) for text in texts]


def clean(_: str) -> Scores:
    return Scores({"hate": 0.1, "violence": 0.1})


def ask(check: Moderation, *texts: str) -> Sequence[Sequence[Finding]]:
    def perform(effect: Effect) -> Any:
        raise AssertionError(effect)

    return run(check.ask(texts), perform)


# --- over the real wire ------------------------------------------------------------------------


@pytest.mark.parametrize("category", sorted(CATEGORIES))
def test_each_category_alone_is_a_finding(service: Any, drive: Drive, category: str) -> None:
    check: Moderator = Moderation("harm", asked(OpenAIModeration("k", url=service.url)), {})
    text = f"a text about [{category}]"
    (findings,) = drive(check.ask([text]))
    assert findings == (Finding(category, 0.91, 0, len(text), "harm", by=(("omni-moderation-2024-09-26", 0.91),)),)


def test_long_texts_travel_in_one_request_and_keep_their_findings(service: Any, drive: Drive) -> None:
    check = Moderation("harm", asked(OpenAIModeration("k", url=service.url)), {})
    long = "word " * 900 + "[hate] " + "word " * 900
    none, hate, other = drive(check.ask(["fine", long, "x [violence]"]))
    assert none == ()
    assert [f.category for f in hate] == ["hate"]
    assert long[hate[0].start : hate[0].end].count("[hate]") == 1
    assert hate[0].end - hate[0].start <= 2000
    assert [(f.category, f.start, f.end) for f in other] == [("violence", 0, 12)]
    assert len(service.requests) == 1
    assert all(len(piece) <= 2000 for piece in service.requests[0][1]["input"])


def test_a_failing_service_is_not_evaluated(service: Any, drive: Drive) -> None:
    service.reply = lambda _: (500, {})
    with pytest.raises(NotEvaluated, match="status"):
        drive(Moderation("harm", asked(OpenAIModeration("k", url=service.url), attempts=1), {}).ask(["hello"]))


# --- what becomes a finding --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("floors", "found"),
    [
        ({}, []),
        ({"hate": 0.5}, ["hate"]),
        ({"hate": 0.51}, []),
        ({"*": 0.5}, ["fraud", "hate"]),
        ({"*": 0.5, "hate": 0.9}, ["fraud"]),
        ({"violence": 0.0}, ["violence"]),
    ],
)
def test_a_score_at_its_floor_is_a_finding(floors: dict[str, float], found: list[str]) -> None:
    judge = Judge(lambda _: Scores({"hate": 0.5, "violence": 0.2, "fraud": 0.6}, {"hate": False}))
    (findings,) = ask(Moderation("m", judge, floors), "hello")
    assert [f.category for f in findings] == found
    assert not any(f.flagged for f in findings)


def test_a_flag_is_a_finding_at_any_score_and_without_one() -> None:
    judge = Judge(lambda _: Scores({"hate": 0.01}, {"hate": True, "fraud": True, "violence": False}))
    (findings,) = ask(Moderation("m", judge, {"hate": 0.9}), "hello")
    assert findings == (Finding("fraud", 1.0, 0, 5, "m", True), Finding("hate", 0.01, 0, 5, "m", True))


def test_the_flag_of_a_backend_that_gives_none_is_true() -> None:
    (findings,) = ask(Moderation("m", Judge(clean), {"hate": 0.1}), "hello")
    assert findings == (Finding("hate", 0.1, 0, 5, "m", True),)


def test_windows_are_merged_by_the_highest_score_and_any_flag() -> None:
    def say(text: str) -> Scores:
        return Scores({"hate": 0.9 if "loud" in text else 0.6}, {"hate": "flag" in text})

    text = ("a" * 99 + " ") * 2 + "loud " + "b" * 94 + " " + "flag " + "c" * 300
    (findings,) = ask(Moderation("m", Judge(say), {"hate": 0.5}), text)
    ((finding),) = findings
    assert (finding.score, finding.flagged) == (0.9, True)
    assert "loud" in text[finding.start : finding.end]


def test_a_category_the_policy_names_but_nobody_judged_is_not_evaluated() -> None:
    def say(text: str) -> Scores:
        return Scores({"hate": 0.1}, {"hate": "bad" in text}, unseen=frozenset({"violence"}))

    assert ask(Moderation("m", Judge(say), {"*": 0.5}), "fine") == [()]
    with pytest.raises(NotEvaluated, match="violence"):
        ask(Moderation("m", Judge(say), {"violence": 0.5}), "fine")
    (findings,) = ask(Moderation("m", Judge(say), {"violence": 0.5}), "bad")
    assert [f.category for f in findings] == ["hate"]


def test_answers_that_do_not_match_the_texts_are_malformed() -> None:
    judge = Judge(clean)
    judge.moderate = lambda texts: _nothing(texts)  # type: ignore[method-assign]
    with pytest.raises(NotEvaluated, match="malformed"):
        ask(Moderation("m", judge, {}), "hello")


def _nothing(_: Sequence[str]) -> Flow[Sequence[Scores]]:
    yield from ()
    return []


@pytest.mark.parametrize("blank", ["", " ", "\n\t\u2003"])
def test_blank_texts_are_not_sent_and_keep_their_place(blank: str) -> None:
    judge = Judge(clean)
    check = Moderation("m", judge, {"hate": 0.1})
    assert [len(findings) for findings in ask(check, blank, "hello", blank)] == [0, 1, 0]
    assert judge.asked == ["hello"]
    assert ask(check, blank) == [()]
    assert ask(check) == []


# --- windows -----------------------------------------------------------------------------------

texts = st.text(alphabet=st.sampled_from("ab \n\U0001f600é\u0301"), max_size=400)


@given(texts, st.integers(10, 60))
def test_windows_cover_the_text_without_gap_or_empty_piece(text: str, longest: int) -> None:
    spans = windows(text, longest)
    assert all(0 < end - start <= longest for start, end in spans)
    covered = set().union(*(range(start, end) for start, end in spans))
    assert covered == set(range(len(text)))
    assert (spans == []) == (text == "")
    # Every window but the last brings in three quarters of itself, so their number is bounded.
    assert len(spans) <= len(text) / (longest * 0.65) + 1


@given(texts, st.integers(10, 60), st.data())
def test_a_phrase_as_long_as_the_overlap_stands_whole_in_one_window(
    text: str, longest: int, data: st.DataObject
) -> None:
    size = min(longest // 10, len(text))
    at = data.draw(st.integers(0, len(text) - size))
    assert any(start <= at and at + size <= end for start, end in windows(text, longest)) or not text


def test_a_phrase_over_the_first_cut_is_found() -> None:
    phrase = "bad words!"
    judge = Judge(lambda text: Scores({"hate": 1.0 if phrase in text else 0.0}))
    check = Moderation("m", judge, {"hate": 0.5})
    for before in range(60, 120):
        (findings,) = ask(check, "x" * before + phrase + "y" * 150)
        assert [f.category for f in findings] == ["hate"], before


def test_a_cut_stands_at_white_space_where_there_is_some_near() -> None:
    text = "word " * 100
    spans = windows(text, 98)
    assert all(text[end - 1] == " " for _, end in spans)
    assert windows("x" * 250, 100) == [(0, 100), (90, 190), (180, 250)]


def test_characters_beyond_the_basic_plane_stay_whole(service: Any, drive: Drive) -> None:
    check = Moderation("harm", asked(OpenAIModeration("k", url=service.url)), {})
    text = "\U0001f600" * 4500
    drive(check.ask([text]))
    pieces = service.requests[0][1]["input"]
    assert [len(piece) for piece in pieces] == [2000, 900]  # the second window is the first again
    assert set("".join(pieces)) == {"\U0001f600"}


# --- when a growing text is judged ---------------------------------------------------------------


def stops(check: Moderation, text: str) -> list[int]:
    """Where a text is judged that comes character by character."""
    found, at = [], 0
    for end in range(1, len(text) + 1):
        while (stop := check.stop(at, text[at:end])) is not None:
            found.append(stop)
            at = stop
    return found


def test_stops_are_close_together_at_first_and_then_a_stride_apart() -> None:
    check = Moderation("m", Judge(clean, longest=2000, stride=400), {})
    assert stops(check, "x" * 1500) == [48, 96, 192, 592, 992, 1392]


@given(st.integers(1, 3000), st.integers(1, 900), st.integers(1, 2500), st.integers(0, 5000))
def test_a_stop_depends_on_the_position_alone_and_leaves_no_gap(
    longest: int, stride: int, window: int, after: int
) -> None:
    check = Moderation("m", Judge(clean, longest=longest, stride=stride), {}, window=window)
    stop = check.stop(after, "x" * check.window)
    assert stop is not None
    assert after < stop <= after + check.window
    assert check.stop(after, "x" * (stop - after)) == stop
    assert check.stop(after, "x" * (stop - after - 1)) is None
    more = "x" * check.window
    assert all(check.stop(between, more) == stop for between in range(after, stop, max(1, (stop - after) // 5)))


PROSE = (
    "So. This is the first sentence of an answer that goes on for a while. The second one is short. "
    "Then a list:\n- one thing, which has some more to say than that, I am afraid to say\n- \u7b2c\u4e8c\u3002"
)


def test_what_is_far_away_is_asked_where_sentences_end() -> None:
    check = Moderation("m", Judge(clean, longest=2000, stride=400, remote=True), {})
    at = stops(check, PROSE)
    assert [PROSE[a:b] for a, b in pairwise([0, *at])] == [
        "So. This is the first sentence of an answer that goes on for a w",
        PROSE[64:178],
    ]
    assert stops(check, "x" * 1000) == [64, 464, 864]


@given(st.text(st.sampled_from("ab .!\n\u3002")), st.lists(st.integers(0, 400)), st.booleans())
def test_stops_do_not_depend_on_how_a_text_comes(text: str, places: list[int], remote: bool) -> None:
    check = Moderation("m", Judge(clean, longest=60, stride=30, remote=remote), {})
    text = text * 9
    found, at = [], 0
    for end in sorted({min(p, len(text)) for p in places} | {len(text)}):
        while (stop := check.stop(at, text[:end], at)) is not None:
            found.append(stop)
            at = stop
    assert found == stops(check, text)
    assert all(0 < b - a <= 54 for a, b in pairwise([0, *found]))


def test_reads_and_window_have_their_defaults() -> None:
    assert Moderation("m", Judge(clean, longest=2000), {}).window == 600
    assert Moderation("m", Judge(clean, longest=100), {}).window == 100
    assert Moderation("m", Judge(clean, longest=2000), {}, window=900).window == 900
    assert Moderation("m", Judge(clean), {}).reads == SPOKEN
    assert Moderation("m", Judge(clean), {}, reads=frozenset({Kind.SYSTEM})).reads == {Kind.SYSTEM}


# --- where in a text -----------------------------------------------------------------------------


def placed(text: str) -> Scores:
    at = text.find("ember")
    return Scores({"hate": 0.9 if at >= 0 else 0.0}, spans={"hate": (max(at, 0), at + 5)})


def test_in_a_long_text_a_finding_spans_the_place_the_backend_names() -> None:
    check = Moderation("harm", Judge(placed, longest=4_000), {"*": 0.5})
    text = "ash " * 600 + "ember" + " ash" * 600
    (findings,) = ask(check, text)
    assert [text[finding.start : finding.end] for finding in findings] == ["ember"]


def test_what_a_growing_text_is_judged_by_is_spanned_whole() -> None:
    check = Moderation("harm", Judge(placed, longest=4_000), {"*": 0.5})
    text = "ash " * 100 + "ember"
    assert len(text) <= check.window
    ((finding,),) = ask(check, text)
    assert (finding.start, finding.end) == (0, len(text))


def test_of_a_reading_the_whole_text_is_named() -> None:
    """A place in what a disguised text says is none in the text itself."""
    check = Moderation("harm", Judge(placed, longest=4_000), {"*": 0.5})
    text = "ash " * 600 + "e\u200bmb\u200ber"
    ((finding,),) = ask(check, text)
    assert (finding.start, finding.end) == (0, len(text))
