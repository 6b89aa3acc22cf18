from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.bedrock_guardrail import BedrockGuardrail
from guardrail.backends.bedrock_names import CONFIDENCE, FILTERS, KNOWN
from guardrail.backends.dialect import UNNAMED, Question
from guardrail.checks.protocol import Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Reply

from .fakes import bedrock_guardrail as fake
from .fakes.bedrock_guardrail import BASE, found

LOW, MEDIUM, HIGH = CONFIDENCE["LOW"], CONFIDENCE["MEDIUM"], CONFIDENCE["HIGH"]
TEXT = Question(("a text",))


def reply(*assessments: Any, **changes: Any) -> Reply:
    held = {"usage": fake.usage(), "action": "NONE", "outputs": [], "assessments": list(assessments), **changes}
    return Reply(200, (), json.dumps(held).encode())


def read(held: Reply, question: Question = TEXT, **options: Any) -> Sequence[Scores]:
    return fake.guardrail(BASE, **options).read(question, held)


def reason(held: Reply, question: Question = TEXT) -> str:
    with pytest.raises(NotEvaluated) as caught:
        read(held, question)
    assert "canary" not in str(caught.value)
    return caught.value.reason


def one(policy: str, member: str, **entry: Any) -> dict[str, Any]:
    return {policy: {member: [entry]}}


def filtered(name: str = "HATE", confidence: str = "NONE", action: str = "NONE", **more: Any) -> dict[str, Any]:
    return one("contentPolicy", "filters", type=name, confidence=confidence, action=action, **more)


@pytest.mark.parametrize(("confidence", "score"), CONFIDENCE.items())
def test_confidence_is_the_score(confidence: str, score: float) -> None:
    (said,) = read(reply(filtered(confidence=confidence, detected=False)))
    assert (said.scores["hate"], found(said)) == (score, set())


@pytest.mark.parametrize(
    ("entry", "score", "flag"),
    [
        ({"confidence": "LOW", "action": "BLOCKED"}, MEDIUM, True),
        ({"confidence": "LOW", "action": "NONE", "detected": True, "filterStrength": "HIGH"}, MEDIUM, True),
        ({"confidence": "HIGH", "action": "BLOCKED", "detected": True}, HIGH, True),
        ({"confidence": "HIGH", "action": "NONE", "detected": False, "filterStrength": "LOW"}, HIGH, False),
        ({"confidence": "LOW", "action": "NONE"}, LOW, False),
        ({"confidence": "NONE", "action": "BLOCKED", "detected": False}, MEDIUM, True),
    ],
)
def test_what_the_guardrail_detects_reaches_balanced(entry: dict[str, Any], score: float, *, flag: bool) -> None:
    (said,) = read(reply(filtered(**entry)))
    assert (said.scores["hate"], found(said)) == (score, {"hate"} if flag else set())


def test_a_filter_that_the_guardrail_does_not_have_is_unseen() -> None:
    (said,) = read(reply(filtered("VIOLENCE")))
    assert said.unseen == {*FILTERS.values(), "custom/fiduciary-advice"} - {"violence"}
    assert set(said.scores) == {"violence", UNNAMED}
    (said,) = read(reply(filtered("VIOLENCE", filterStrength="NONE")))
    assert "violence" in said.unseen
    assert "violence" not in said.scores


def test_of_several_assessments_the_worst_stands() -> None:
    """A guardrail of the account is applied beside one's own."""
    (said,) = read(
        reply(
            filtered(confidence="MEDIUM", detected=False),
            filtered(confidence="HIGH", action="BLOCKED", detected=True),
            filtered(confidence="LOW", detected=False),
            action="GUARDRAIL_INTERVENED",
        )
    )
    assert (said.scores["hate"], found(said)) == (HIGH, {"hate"})


@pytest.mark.parametrize("assessments", [[], [{}], [filtered()]])
def test_a_guardrail_that_stepped_in_for_no_known_reason_is_heard(assessments: list[Any]) -> None:
    (said,) = read(reply(*assessments, action="GUARDRAIL_INTERVENED"))
    assert found(said) == {UNNAMED}
    assert said.scores[UNNAMED] == 1.0


def test_the_documented_examples_are_read() -> None:
    blocked = {
        "topicPolicy": {"topics": [{"name": "Cars", "type": "DENY", "action": "BLOCKED"}]},
        "sensitiveInformationPolicy": {
            "piiEntities": [{"type": "NAME", "match": "ZAID", "action": "ANONYMIZED"}],
            "regexes": [],
        },
    }
    (said,) = read(reply(blocked, action="GUARDRAIL_INTERVENED"), topics=["Cars"])
    assert found(said) == {"custom/cars", "custom/name"}
    (said,) = read(reply({}))
    assert found(said) == set()
    assert said.unseen == {*FILTERS.values(), "custom/fiduciary-advice"}
    preview = {
        "filters": [filtered("VIOLENCE", "LOW", detected=True, filterStrength="HIGH")["contentPolicy"]["filters"][0]]
    }
    (said,) = read(reply({"contentPolicy": preview}))
    assert found(said) == {"violence"}


