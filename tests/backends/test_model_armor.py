"""Google Model Armor: what is asked, and what is read out of what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.dialect import UNNAMED, Dialect, Question
from guardrail.backends.model_armor import CARD, LONGEST, OURS, ModelArmor
from guardrail.checks.protocol import Scores
from tests.backends.fakes import Asked
from tests.backends.fakes import model_armor as fake
from tests.backends.fakes.exchange import HELLO, EveryService, Exchange, asked, holds, replies, told

URL = "https://modelarmor.us-central1.rep.googleapis.com"
CLEAN: Any = fake.found(set())
RESULT = "sanitizationResult"
FILTERS = (RESULT, "filterResults")
RAI = (*FILTERS, "rai", "raiFilterResult")
INJECTION = (*FILTERS, "pi_and_jailbreak", "piAndJailbreakFilterResult")
SKIPPED = {"executionState": "EXECUTION_SKIPPED", "messageItems": [{"messageType": "ERROR", "message": "canary"}]}


def armor(**settings: Any) -> ModelArmor:
    return ModelArmor(**{"template": fake.TEMPLATE, "api_key": fake.KEY, **settings})


DIALECT = fake.dialect(URL)
DIALECTS: list[Dialect] = [DIALECT, armor(ignore=frozenset({"sdp", "dangerous"}))]
QUESTIONS = [HELLO, Question(("hello",), "output")]
EXCHANGE = Exchange(fake.answer, DIALECT, CLEAN)
said, reason, unsent = EXCHANGE.said, EXCHANGE.reason, EXCHANGE.unsent
changed, without = EXCHANGE.changed, EXCHANGE.without


class TestAsEveryService(EveryService):
    exchange = EXCHANGE


def read(body: Any, dialect: Dialect = DIALECT) -> Scores:
    (scores,) = dialect.read(HELLO, told(body))
    return scores


def found(scores: Scores) -> list[str]:
    assert scores.flags is not None
    return [name for name, flag in scores.flags.items() if flag]


def test_a_prompt_goes_to_the_templates_own_region() -> None:
    query = armor().query(HELLO)
    assert (query.method, query.url) == ("POST", f"{URL}/v1/{fake.TEMPLATE}:sanitizeUserPrompt")
    assert dict(query.headers) == {"authorization": f"Bearer {fake.KEY}", "content-type": "application/json"}
    assert json.loads(query.body) == {"userPromptData": {"text": "hello canary"}}
    assert DIALECT.query(HELLO) == query


def test_a_reply_goes_as_a_models_response() -> None:
    query = DIALECT.query(Question(("a reply",), "output", prompt="asked"))
    assert query.url == f"{URL}/v1/{fake.TEMPLATE}:sanitizeModelResponse"
    assert json.loads(query.body) == {"modelResponseData": {"text": "a reply"}}


def test_its_card_says_what_it_can() -> None:
    assert CARD.categories == set(OURS.values()) == set(fake.MEANS)
    assert DIALECT.card.categories == DIALECT.categories == CARD.categories
    assert (DIALECT.batch, DIALECT.criteria, DIALECT.slow, DIALECT.points) == (1, (), False, None)
    assert DIALECT.model == fake.TEMPLATE


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("category", sorted(fake.MEANS))
def test_each_category_alone_is_found_under_our_name(category: str, side: Any) -> None:
    (scores,) = said(DIALECT, Question((f"a text about [{category}]",), side))
    assert scores.flags == {name: name == category for name in fake.MEANS}
    assert scores.unseen == frozenset()
    levelled = {"sexual", "hate", "harassment", "illicit", "prompt_injection"}
    assert scores.scores == ({category: 1.0} if category in levelled else {})


def test_clean_text_gives_nothing() -> None:
    (scores,) = said(DIALECT, HELLO)
    assert (scores.scores, scores.flags, scores.unseen) == ({}, dict.fromkeys(fake.MEANS, False), frozenset())


def test_the_confidence_is_told_in_steps() -> None:
    for level, number in (("LOW_AND_ABOVE", 1 / 3), ("MEDIUM_AND_ABOVE", 2 / 3), ("HIGH", 1.0)):
        scores = read(changed(*INJECTION, "confidenceLevel", to=level))
        assert scores.scores == {"prompt_injection": number}
        assert not found(scores)
    assert read(changed(*INJECTION, "confidenceLevel", to="DETECTION_CONFIDENCE_LEVEL_UNSPECIFIED")).scores == {}


def test_a_match_counts_although_the_whole_is_said_not_to_match() -> None:
    """So stands the document's own example: a match in ``dangerous``, none in the whole."""
    body = fake.found({"dangerous"})
    body[RESULT]["filterMatchState"] = "NO_MATCH_FOUND"
    assert found(read(body)) == ["illicit"]


