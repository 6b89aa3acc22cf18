from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.dialect import UNNAMED, Question
from guardrail.backends.llama_guard import CARD, LlamaGuard
from guardrail.categories import OPENAI_MODERATION
from guardrail.checks.protocol import Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Reply
from guardrail.policy.taxonomy import known
from tests.backends.fakes import Answered
from tests.backends.fakes import llama_guard as fake
from tests.backends.fakes.chat_server import KEY, ask, completion, odds, received, reply
from tests.backends.fakes.replies import nearly_good

BASE = "http://guard.example"
SIDES = [Question(("x",)), Question(("x",), "output", prompt="tell me"), Question(("x",), "output")]
EDITIONS = {
    "3-1b": "meta-llama/Llama-Guard-3-1B",
    "3-8b": "meta-llama/Llama-Guard-3-8B",
    "3-11b-vision": "meta-llama/Llama-Guard-3-11B-Vision",
    "4-12b": "meta-llama/Llama-Guard-4-12B",
}
PICTURE = "data:image/png;base64,AAAA"


def made(model: str = EDITIONS["3-8b"], **options: Any) -> LlamaGuard:
    return LlamaGuard(url=f"{BASE}/v1", api_key=KEY, model=model, **options)


def on(text: str, like: Question) -> Question:
    return Question((text,), like.side, prompt=like.prompt)


def found(scores: Scores, point: str, dialect: LlamaGuard) -> list[str]:
    assert dialect.points is not None
    return [name for name, score in scores.scores.items() if score >= dialect.points[point][name]]


def read(text: str, logprobs: Any = None, dialect: LlamaGuard | None = None, finish: str = "stop") -> Scores:
    (said,) = (dialect or made()).read(Question(("x",)), reply(completion(text, "m", logprobs, finish)))
    return said


@pytest.mark.parametrize("like", SIDES, ids=["input", "output", "output alone"])
@pytest.mark.parametrize("category", sorted(fake.MEANS))
def test_each_category_alone_is_found(category: str, like: Question) -> None:
    dialect = made()
    (said,) = ask(dialect, on(f"a text about [{category}]", like), fake.answer)
    assert found(said, "balanced", dialect) == [category]
    assert said.scores[category] == pytest.approx(0.9)
    assert set(said.scores) == dialect.categories
    assert said.flags is None
    assert said.model == EDITIONS["3-8b"]


@pytest.mark.parametrize("like", SIDES, ids=["input", "output", "output alone"])
def test_a_clean_text_has_nothing(like: Question) -> None:
    dialect = made()
    (said,) = ask(dialect, on("nice weather", like), fake.answer)
    assert found(said, "strict", dialect) == []
    assert said.scores[UNNAMED] == pytest.approx(0.1)
    assert max(score for name, score in said.scores.items() if name != UNNAMED) == 0


@pytest.mark.parametrize(("edition", "model"), EDITIONS.items())
def test_every_edition_is_asked_as_its_template_wants(edition: str, model: str) -> None:
    dialect = made(model)
    for like in SIDES:
        (said,) = ask(dialect, on("a [hate] text", like), fake.answer)
        assert found(said, "balanced", dialect) == ["hate"]
    assert ("custom/code-interpreter-abuse" in dialect.categories) == (edition in {"3-8b", "4-12b"})
    assert ("image" in dialect.card.modalities) == (edition in {"3-11b-vision", "4-12b"})
    assert edition[:1] in dialect.card.title


@pytest.mark.parametrize(
    ("model", "edition"),
    [
        ("llama-guard3", "3-8b"),
        ("llama-guard3:latest", "3-8b"),
        ("llama-guard3:8b-q4_0", "3-8b"),
        ("llama-guard3:1b", "3-1b"),
        ("meta-llama/Llama-Guard-3-8B-INT8", "3-8b"),
        ("meta-llama/llama-guard-4-12b", "4-12b"),
        ("Llama-Guard-4", "4-12b"),
    ],
)
def test_the_edition_is_read_from_the_name(model: str, edition: str) -> None:
    assert made(model).card == made(EDITIONS[edition]).card


@pytest.mark.parametrize("model", ["guard", "Llama-Guard-2-8B", "llama-guard-3-70b", "LlamaGuard-7b", ""])
def test_a_model_of_unknown_edition_is_refused(model: str) -> None:
    with pytest.raises(ValueError, match="edition"):
        made(model)
    assert made(model, edition="3-1b").card.title == "Llama Guard 3 1B, on your own server"


def test_the_judged_turn_is_the_last_message() -> None:
    body = json.loads(made().query(Question(("reply",), "output", prompt="ask")).body)
    assert body["messages"] == [{"role": "user", "content": "ask"}, {"role": "assistant", "content": "reply"}]
    assert (body["temperature"], body["max_tokens"], body["top_logprobs"]) == (0, 100, 20)
    body = json.loads(made().query(Question(("text",), prompt="of another side")).body)
    assert body["messages"] == [{"role": "user", "content": "text"}]
    body = json.loads(made(content="parts").query(Question(("text",))).body)
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "text"}]}]