def test_what_servers_leave_out_is_empty() -> None:
    """As seen in https://github.com/BerriAI/litellm/issues/10971: no ``regexes``, no other policy."""
    entity = {"action": "ANONYMIZED", "detected": True, "match": "canary", "type": "CREDIT_DEBIT_CARD_NUMBER"}
    held = reply(
        {"sensitiveInformationPolicy": {"piiEntities": [entity]}, "wordPolicy": {"customWords": None}},
        action="GUARDRAIL_INTERVENED",
        actionReason="Guardrail masked.",
        guardrailCoverage={"textCharacters": {"guarded": 65, "total": 65}},
        outputs=[{"text": "canary"}],
    )
    assert found(read(held)[0]) == {"personal/card"}


def test_an_ungrounded_answer_has_a_score_the_other_way_round() -> None:
    def grounded(score: float, **more: Any) -> Scores:
        entry = {"type": "GROUNDING", "threshold": 0.75, "score": score, "action": "NONE", **more}
        (said,) = read(reply(one("contextualGroundingPolicy", "filters", **entry)))
        return said

    assert grounded(0.75, detected=False).scores["custom/ungrounded"] == 0.25
    assert grounded(0.5, detected=True, action="BLOCKED").scores["custom/ungrounded"] == 1.0
    assert found(grounded(0.5, detected=True)) == {"custom/ungrounded"}


def test_an_image_that_was_not_looked_at_is_not_clean() -> None:
    shown = Question((), image="data:image/png;base64,AA==")
    assert reason(reply(filtered()), shown) == "blind"
    assert reason(reply(filtered(), guardrailCoverage={"images": {"guarded": 0, "total": 1}}), shown) == "blind"
    assert read(reply(filtered(), guardrailCoverage={"images": {"guarded": 1, "total": 1}}), shown)
    assert read(reply(filtered(), usage=fake.usage(images=1)), shown)
    assert read(reply(filtered(confidence="HIGH", action="BLOCKED")), shown)


def test_a_text_that_was_not_read_whole_is_not_clean() -> None:
    partly = {"textCharacters": {"guarded": 5, "total": 6}}
    assert reason(reply(filtered(), guardrailCoverage=partly)) == "cut"
    assert found(read(reply(filtered(confidence="HIGH", action="BLOCKED"), guardrailCoverage=partly))[0]) == {"hate"}
    assert read(reply(filtered(), guardrailCoverage={"textCharacters": {"guarded": 6, "total": 6}}))
    assert read(reply(filtered(), guardrailCoverage={}))


def bad(policy: str, member: str, **entry: Any) -> Reply:
    return reply(one(policy, member, **entry))


HATE = {"type": "HATE", "confidence": "LOW", "action": "NONE"}


