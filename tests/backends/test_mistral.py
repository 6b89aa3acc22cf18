"""Mistral's moderation service: what is asked, and what is read out of what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.dialect import Dialect, Question
from guardrail.backends.mistral import BATCH, CARD, LONGEST, OURS, MistralModeration
from tests.backends.fakes import Asked
from tests.backends.fakes import mistral as fake
from tests.backends.fakes.exchange import HELLO, EveryService, Exchange, asked, holds, replies, told

URL = "https://api.mistral.ai"
OLD = "mistral-moderation-2411"
ANSWER = Question(("a reply",), "output", prompt="what the user had asked")
CLEAN: Any = {"id": "m-1", "model": fake.MODEL, "results": [fake.result("hello")]}


def mistral(**settings: Any) -> MistralModeration:
    return MistralModeration(url=URL, api_key=fake.KEY, **settings)


DIALECT = fake.dialect(URL)
OLDER = mistral(model=OLD)
ADVICE = frozenset({"health", "financial", "law"})
DIALECTS: list[Dialect] = [DIALECT, OLDER, mistral(ignore=ADVICE)]
QUESTIONS = [HELLO, ANSWER, Question(("a", "b"))]
EXCHANGE = Exchange(fake.answer, DIALECT, CLEAN)
said, reason, unsent = EXCHANGE.said, EXCHANGE.reason, EXCHANGE.unsent
changed, without = EXCHANGE.changed, EXCHANGE.without


class TestAsEveryService(EveryService):
    exchange = EXCHANGE


def test_texts_go_to_the_endpoint_for_texts() -> None:
    query = DIALECT.query(Question(("hello canary", "zwei")))
    assert (query.method, query.url) == ("POST", f"{URL}/v1/moderations")
    assert dict(query.headers) == {"authorization": f"Bearer {fake.KEY}", "content-type": "application/json"}
    assert json.loads(query.body) == {"model": fake.MODEL, "input": ["hello canary", "zwei"]}
    assert DIALECT.query(Question(("reply",), "output")).url == f"{URL}/v1/moderations"
    assert DIALECT.query(Question(("hello",), prompt="before")).url == f"{URL}/v1/moderations"


def test_replies_go_as_the_last_turn_of_a_conversation() -> None:
    query = DIALECT.query(Question(("one", "two"), "output", prompt="asked"))
    assert query.url == f"{URL}/v1/chat/moderations"
    before = {"role": "user", "content": "asked"}
    talks = [[before, {"role": "assistant", "content": text}] for text in ("one", "two")]
    assert json.loads(query.body) == {"model": fake.MODEL, "input": talks}


def test_the_address_is_that_of_its_own_client() -> None:
    for url in (URL, f"{URL}/", f"{URL}/v1", f"{URL}/v1/"):
        assert MistralModeration(url=url).query(HELLO).url == f"{URL}/v1/moderations"
    assert MistralModeration().query(HELLO).url == f"{URL}/v1/moderations"


def test_the_services_own_models_read_the_same() -> None:
    """Keeps the fake honest: it must be what the vendor's own client sends and reads."""
    models = pytest.importorskip("mistralai.client.models")
    models.ClassificationRequest.model_validate_json(DIALECT.query(HELLO).body)
    models.ChatModerationRequest.model_validate_json(DIALECT.query(ANSWER).body)
    body = fake.answer(asked(DIALECT.query(Question(("[hate]",))))).body
    (result,) = models.ModerationResponse.model_validate(body).results
    assert [name for name, flag in result.categories.items() if flag] == ["hate_and_discrimination"]
    assert set(models.ModerationLlmv2CategoryThresholds.model_fields) == set(fake.NAMES)
    assert set(models.ModerationLlmv1CategoryThresholds.model_fields) == set(fake.OLDER)