def test_a_filter_that_the_template_has_not_on_is_unseen() -> None:
    scores = read(without(*FILTERS, "sdp"))
    assert not found(scores)
    assert scores.unseen == {"custom/sensitive-data"}
    assert read(without(*FILTERS, "rai")).unseen == {"sexual", "hate", "harassment", "illicit"}
    assert read(without(*RAI, "raiFilterTypeResults", "hate_speech")).unseen == {"hate"}


@pytest.mark.parametrize("outcome", ["SUCCESS", "PARTIAL"])
@pytest.mark.parametrize("state", [SKIPPED, {}, {"executionState": "FILTER_EXECUTION_STATE_UNSPECIFIED"}])
def test_a_filter_that_was_skipped_found_nothing_and_judged_nothing(state: Any, outcome: str) -> None:
    for match in ({}, {"matchState": "NO_MATCH_FOUND"}, {"matchState": "FILTER_MATCH_STATE_UNSPECIFIED"}):
        body = changed(*INJECTION, to={**state, **match})
        body[RESULT]["invocationResult"] = outcome
        assert read(body).unseen == {"prompt_injection"}
    body = changed(*FILTERS, "sdp", "sdpFilterResult", to={"inspectResult": state})
    assert read(body).unseen == {"custom/sensitive-data"}


def test_types_of_a_skipped_filter_are_unseen_but_for_matches() -> None:
    body = fake.found({"hate_speech"})
    body[RESULT]["invocationResult"] = "PARTIAL"
    body[RESULT]["filterResults"]["rai"]["raiFilterResult"]["executionState"] = "EXECUTION_SKIPPED"
    scores = read(body)
    assert found(scores) == ["hate"]
    assert scores.unseen == {"sexual", "harassment", "illicit"}


def test_a_state_that_is_not_said_is_no_clean_bill() -> None:
    assert read(changed(*INJECTION, to={"executionState": "EXECUTION_SUCCESS"})).unseen == {"prompt_injection"}
    assert read(changed(*RAI, "raiFilterTypeResults", "harassment", to={"filterType": 6})).unseen == {"harassment"}


def test_where_something_was_skipped_and_nobody_says_what_nothing_is_clean() -> None:
    assert reason(changed(RESULT, "invocationResult", to="PARTIAL")) == "empty"
    body = fake.found({"csam"})
    body[RESULT]["invocationResult"] = "PARTIAL"
    body[RESULT]["filterResults"]["pi_and_jailbreak"]["piAndJailbreakFilterResult"]["confidenceLevel"] = "LOW_AND_ABOVE"
    scores = read(body)
    assert scores.flags == {"sexual/minors": True}
    assert scores.unseen == set(fake.MEANS) - {"sexual/minors"}
    assert "prompt_injection" not in scores.scores


def test_where_all_was_skipped_nothing_was_judged() -> None:
    assert reason(changed(RESULT, "invocationResult", to="FAILURE")) == "empty"
    assert reason(changed(*FILTERS, to={"csam": {"csamFilterFilterResult": SKIPPED}})) == "empty"
    assert reason(without(*FILTERS)) == reason(changed(*FILTERS, to={})) == "empty"


@pytest.mark.parametrize("outcome", [None, "INVOCATION_RESULT_UNSPECIFIED", "OK", 1, True, ["SUCCESS"]])
def test_without_an_outcome_a_reply_is_malformed(outcome: Any) -> None:
    assert reason(changed(RESULT, "invocationResult", to=outcome)) == "malformed"


def test_a_match_without_a_filter_is_an_unnamed_harm() -> None:
    scores = read(changed(RESULT, "filterMatchState", to="MATCH_FOUND"))
    assert found(scores) == [UNNAMED]
    scores = read({RESULT: {"filterMatchState": "MATCH_FOUND", "invocationResult": "SUCCESS"}})
    assert scores.flags == {UNNAMED: True}
    assert scores.unseen == set(fake.MEANS)
    assert found(read(changed(*RAI, "matchState", to="MATCH_FOUND"))) == [UNNAMED]


def test_sensitive_data_that_was_taken_out_was_found() -> None:
    done = {"executionState": "EXECUTION_SUCCESS", "matchState": "MATCH_FOUND", "data": {"text": "canary"}}
    body = changed(*FILTERS, "sdp", "sdpFilterResult", to={"deidentifyResult": done})
    assert found(read(body)) == ["custom/sensitive-data"]