FAULTS: dict[str, tuple[Reply, str]] = {
    "nothing": (Reply(200, (), b""), "malformed"),
    "not JSON": (Reply(200, (), b"<html>"), "malformed"),
    "not UTF-8": (Reply(200, (), b'{"action": "\xff"}'), "malformed"),
    "null": (Reply(200, (), b"null"), "malformed"),
    "list": (Reply(200, (), b"[]"), "malformed"),
    "no action": (Reply(200, (), b'{"assessments": [{}]}'), "malformed"),
    "no assessments": (Reply(200, (), b'{"action": "NONE"}'), "malformed"),
    "an exception with status 200": (Reply(200, (), b'{"Output": {"__type": "x"}, "Version": "1.0"}'), "malformed"),
    "action is unknown": (reply(filtered(), action="BLOCKED"), "malformed"),
    "action is a list": (reply(filtered(), action=["NONE"]), "malformed"),
    "nothing assessed": (reply(), "empty"),
    "assessments are null": (reply(assessments=None), "empty"),
    "assessments are an object": (reply(assessments={}), "malformed"),
    "assessment is null": (reply(None), "malformed"),
    "policy is a list": (reply({"contentPolicy": []}), "malformed"),
    "filters are an object": (reply({"contentPolicy": {"filters": {}}}), "malformed"),
    "filter is a word": (reply({"contentPolicy": {"filters": ["HATE"]}}), "malformed"),
    "no type": (bad("contentPolicy", "filters", confidence="LOW", action="NONE"), "malformed"),
    "no confidence": (bad("contentPolicy", "filters", type="HATE", action="NONE"), "malformed"),
    "no entry's action": (bad("contentPolicy", "filters", type="HATE", confidence="LOW"), "malformed"),
    "unknown confidence": (bad("contentPolicy", "filters", **{**HATE, "confidence": "SOME"}), "malformed"),
    "confidence is a number": (bad("contentPolicy", "filters", **{**HATE, "confidence": 1}), "malformed"),
    "confidence is a list": (bad("contentPolicy", "filters", **{**HATE, "confidence": ["LOW"]}), "malformed"),
    "unknown action": (bad("contentPolicy", "filters", **{**HATE, "action": "DETECTED"}), "malformed"),
    "detected is a word": (bad("contentPolicy", "filters", **HATE, detected="true"), "malformed"),
    "detected is a number": (bad("contentPolicy", "filters", **HATE, detected=1), "malformed"),
    "unknown filter": (bad("contentPolicy", "filters", **{**HATE, "type": "CANARY"}), "unknown_category"),
    "unknown PII": (bad("sensitiveInformationPolicy", "piiEntities", type="CANARY", action="NONE"), "unknown_category"),
    "PII without type": (bad("sensitiveInformationPolicy", "piiEntities", action="BLOCKED"), "malformed"),
    "regex without action": (bad("sensitiveInformationPolicy", "regexes", name="x"), "malformed"),
    "topic without name": (bad("topicPolicy", "topics", type="DENY", action="BLOCKED"), "malformed"),
    "word without action": (bad("wordPolicy", "customWords", match="canary"), "malformed"),
    "unknown list": (bad("wordPolicy", "managedWordLists", type="CANARY", action="BLOCKED"), "unknown_category"),
    "unknown grounding": (bad("contextualGroundingPolicy", "filters", type="X", action="NONE"), "unknown_category"),
    "grounding without score": (
        bad("contextualGroundingPolicy", "filters", type="GROUNDING", action="NONE"),
        "malformed",
    ),
    "grounding is NaN": (
        bad("contextualGroundingPolicy", "filters", type="GROUNDING", action="NONE", score=float("nan")),
        "malformed",
    ),
    "grounding is above": (
        bad("contextualGroundingPolicy", "filters", type="GROUNDING", action="NONE", score=1.5),
        "malformed",
    ),
    "coverage is a list": (reply(filtered(), guardrailCoverage={"textCharacters": []}), "malformed"),
    "coverage is words": (
        reply(filtered(), guardrailCoverage={"textCharacters": {"guarded": "1", "total": "1"}}),
        "malformed",
    ),
}


@pytest.mark.parametrize(("held", "why"), FAULTS.values(), ids=FAULTS.keys())
def test_a_broken_reply_is_no_clean_text(held: Reply, why: str) -> None:
    assert read(reply(filtered()))
    assert reason(held) == why


@pytest.mark.parametrize("status", [201, 302, 400, 403, 404, 429, 500, 503])
def test_only_status_200_is_read(status: int) -> None:
    assert reason(Reply(status, (), reply(filtered()).body)) == "status"


WORDS = st.sampled_from(["HATE", "EMAIL", "PROFANITY", "GROUNDING", "LOW", "HIGH", "NONE", "BLOCKED", "x"])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=10,
)
ENTRY = st.fixed_dictionaries(
    {"type": WORDS, "action": st.sampled_from(["NONE", "BLOCKED", "ANONYMIZED"])},
    optional={"confidence": WORDS, "detected": st.booleans(), "score": st.floats(0, 1), "name": WORDS, "match": JSON},
)
MEMBERS = ("filters", "topics", "customWords", "managedWordLists", "piiEntities", "regexes")

POLICY = st.fixed_dictionaries({}, optional=dict.fromkeys(MEMBERS, st.lists(ENTRY | JSON, max_size=2) | JSON))
POLICIES = sorted(name for name in KNOWN if name.endswith("Policy"))

ASSESSMENT = st.fixed_dictionaries({}, optional=dict.fromkeys(POLICIES, POLICY | JSON))
ANSWER = st.fixed_dictionaries(
    {"action": st.sampled_from(["NONE", "GUARDRAIL_INTERVENED"]) | JSON},
    optional={
        "assessments": st.lists(ASSESSMENT | JSON, max_size=2) | JSON,
        "guardrailCoverage": st.dictionaries(st.sampled_from(["textCharacters", "images"]), JSON) | JSON,
        "usage": JSON,
    },
)


@given(ANSWER | JSON, st.sampled_from([Question(("t",)), Question((), image="data:image/png;base64,AA==")]))
def test_any_json_is_scores_or_not_evaluated(value: Any, question: Question) -> None:
    dialect = BedrockGuardrail(region="us-east-1", guardrail="a1", api_key="k", topics=["x"])
    try:
        (said,) = dialect.read(question, Reply(200, (), json.dumps(value).encode()))
    except NotEvaluated:
        return
    assert all(0 <= score <= 1 for score in said.scores.values())
    assert {*said.scores, *(said.flags or {}), *said.unseen} <= dialect.categories