def test_the_1b_needs_parts() -> None:
    said = fake.answer(received(made(EDITIONS["3-1b"], content="text").query(Question(("x",)))))
    assert said.status == 400


@pytest.mark.parametrize("model", [EDITIONS["3-11b-vision"], EDITIONS["4-12b"]])
def test_an_image_is_judged_with_the_text_beside_it(model: str) -> None:
    dialect = made(model)
    (said,) = ask(dialect, Question(("what is this [violence]",), image=PICTURE), fake.answer)
    assert found(said, "balanced", dialect) == ["violence"]
    abuse = {"custom/code-interpreter-abuse"} & dialect.categories
    assert said.unseen == abuse
    assert set(said.scores) == dialect.categories - abuse
    content = json.loads(dialect.query(Question(("what",), image=PICTURE)).body)["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"]


@pytest.mark.parametrize("model", [EDITIONS["3-1b"], EDITIONS["3-8b"]])
def test_the_text_models_are_blind(model: str) -> None:
    with pytest.raises(NotEvaluated, match="blind"):
        made(model).query(Question(("what",), image=PICTURE))


def test_the_second_code_is_not_lost() -> None:
    assert [n for n, s in read("unsafe\nS1,S10").scores.items() if s] == ["hate", "violence"]
    assert [n for n, s in read("unsafe\nS3, s12").scores.items() if s] == ["sexual"]


def test_unsafe_without_a_code_is_unnamed() -> None:
    assert {n for n, s in read("unsafe").scores.items() if s} == {UNNAMED}
    assert read("unsafe").scores[UNNAMED] == 1.0


def test_without_log_probabilities_it_is_yes_or_no() -> None:
    assert read("unsafe\nS9").scores["illicit/violent"] == 1.0
    assert max(read("safe").scores.values()) == 0.0
    body = json.loads(made(logprobs=0).query(Question(("x",))).body)
    assert "logprobs" not in body


@pytest.mark.parametrize(
    ("chance", "points"),
    [
        (0.2499, []),
        (0.25, ["strict"]),
        (0.4999, ["strict"]),
        (0.5, ["strict", "balanced"]),
        (0.7999, ["strict", "balanced"]),
        (0.8, ["strict", "balanced", "lenient"]),
    ],
)
def test_the_operating_points(chance: float, points: list[str]) -> None:
    dialect = made()
    text, name = ("unsafe\nS1", "violence") if chance >= 0.5 else ("safe", UNNAMED)
    said = read(text, odds({"unsafe": chance, "safe": 1 - chance}), dialect)
    assert said.scores[name] == pytest.approx(chance)
    rounded = Scores({n: round(s, 6) for n, s in said.scores.items()})
    assert [p for p in ("strict", "balanced", "lenient") if name in found(rounded, p, dialect)] == points


def test_words_and_odds_that_disagree_are_read_as_the_worse() -> None:
    dialect = made()
    assert found(read("unsafe\nS1", odds({"safe": 0.6, "unsafe": 0.4}), dialect), "balanced", dialect) == ["violence"]
    assert found(read("safe", odds({"unsafe": 0.6, "safe": 0.4}), dialect), "balanced", dialect) == [UNNAMED]


def test_the_word_may_come_after_a_line_break_and_in_pieces() -> None:
    said = read("\n\nunsafe\nS2", odds({"\n\n": 1.0}, {"uns": 0.7, "safe": 0.3}, {"afe": 1.0}))
    assert said.scores["illicit"] == pytest.approx(0.7)


def test_what_is_ignored_is_not_heard() -> None:
    dialect = made(ignore=frozenset({"S6", "Elections"}))
    assert dialect.categories == made().categories - {"custom/specialized-advice", "custom/elections"}
    assert max(read("unsafe\nS6", odds({"unsafe": 0.9, "safe": 0.1}), dialect).scores.values()) == 0
    assert [n for n, s in read("unsafe\nS6,S1", dialect=dialect).scores.items() if s] == ["violence"]
    assert dialect.points is not None
    assert set(dialect.points["balanced"]) == dialect.categories == dialect.card.categories


def test_one_of_two_codes_of_a_category_may_be_ignored() -> None:
    dialect = made(ignore=frozenset({"S3"}))
    assert "sexual" in dialect.categories
    assert max(read("unsafe\nS3", dialect=dialect).scores.values()) == 0
    assert read("unsafe\nS12", dialect=dialect).scores["sexual"] == 1.0


@pytest.mark.parametrize("options", [{"ignore": frozenset({"S15"})}, {"content": "list"}, {"edition": "5"}])
def test_options_that_are_none_are_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        made(**options)
    with pytest.raises(ValueError, match="ignore"):
        made(EDITIONS["3-1b"], ignore=frozenset({"S14"}))