def test_its_card_says_what_it_can() -> None:
    assert CARD.categories == set(OURS.values()) == set(fake.MEANS)
    assert DIALECT.card.categories == DIALECT.categories == set(fake.MEANS)
    assert OLDER.card.categories == OLDER.categories == set(fake.MEANS) - {"prompt_injection"}
    assert (DIALECT.points, DIALECT.slow, DIALECT.criteria, DIALECT.model) == (None, False, (), fake.MODEL)
    assert OURS.keys() == {*fake.NAMES, *fake.OLDER}


@pytest.mark.parametrize("question", [HELLO, Question(("x",), "output"), ANSWER])
@pytest.mark.parametrize("category", sorted(fake.MEANS))
def test_each_category_alone_is_found_under_our_name(category: str, question: Question) -> None:
    about = Question((f"a text about [{category}]",), question.side, prompt=question.prompt)
    (scores,) = said(DIALECT, about)
    assert scores.flags == {name: name == category for name in fake.MEANS}
    assert (scores.scores[category], scores.unseen, scores.model) == (0.97, frozenset(), fake.MODEL)
    (scores,) = said(OLDER, about)
    assert scores.flags == {name: name == category for name in OLDER.categories}
    assert (scores.unseen, scores.model) == (frozenset(), OLD)


@pytest.mark.parametrize("name", ["dangerous", "criminal"])
def test_what_is_dangerous_and_what_is_criminal_are_both_illicit(name: str) -> None:
    (scores,) = said(DIALECT, Question((f"a text about [{name}]",)))
    assert scores.flags is not None
    assert [category for category, flag in scores.flags.items() if flag] == ["illicit"]
    assert scores.scores["illicit"] == 0.97


def test_what_the_prompt_is_about_is_not_what_the_reply_is_about() -> None:
    (scores,) = said(DIALECT, Question(("a reply",), "output", prompt="[violence]"))
    assert scores.flags is not None
    assert not any(scores.flags.values())


def test_the_second_of_three_results_is_not_lost() -> None:
    said_of = said(DIALECT, Question(("a", "b [hate]", "c")))
    assert [one.flags and one.flags["hate"] for one in said_of] == [False, True, False]


def test_the_flag_is_the_services_whatever_the_score() -> None:
    for number, flag in ((0.999, False), (0.001, True)):
        body = changed("results", 0, "category_scores", "sexual", to=number)
        body["results"][0]["categories"]["sexual"] = flag
        (scores,) = DIALECT.read(HELLO, told(body))
        assert (scores.scores["sexual"], scores.flags and scores.flags["sexual"]) == (number, flag)


def test_an_older_models_answer_leaves_unseen_what_it_does_not_know() -> None:
    """By the documents, ``mistral-moderation-latest`` may be either."""
    older = {"id": "m", "model": OLD, "results": [fake.result("[criminal]", fake.OLDER)]}
    (scores,) = mistral(model="mistral-moderation-latest").read(HELLO, told(older))
    assert scores.unseen == {"prompt_injection"}
    assert scores.flags is not None
    assert scores.flags["illicit"] is True


def test_a_category_that_is_missing_is_unseen() -> None:
    for name, ours in (("dangerous", "illicit"), ("criminal", "illicit"), ("pii", "personal")):
        assert DIALECT.read(HELLO, told(without("results", 0, "categories", name)))[0].unseen == {ours}
    (scores,) = DIALECT.read(HELLO, told(without("results", 0, "category_scores", "pii")))
    assert (scores.unseen, "personal" in scores.scores) == (frozenset(), False)


@pytest.mark.parametrize(
    "body",
    [
        without("results", 0, "categories"),
        without("results", 0, "category_scores"),
        changed("results", 0, "categories", to=[]),
        changed("results", 0, "category_scores", to="x"),
        changed("results", 0, "categories", "law", to="false"),
        changed("results", 0, "categories", "law", to=0),
        changed("results", 0, "category_scores", "law", to="0.1"),
        changed("results", 0, "category_scores", "law", to=True),
        changed("results", 0, "category_scores", "law", to=1.01),
        changed("results", 0, "category_scores", "law", to=-0.01),
        changed("results", 0, "category_scores", "law", to=float("nan")),
        changed("results", 0, "category_scores", "law", to=float("inf")),
        changed("results", 0, to="x"),
        changed("results", to={"0": {}}),
        without("results"),
    ],
)
def test_what_is_not_the_documented_shape_is_malformed(body: Any) -> None:
    assert reason(body) == "malformed"
    assert reason(body, dialect=mistral(ignore=ADVICE)) == "malformed"


