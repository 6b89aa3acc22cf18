"""What was judged and found clean is not judged again; everything else is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.errors import NotEvaluated
from guardrail.flow import Call, run
from guardrail.policy import whole
from guardrail.policy.lane import INLINE, WORTH_RECALL, Lane
from guardrail.policy.recall import Recall
from guardrail.text import Segment
from guardrail.verdict import Action, Finding, Gap, Kind, Verdict
from tests.policy.test_rolling import perform
from tests.support.drive import call
from tests.support.plans import FLAGGED, MASKED, REFUSED, RULES, Judge, Word, lane, plan

UNRULED = "custom/no rule"


def text_of(*parts: str, kind: Kind = Kind.USER, nested: bool = False) -> Segment:
    made = Segment(kind, ("text",), nested=nested)
    for part in parts:
        made.part(part)
    return made


def judge(with_lane: Lane, *segments: Segment) -> Verdict:
    return run(whole.judge(with_lane, segments), perform)


def is_known(with_lane: Lane, segment: Segment) -> bool:
    return with_lane.recall.knows([with_lane.recall.name_of(segment)]) == [True]


class Broken(Judge):
    """Fails until ``mended``."""

    mended = False

    def ask(self, texts: Sequence[str], prompt: str = "") -> Any:
        if not self.mended:
            raise NotEvaluated("timeout")
        return (yield from super().ask(texts))


class Unruled(Judge):
    """Finds what no rule is about."""

    category = UNRULED

    def ask(self, texts: Sequence[str], prompt: str = "") -> Any:
        yield from ()
        return [[Finding(UNRULED, 1.0, 0, len(text), self.name)] for text in texts]


# -- the law ---------------------------------------------------------------------------------------

WORDS = st.sampled_from(["ab", "ba", "red", "ticket", "harm", "odd", " ", '{"a":"', '"}', '{"a":"red"}', "\\u0072ed"])
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map("".join)
MESSAGES = st.tuples(
    st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from([Kind.USER, Kind.ASSISTANT, Kind.SYSTEM]), st.booleans()
)
EDITS = st.lists(st.tuples(st.integers(0, 9), MESSAGES), max_size=6)
Message = tuple[list[str], Kind, bool]


def checked(limit: int) -> Lane:
    checks = (
        Word("red", REFUSED, reads=frozenset({Kind.USER, Kind.ASSISTANT})),
        Word("ticket", MASKED),
        Word("abba", FLAGGED),
        Judge("harm", category=FLAGGED, reads=frozenset({Kind.USER, Kind.SYSTEM})),
        Judge("odd", category=UNRULED, name="unruled"),
    )
    return replace(lane(*checks), recall=Recall(limit))


def outcome(with_lane: Lane, conversation: Sequence[Message]) -> tuple[Verdict, list[str]]:
    segments = [text_of(*parts, kind=kind, nested=nested) for parts, kind, nested in conversation]
    verdict = judge(with_lane, *segments)
    return verdict, [segment.written(0, segment.text) for segment in segments]


@given(st.lists(MESSAGES, min_size=1, max_size=6), EDITS, st.integers(1, 8))
@settings(max_examples=300)
def test_recalled_is_judged(conversation: list[Message], edits: list[tuple[int, Message]], limit: int) -> None:
    recalling, judging = checked(limit), checked(0)
    turns = [conversation]
    for at, message in edits:
        turns.append([*turns[-1][:at], message, *turns[-1][at + at % 2 :]])
    for turn in (turns[0], *turns):
        assert outcome(recalling, turn) == outcome(judging, turn)
        assert len(recalling.recall) <= limit
    assert len(judging.recall) == 0


# -- what is judged, and how often -----------------------------------------------------------------


def test_a_turn_asks_only_about_what_is_new() -> None:
    moderator = Judge("harm")
    with_lane = lane(moderator)
    said: list[str] = []
    for n in range(10):
        said += [f"question {n}", f"answer {n}"]
        moderator.asked.clear()
        judge(with_lane, *[text_of(text) for text in said])
        assert moderator.asked == said[-2:]


def test_a_reply_that_is_judged_beside_its_prompt_is_known_again_after_that_prompt_only() -> None:
    moderator = Judge("harm", converses=True)
    with_lane = lane(moderator)

    def replied(prompt: str) -> Verdict:
        return run(whole.judge(with_lane, [text_of("certainly", kind=Kind.ASSISTANT)], prompt=prompt), perform)

    for prompt in ("one", "two", "", "one", "two", ""):
        assert replied(prompt) == Verdict()
    assert (moderator.asked, moderator.prompts) == (["certainly"] * 3, ["one", "two"])


def test_where_nobody_judges_it_beside_its_prompt_a_reply_is_known_again_after_any() -> None:
    moderator = Judge("harm")
    with_lane = lane(moderator)
    for prompt in ("one", "two", ""):
        run(whole.judge(with_lane, [text_of("certainly")], prompt=prompt), perform)
    assert moderator.asked == ["certainly"]


def test_a_prompt_and_a_text_cut_otherwise_have_another_name() -> None:
    recall = Recall()
    names = {recall.name_of(text_of(text), prompt) for prompt, text in [("", "ab"), ("a", "b"), ("ab", ""), ("b", "a")]}
    assert len(names) == 4


def test_through_an_exchange_the_new_message_alone_is_asked_about() -> None:
    moderator = Judge("harm")
    guarded = plan(moderator)
    first = b'{"model":"m","messages":[{"role":"user","content":"one"}]}'
    second = b'{"model":"m","messages":[{"role":"user","content":"one"},{"role":"assistant","content":"harm"}]}'
    call(guarded, first, b'{"choices":[]}')
    asked = [text for text in moderator.asked if text == "one"]
    call(guarded, first, b'{"choices":[]}')
    assert asked == [text for text in moderator.asked if text == "one"] == ["one"]
    assert call(guarded, second).refused


def test_one_changed_character_is_judged() -> None:
    moderator = Judge("never")
    with_lane = lane(moderator, Word("bax"))
    judge(with_lane, text_of("a text that ends in ba"))
    assert judge(with_lane, text_of("a text that ends in bax")).action is Action.REFUSE
    judge(with_lane, text_of("A text that ends in ba"))
    assert moderator.asked == ["a text that ends in ba", "A text that ends in ba"]


@pytest.mark.parametrize(
    "other",
    [
        text_of("one two", kind=Kind.SYSTEM),
        text_of("one two", nested=True),
        text_of("one", " two"),
        text_of("one ", "two"),
        text_of("one two", " "),
    ],
)
def test_the_same_characters_read_otherwise_are_judged(other: Segment) -> None:
    with_lane = lane(Judge("harm"))
    judge(with_lane, text_of("one two"))
    assert is_known(with_lane, text_of("one two"))
    assert not is_known(with_lane, other)


def test_a_check_of_another_kind_is_not_skipped() -> None:
    """The same words are allowed of the operator and refused of the user."""
    with_lane = lane(Judge("never"), Word("bad", reads=frozenset({Kind.USER})))
    assert judge(with_lane, text_of("bad", kind=Kind.SYSTEM)).action is Action.ALLOW
    assert judge(with_lane, text_of("bad")).action is Action.REFUSE


def test_a_word_over_two_parts_is_not_hidden_by_the_parts_joined() -> None:
    with_lane = lane(Judge("never"), Word("a\nb"))
    judge(with_lane, text_of("ab"))
    assert judge(with_lane, text_of("a", "b")).action is Action.REFUSE


def test_lanes_share_nothing() -> None:
    one, other = lane(Judge("x")), lane(Judge("x"))
    judge(one, text_of("hello"))
    segment = text_of("hello")
    assert is_known(one, segment)
    assert not is_known(other, segment)
    assert one.recall.name_of(segment) != other.recall.name_of(segment)
    other.recall.remember([one.recall.name_of(segment)])
    assert not is_known(other, segment)


# -- what is never remembered ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Word("bad"), "a bad text"),
        (Word("bad", MASKED), "a bad text"),
        (Word("bad", FLAGGED), "a bad text"),
        (Word("bad", UNRULED), "a bad text"),
        (Judge("bad"), "a bad text"),
        (Unruled("bad"), "a text that no rule is about"),
        (Word("bad", FLAGGED), '{"a":"bad"}'),
        (Word("bad", FLAGGED), '{"a":"\\u0062ad"}'),
    ],
)
def test_a_text_with_a_finding_is_never_remembered(check: Word | Judge, text: str) -> None:
    with_lane = lane(Judge("never", name="another"), check)
    for nested in (False, True):
        segment = text_of(text, nested=nested)
        first = judge(with_lane, text_of("clean"), segment)
        assert not is_known(with_lane, segment)
        again = judge(with_lane, text_of("clean"), text_of(text, nested=nested))
        assert again == first


def test_a_leaf_that_only_a_model_minds_soils_the_whole() -> None:
    with_lane = lane(Judge("harm", category=FLAGGED))
    hidden = text_of('{"a":"\\u0068arm"}', nested=True)
    assert judge(with_lane, hidden).action is Action.FLAG
    assert not is_known(with_lane, hidden)
    judge(with_lane, clean := text_of('{"a":"b"}', nested=True))
    assert is_known(with_lane, clean)


def test_what_a_model_minds_only_with_the_parts_apart_is_not_remembered() -> None:
    with_lane = lane(Judge("a\nb", category=FLAGGED))
    for _ in range(2):
        assert judge(with_lane, text_of("a", "b")).action is Action.FLAG
    assert len(with_lane.recall) == 0


def test_what_stands_beside_a_finding_is_remembered_once_all_have_judged_it() -> None:
    moderator = Judge("harm")
    with_lane = lane(moderator, Word("bad"))
    judge(with_lane, text_of("clean"), text_of("bad"))
    assert not is_known(with_lane, text_of("clean")), "the model was not asked"
    judge(with_lane, text_of("clean"), text_of("harm"))
    assert is_known(with_lane, text_of("clean"))


@pytest.mark.parametrize("on_error", [Action.ALLOW, Action.FLAG, Action.REFUSE])
def test_a_check_that_fails_never_leads_to_remembering(on_error: Action) -> None:
    broken = Broken("harm", name="broken", reads=frozenset({Kind.USER}))
    with_lane = Lane((), (Judge("x"), broken), RULES, {"broken": on_error})
    for _ in range(3):
        verdict = judge(with_lane, text_of("clean"), text_of("operator's", kind=Kind.SYSTEM))
        assert (verdict.action, verdict.gaps) == (on_error, (Gap("broken", "timeout", "text"),))
        assert len(with_lane.recall) == 0
    broken.mended = True
    assert judge(with_lane, text_of("clean")) == Verdict()
    assert is_known(with_lane, text_of("clean"))


def test_where_no_model_reads_only_long_texts_are_remembered() -> None:
    with_lane = lane(Word("bad"), Judge("x", reads=frozenset({Kind.SYSTEM})))
    short, long = text_of("x" * (WORTH_RECALL - 1)), text_of("x" * WORTH_RECALL)
    judge(with_lane, short, long)
    assert [is_known(with_lane, short), is_known(with_lane, long)] == [False, True]


def test_much_known_text_is_one_call_of_a_worker() -> None:
    asked: list[Any] = []

    def performing(effect: Any) -> Any:
        asked.append(effect)
        return perform(effect)

    moderator = Judge("harm")
    with_lane = lane(Word("bad"), moderator)
    for _ in range(2):
        assert run(whole.judge(with_lane, [text_of("x" * INLINE + ".")]), performing) == Verdict()
    assert [type(effect) for effect in asked] == [Call, Call]
    assert len(moderator.asked) == 1


# -- the memory itself -----------------------------------------------------------------------------


def test_the_least_recently_used_is_forgotten_first() -> None:
    recall = Recall(3)
    a, b, c, d = (recall.name(letter) for letter in "abcd")
    recall.remember([a, b, c])
    assert recall.knows([a]) == [True]
    recall.remember([d])
    assert recall.knows([a, b, c, d]) == [True, False, True, True]
    recall.remember(recall.name(str(n)) for n in range(1000))
    assert len(recall) == 3


def test_what_was_judged_long_ago_is_judged_again_however_often_it_came_since() -> None:
    now = [0.0]
    recall = Recall(seconds=10.0, clock=lambda: now[0])
    recall.remember([name := recall.name("a")])
    for now[0] in (5.0, 9.9):
        assert recall.knows([name]) == [True]
    now[0] = 10.0
    assert recall.knows([name]) == [False]
    assert len(recall) == 0


def test_names_are_of_words_not_of_their_letters() -> None:
    recall = Recall()
    names = {recall.name(*words) for words in (["ab"], ["a", "b"], ["ab", ""], ["", "ab"], ["a;1:b"], ["b", "a"])}
    assert len(names) == 6
    assert {len(name) for name in names} == {16}
    assert recall.name("\ud800") != recall.name("\ufffd")


def test_nothing_of_a_text_is_kept() -> None:
    with_lane = lane(Judge("x"))
    judge(with_lane, text_of("canary"))
    (name,) = with_lane.recall._known
    assert len(name) == 16
    assert b"canary" not in name


def test_it_is_shared_between_threads() -> None:
    """Bound and truth hold while many threads push each other's names out."""
    recall = Recall(50)
    names = [[recall.name(str(thread), str(n)) for n in range(2_000)] for thread in range(4)]
    ever = {name for all_ in names for name in all_}
    strangers = [recall.name("stranger", str(n)) for n in range(50)]

    def use(mine: list[bytes]) -> bool:
        for some in pairwise(mine):
            recall.remember(some)
            recall.knows(some)
            if any(recall.knows(strangers)) or len(recall) > 50 + 2:
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(use, names))
    assert len(recall) == 50
    assert set(recall._known) <= ever