@pytest.mark.parametrize("code", ["S15", "S0", "S99"])
def test_an_unknown_code_is_not_evaluated(code: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        read(f"unsafe\nS1,{code}")
    assert caught.value.reason == "unknown_category"
    with pytest.raises(NotEvaluated, match="unknown_category"):
        read("unsafe\nS14", dialect=made(EDITIONS["3-1b"]))


@pytest.mark.parametrize(
    "text",
    [
        "Safe.",
        "safe\nS1",
        "unsafe S1",
        "unsafe\nS1\nS2",
        "unsafe\nViolent Crimes",
        "unsafe\nS1,",
        "unsafe\n,",
        "unsafe\nS1;S2",
        "I cannot help with that",
        "UNSAFE\nS1",
        "S1",
        "not safe",
        "safe and sound",
    ],
)
def test_another_answer_is_malformed(text: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        read(text)
    assert caught.value.reason == "malformed"
    assert text not in str(caught.value)


FAULTS: dict[str, tuple[Any, str]] = {
    "no JSON": (Answered(b"<html>"), "malformed"),
    "null": (Answered(b"null"), "malformed"),
    "error": (Answered({"error": {"message": "canary"}}, 400), "status"),
    "busy": (Answered({}, 503), "status"),
    "no choice": (Answered({"choices": []}), "malformed"),
    "two choices": (Answered({"choices": completion("safe", "m")["choices"] * 2}), "malformed"),
    "cut": (Answered(completion("unsafe\nS1,", "m", finish="length")), "cut"),
    "filtered": (Answered(completion("safe", "m", finish="content_filter")), "refused"),
    "empty": (Answered(completion("  ", "m")), "empty"),
    "content is null": (Answered({"choices": [{"message": {"content": None}}]}), "empty"),
    "content is parts": (Answered({"choices": [{"message": {"content": ["safe"]}}]}), "empty"),
    "ended oddly": (Answered(completion("safe", "m", finish="weird")), "malformed"),
    "end is a list": (Answered({"choices": [{"message": {"content": "safe"}, "finish_reason": []}]}), "malformed"),
    "odds are words": (Answered(completion("safe", "m", {"content": [{"top_logprobs": ["x"]}]})), "malformed"),
    "NaN": (Answered(b'{"choices": [{"message": {"content": "safe"}, "x": NaN}]}'), "malformed"),
    "above one": (
        Answered(completion("safe", "m", {"content": [{"top_logprobs": [{"token": "safe", "logprob": 1}]}]})),
        "malformed",
    ),
    "no odds at all": (
        Answered(completion("safe", "m", {"content": [{"top_logprobs": [{"token": "safe", "logprob": -9999}]}]})),
        "malformed",
    ),
}


@pytest.mark.parametrize(("answered", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_faults(answered: Answered, reason: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        made().read(Question(("canary",)), reply(answered))
    assert caught.value.reason == reason
    assert "canary" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_text_that_is_no_unicode_is_not_sent() -> None:
    with pytest.raises(NotEvaluated, match="malformed"):
        made().query(Question(("canary \ud800",)))


def test_the_server_refuses_a_wrong_key() -> None:
    dialect = LlamaGuard(url=BASE + "/v1", api_key="sk-other")
    with pytest.raises(NotEvaluated, match="401"):
        ask(dialect, Question(("x",)), fake.answer)
    with pytest.raises(ValueError, match="key"):
        LlamaGuard(url=BASE, api_key="canary\nkey")


def test_the_card_tells_all_that_can_come() -> None:
    dialect = fake.dialect(BASE)
    assert CARD.categories == dialect.categories == {*fake.MEANS, UNNAMED}
    assert CARD.verified == "document"
    assert all(known(name, custom=CARD.categories) for name in CARD.categories)
    assert {name for name in CARD.categories if not name.startswith("custom/")} <= {*OPENAI_MODERATION, UNNAMED}


CODES = st.sampled_from(["S1", "S3", "S12", "S14", "S99", "", "x"])
TEXTS = st.just("safe") | st.lists(CODES, max_size=3).map(lambda codes: "\n\nunsafe\n" + ",".join(codes))
REPLIES = nearly_good(TEXTS, ["safe", "unsafe", "uns", "un", "\n", ""])


@given(REPLIES)
def test_any_reply_is_scores_or_not_evaluated(held: Any) -> None:
    dialect = made(EDITIONS["4-12b"])
    for question in (Question(("x",)), Question(("x",), "output", prompt="y"), Question(("x",), image=PICTURE)):
        try:
            said = dialect.read(question, Reply(200, (), json.dumps(held).encode()))
        except NotEvaluated:
            continue
        (scores,) = said
        assert all(0 <= score <= 1 for score in scores.scores.values())
        assert set(scores.scores) | scores.unseen == dialect.categories
