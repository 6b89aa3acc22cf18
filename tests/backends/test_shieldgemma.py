from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.dialect import UNNAMED, Question
from guardrail.backends.merged import merged
from guardrail.backends.shieldgemma import CARD, ShieldGemma
from guardrail.checks.protocol import Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Reply
from tests.backends.fakes import Answered
from tests.backends.fakes import shieldgemma as fake
from tests.backends.fakes.chat_server import KEY, ask, completion, odds, received, reply
from tests.backends.fakes.replies import nearly_good

BASE = "http://guard.example"
SIDES = [Question(("x",)), Question(("x",), "output", prompt="tell me"), Question(("x",), "output")]
ANY = Question(("x",), criterion="hate")


def made(**options: Any) -> ShieldGemma:
    return ShieldGemma(url=f"{BASE}/v1", api_key=KEY, **options)


def all_of(dialect: ShieldGemma, text: str, like: Question) -> Scores:
    """As ``Remote`` asks: once for each criterion, and what is said put together."""
    said = [
        ask(dialect, Question((text,), like.side, criterion, like.prompt), fake.answer)[0]
        for criterion in dialect.criteria
    ]
    return merged(said)


def found(scores: Scores, point: str, dialect: ShieldGemma) -> list[str]:
    assert dialect.points is not None
    return [name for name, score in scores.scores.items() if score >= dialect.points[point][name]]


def read(yes: float, no: float, text: str = "Yes", finish: str = "length") -> float:
    answered = Answered(completion(text, "m", odds({"Yes": yes, "No": no}), finish))
    (said,) = made().read(ANY, reply(answered))
    return said.scores["hate"]


@pytest.mark.parametrize("like", SIDES, ids=["input", "output", "output alone"])
@pytest.mark.parametrize("category", sorted(fake.MEANS))
def test_each_category_alone_is_found(category: str, like: Question) -> None:
    dialect = made()
    said = all_of(dialect, f"a text about [{category}]", like)
    assert found(said, "balanced", dialect) == [category]
    assert set(said.scores) == dialect.categories == set(fake.MEANS)
    assert said.scores[category] == pytest.approx(0.9 / 0.98)
    assert said.flags is None
    assert said.unseen == frozenset()


@pytest.mark.parametrize("like", SIDES, ids=["input", "output", "output alone"])
def test_a_clean_text_has_nothing(like: Question) -> None:
    dialect = made()
    said = all_of(dialect, "nice weather", like)
    assert found(said, "strict", dialect) == []
    assert said.scores == {name: pytest.approx(0.1 / 0.98) for name in fake.MEANS}


def test_the_prompt_is_not_what_is_judged_of_a_reply() -> None:
    dialect = made()
    said = all_of(dialect, "I will not", Question(("x",), "output", prompt="a [hate] text"))
    assert found(said, "balanced", dialect) == []


def test_the_request_names_one_policy_and_asks_for_one_token() -> None:
    dialect = made()
    body = json.loads(dialect.query(Question(("reply",), "output", "sexual", "ask")).body)
    assert body["messages"] == [{"role": "user", "content": "ask"}, {"role": "assistant", "content": "reply"}]
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 20)
    guideline = body["chat_template_kwargs"]["guideline"]
    assert guideline.startswith('"No Sexually Explicit Information": The chatbot shall not generate content that')
    alone = json.loads(dialect.query(Question(("reply",), "output", "sexual")).body)
    assert alone["messages"] == [{"role": "user", "content": "reply"}]
    assert "The prompt shall not contain" in alone["chat_template_kwargs"]["guideline"]
    assert len({dialect.query(Question(("x",), criterion=name)).body for name in dialect.criteria}) == 4


def test_a_server_that_knows_the_policies_is_asked_once_and_names_none() -> None:
    dialect = made(model="shieldgemma:9b", asked="all")
    assert not dialect.criteria
    assert dialect.categories == {UNNAMED}
    assert dialect.card.categories == {UNNAMED}
    body = json.loads(dialect.query(Question(("x",))).body)
    assert "chat_template_kwargs" not in body
    (said,) = dialect.read(Question(("x",)), reply(completion("Yes", "m", odds({"Yes": 0.7, "No": 0.3}), "length")))
    assert said.scores == {UNNAMED: pytest.approx(0.7)}
    assert fake.answer(received(dialect.query(Question(("x",))))).status == 400


@pytest.mark.parametrize(
    ("chance", "points"),
    [
        (0.2499, []),
        (0.25, ["strict"]),
        (0.5, ["strict", "balanced"]),
        (0.7999, ["strict", "balanced"]),
        (0.8, ["strict", "balanced", "lenient"]),
    ],
)
def test_the_operating_points(chance: float, points: list[str]) -> None:
    dialect = made()
    said = Scores({"hate": round(read(chance, 1 - chance), 9)})
    assert [point for point in ("strict", "balanced", "lenient") if found(said, point, dialect)] == points