def test_a_wrong_count_is_malformed() -> None:
    assert reason(CLEAN, Question(("a", "b"))) == "malformed"
    assert reason(changed("results", to=CLEAN["results"] * 2)) == "malformed"


def test_a_reply_that_judges_nothing_is_empty() -> None:
    assert reason(changed("results", to=[])) == "empty"
    assert reason(changed("results", to=[{"categories": {}, "category_scores": {}}])) == "empty"


def test_an_unknown_category_is_told() -> None:
    assert reason(changed("results", 0, "categories", "canary", to=True)) == "unknown_category"
    assert reason(changed("results", 0, "category_scores", "canary", to=0.1)) == "unknown_category"


def test_what_is_ignored_is_not_returned() -> None:
    deaf = mistral(ignore=frozenset({"pii", "dangerous"}))
    assert deaf.categories == deaf.card.categories == set(fake.MEANS) - {"personal"}
    (scores,) = said(deaf, Question(("[personal] [dangerous] [hate]",)))
    assert scores.flags == {name: name == "hate" for name in deaf.categories}
    assert scores.scores.keys() == deaf.categories
    assert scores.unseen == frozenset()
    lawless = mistral(ignore=frozenset({"criminal", "dangerous"}))
    for result in (fake.result("[illicit]"), fake.result("[illicit]", fake.OLDER)):
        (scores,) = lawless.read(HELLO, told(changed("results", to=[result])))
        assert scores.flags is not None
        assert "illicit" not in {*scores.flags, *scores.scores, *scores.unseen}


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="none of: criminal, dangerous, dangerous_and"):
        mistral(ignore=frozenset({"hate"}))
    with pytest.raises(ValueError, match="leaves nothing"):
        mistral(ignore=frozenset(OURS))
    with pytest.raises(ValueError, match="API key"):
        MistralModeration(api_key="canary\u2026")


def test_what_is_too_much_is_not_sent() -> None:
    assert fake.answer(asked(DIALECT.query(Question(("a" * LONGEST,) * BATCH)))).status == 200
    assert unsent(Question(("a" * (LONGEST + 1),))) == "too_large"
    assert unsent(Question(("a",) * (BATCH + 1))) == unsent(Question(())) == "malformed"
    assert unsent(Question((), image="data:image/png;base64,Y2FuYXJ5")) == "blind"
    long = Question(("a",), "output", prompt="x" * LONGEST + "the end")
    assert json.loads(DIALECT.query(long).body)["input"][0][0]["content"] == ("x" * LONGEST + "the end")[-LONGEST:]


def test_the_fake_refuses_what_the_document_does() -> None:
    query = DIALECT.query(HELLO)
    assert fake.answer(asked(MistralModeration(url=URL).query(HELLO))).status == 401
    bodies: list[Any] = [{"input": "x"}, {"model": "m", "input": []}, {"model": "m", "input": [1]}, [], {"model": "m"}]
    for body in bodies:
        sent = Asked("POST", "/v1/moderations", dict(query.headers), json.dumps(body).encode())
        assert fake.answer(sent).status == 422


WORDS = ["results", "categories", "category_scores", "model", "sexual", "law", "pii", "criminal", "jailbreaking"]


@given(replies(CLEAN, WORDS), st.sampled_from(QUESTIONS), st.sampled_from(DIALECTS))
def test_any_reply_is_read_as_one_scores_a_text_or_not_at_all(body: Any, question: Question, dialect: Dialect) -> None:
    holds(dialect, question, body)