@pytest.mark.parametrize(
    "body",
    [
        without(RESULT),
        changed(RESULT, to="x"),
        changed(RESULT, "filterMatchState", to="MAYBE"),
        changed(RESULT, "filterMatchState", to=True),
        changed(*FILTERS, to=[]),
        changed(*FILTERS, "csam", to={}),
        changed(*FILTERS, "csam", to="x"),
        changed(*FILTERS, "csam", to={"csamFilterResult": {}}),
        changed(*FILTERS, "sdp", "sdpFilterResult", to={}),
        changed(*INJECTION, to=[]),
        changed(*INJECTION, "matchState", to="YES"),
        changed(*INJECTION, "matchState", to=2),
        changed(*INJECTION, "executionState", to="DONE"),
        changed(*INJECTION, "confidenceLevel", to="VERY_HIGH"),
        changed(*INJECTION, "confidenceLevel", to=0.9),
        changed(*RAI, "raiFilterTypeResults", to=[]),
        changed(*RAI, "raiFilterTypeResults", "dangerous", to="x"),
        changed(*RAI, "matchState", to="x"),
    ],
)
def test_what_is_not_the_documented_shape_is_malformed(body: Any) -> None:
    assert reason(body) == "malformed"


def test_an_unknown_filter_is_told() -> None:
    assert reason(changed(*FILTERS, "canary", to={})) == "unknown_category"
    assert reason(changed(*RAI, "raiFilterTypeResults", "canary", to={})) == "unknown_category"


def test_what_is_ignored_is_not_returned() -> None:
    deaf = armor(ignore=frozenset({"sdp", "dangerous"}))
    assert deaf.categories == deaf.card.categories == set(fake.MEANS) - {"custom/sensitive-data", "illicit"}
    scores = read(fake.found({"sdp", "dangerous", "csam"}), deaf)
    assert (found(scores), scores.scores) == (["sexual/minors"], {})
    scores = read(fake.found({"sdp", "dangerous"}), deaf)
    assert (scores.flags, scores.unseen) == (dict.fromkeys(deaf.categories, False), frozenset())
    body = changed(*FILTERS, "sdp", "sdpFilterResult", "inspectResult", to=SKIPPED)
    body[RESULT]["invocationResult"] = "PARTIAL"
    assert read(body, deaf).unseen == frozenset()


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="none of: csam, dangerous"):
        armor(ignore=frozenset({"rai"}))
    with pytest.raises(ValueError, match="leaves nothing"):
        armor(ignore=frozenset(OURS))
    for template in ("templ01", f"{fake.TEMPLATE}/x", f"{fake.TEMPLATE}?x", "projects/p/locations/a.evil/templates/t"):
        with pytest.raises(ValueError, match="template"):
            armor(template=template)
    with pytest.raises(ValueError, match="API key") as caught:
        armor(api_key="canary\nx: y")
    assert "canary" not in str(caught.value)


def test_a_token_may_be_made_for_each_request() -> None:
    tokens = iter(["canary-1", fake.KEY])
    fresh = armor(api_key=lambda: next(tokens))
    assert fresh.slow
    assert dict(fresh.query(HELLO).headers)["authorization"] == "Bearer canary-1"
    assert said(fresh, HELLO)
    assert unsent(HELLO, fresh) == "refused"  # no more tokens


@pytest.mark.parametrize("token", ["", "canary\nx: y", None, 7])
def test_what_is_no_token_is_not_sent(token: Any) -> None:
    assert unsent(HELLO, armor(api_key=lambda: token)) == "refused"


def test_what_cannot_be_judged_is_not_sent() -> None:
    assert said(DIALECT, Question(("a" * LONGEST,)))
    assert unsent(Question(("a" * (LONGEST + 1),))) == "too_large"
    assert unsent(Question(("a", "b"))) == unsent(Question(())) == "malformed"
    assert unsent(Question((), image="data:image/png;base64,Y2FuYXJ5")) == "blind"


def test_the_fake_refuses_what_the_document_does() -> None:
    query = DIALECT.query(HELLO)
    assert fake.answer(asked(armor(api_key=None).query(HELLO))).status == 401
    assert fake.answer(asked(armor(template=f"{fake.TEMPLATE}2").query(HELLO))).status == 404
    bodies: list[Any] = [{}, {"userPromptData": {}}, {"userPromptData": "x"}]
    for body in (*bodies, {"userPromptData": {"text": "x"}, "canary": 1}):
        sent = Asked("POST", asked(query).path, dict(query.headers), json.dumps(body).encode())
        assert fake.answer(sent).status == 400


WORDS = [*OURS, "rai", *FILTERS, *INJECTION, *RAI, *SKIPPED, "invocationResult", "matchState", "confidenceLevel"]
WORDS += ["MATCH_FOUND", "NO_MATCH_FOUND", "EXECUTION_SUCCESS", "EXECUTION_SKIPPED", "PARTIAL", "SUCCESS"]


@given(replies(CLEAN, WORDS), st.sampled_from(QUESTIONS), st.sampled_from(DIALECTS))
def test_any_reply_is_read_as_one_scores_a_text_or_not_at_all(body: Any, question: Question, dialect: Dialect) -> None:
    holds(dialect, question, body)