def test_only_yes_and_no_count() -> None:
    assert read(0.3, 0.1) == pytest.approx(0.75)
    answered = completion("Yes", "m", odds({" yes": 0.2, "Yes": 0.4, "NO": 0.2, "Not": 0.2}), "stop")
    assert made().read(ANY, reply(answered))[0].scores["hate"] == pytest.approx(0.75)
    assert read(1.0, 1e-300) == 1.0


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {"content": None},
        {"content": []},
        odds({"The": 0.9, "I": 0.1}),
        odds({"The": 0.9, "Yes": 0.1}),
        odds({"The": 1.0}, {"Yes": 0.9, "No": 0.1}),
    ],
)
def test_there_is_no_score_without_odds_of_the_first_token(logprobs: Any) -> None:
    with pytest.raises(NotEvaluated, match="malformed: the server gives no log-probabilities of Yes and No"):
        made().read(ANY, reply(completion("Yes", "m", logprobs, "length")))


def test_what_is_ignored_is_not_asked() -> None:
    dialect = made(ignore=frozenset({"Harassment", "dangerous"}))
    assert dialect.criteria == ("hate", "sexual")
    assert dialect.categories == dialect.card.categories == {"hate", "sexual"}
    assert dialect.points is not None
    assert set(dialect.points["strict"]) == {"hate", "sexual"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ignore": frozenset({"violence"})}, r"no category 'violence'.*hate \(Hate Speech\)"),
        ({"ignore": frozenset({"dangerous", "harassment", "hate", "sexual"})}, "no policy is left"),
        ({"asked": "all", "ignore": frozenset({"hate"})}, "all policies at once"),
        ({"asked": "some"}, "asked"),
        ({"api_key": "canary\n\x00"}, "key"),
    ],
)
def test_options_that_are_none_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShieldGemma(url=BASE, **options)


def test_it_is_blind() -> None:
    with pytest.raises(NotEvaluated, match="blind"):
        made().query(Question(("what",), criterion="hate", image="data:image/png;base64,AAAA"))


FAULTS: dict[str, tuple[Any, str]] = {
    "no JSON": (Answered(b"<html>"), "malformed"),
    "null": (Answered(b"null"), "malformed"),
    "list": (Answered(b"[]"), "malformed"),
    "error": (Answered({"error": {"message": "canary"}}, 400), "status"),
    "busy": (Answered({}, 503), "status"),
    "no choice": (Answered({"choices": []}), "malformed"),
    "choices is a word": (Answered({"choices": "length"}), "malformed"),
    "choice is a word": (Answered({"choices": ["length"]}), "malformed"),
    "filtered": (Answered(completion("Yes", "m", finish="content_filter")), "refused"),
    "empty": (Answered(completion("", "m", odds({"Yes": 1.0}), "length")), "empty"),
    "ended oddly": (Answered(completion("Yes", "m", odds({"Yes": 1.0}), "weird")), "malformed"),
    "end is an object": (Answered({"choices": [{"message": {"content": "Yes"}, "finish_reason": {}}]}), "malformed"),
    "odds are words": (Answered(completion("Yes", "m", {"content": [{"top_logprobs": ["x"]}]})), "malformed"),
    "NaN": (Answered(b'{"choices": [{"message": {"content": "Yes"}, "x": NaN}]}'), "malformed"),
    "no odds at all": (
        Answered(completion("Yes", "m", {"content": [{"top_logprobs": [{"token": "Yes", "logprob": -9999}]}]})),
        "malformed",
    ),
    "deep": (Answered(b'{"x":' * 900 + b"1" + b"}" * 900), "malformed"),
}


@pytest.mark.parametrize(("answered", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_faults(answered: Answered, reason: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        made().read(Question(("canary",), criterion="hate"), reply(answered))
    assert caught.value.reason == reason
    assert "canary" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_text_that_is_no_unicode_is_not_sent() -> None:
    with pytest.raises(NotEvaluated, match="malformed"):
        made().query(Question(("canary \ud800",), criterion="hate"))


def test_the_server_refuses_a_wrong_key() -> None:
    with pytest.raises(NotEvaluated, match="401"):
        ask(ShieldGemma(url=BASE + "/v1"), ANY, fake.answer)


def test_the_card_tells_all_that_can_come() -> None:
    assert CARD.categories == {*fake.MEANS, UNNAMED}
    assert fake.dialect(BASE).categories == set(fake.MEANS)
    assert (CARD.verified, CARD.scores) == ("document", "calibrated")


REPLIES = nearly_good(st.sampled_from(["Yes", "No"]), ["Yes", "No", " yes", "NO", "The", ""])


@given(REPLIES)
def test_any_reply_is_a_score_or_not_evaluated(held: Any) -> None:
    try:
        said = made().read(ANY, Reply(200, (), json.dumps(held).encode()))
    except NotEvaluated:
        return
    (scores,) = said
    assert set(scores.scores) == {"hate"}
    assert 0 <= scores.scores["hate"] <= 1
