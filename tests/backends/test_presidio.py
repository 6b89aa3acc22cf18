from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.dialect import Dialect, Query, Question, Side
from guardrail.backends.presidio import CARD, GLOBAL, POINTS, Presidio
from guardrail.checks.protocol import Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Reply
from guardrail.policy import taxonomy

from .fakes import Answered, Asked
from .fakes import presidio as fake

BASE = "http://presidio.example:5002"
TEXT = "a \U0001f600 mail to jo@example.com"
SIDES: tuple[Side, ...] = ("input", "output")


def asked(query: Query) -> Asked:
    parts = urlsplit(query.url)
    return Asked(query.method, parts.path, {**dict(query.headers), "host": parts.netloc}, query.body)


def told(answered: Answered) -> Reply:
    return Reply(answered.status, (), json.dumps(answered.body).encode())


def analyzed(dialect: Dialect, text: str, side: Side = "input") -> Scores:
    question = Question((text,), side)
    (said,) = dialect.read(question, told(fake.answer(asked(dialect.query(question)))))
    return said


def read(value: Any, text: str = TEXT, **options: Any) -> Sequence[Scores]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Presidio(url=BASE, **options).read(Question((text,)), Reply(200, (), body))


def reason(value: Any, text: str = TEXT) -> str:
    with pytest.raises(NotEvaluated) as caught:
        read(value, text)
    assert "example.com" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("category", fake.MEANS)
def test_each_entity_alone_is_found_with_its_place(category: str, side: Side) -> None:
    said = analyzed(fake.dialect(BASE), f"\U0001f600 a text about [{category}]!", side)
    assert {name: score for name, score in said.scores.items() if score} == {category: fake.SCORE}
    assert said.spans == {category: (15, 17 + len(category))}
    assert said.flags is None


def test_a_clean_text_has_no_score_and_no_place() -> None:
    said = analyzed(fake.dialect(BASE), "a text")
    assert said == Scores(dict.fromkeys(fake.MEANS, 0.0))


def test_it_is_a_dialect_and_its_names_are_ours() -> None:
    dialect = fake.dialect(BASE)
    assert dialect.categories == dialect.card.categories == set(fake.MEANS)
    assert set(fake.MEANS.values()) == set(GLOBAL)
    assert dialect.categories <= CARD.categories
    for name in CARD.categories:
        assert name in taxonomy.PERSONAL or taxonomy.CUSTOM_NAME.fullmatch(name)
    assert (CARD.verified, dialect.slow, dialect.batch) == ("document", False, 1)


def test_the_request_is_the_documented_one() -> None:
    query = Presidio(url=f"{BASE}/", language="de", entities=["B_ID", "A_ID"], score_threshold=0.25).query(
        Question((TEXT,))
    )
    assert (query.method, query.url) == ("POST", f"{BASE}/analyze")
    assert json.loads(query.body) == {
        "text": TEXT,
        "language": "de",
        "entities": ["A_ID", "B_ID"],
        "score_threshold": 0.25,
    }
    assert dict(query.headers) == {"content-type": "application/json"}
    keyed = Presidio(url=BASE, api_key="k-canary").query(Question((TEXT,)))
    assert dict(keyed.headers)["authorization"] == "Bearer k-canary"
    assert set(json.loads(keyed.body)) == {"text", "language", "entities"}


def test_the_fake_turns_down_what_the_document_does_not_know() -> None:
    good = asked(fake.dialect(BASE).query(Question(("t",))))
    for bad in (
        Asked("GET", good.path, good.headers, good.body),
        Asked("POST", "/analyse", good.headers, good.body),
        Asked("POST", good.path, {}, good.body),
        Asked("POST", good.path, good.headers, b'{"text": "t", "language": "en", "more": 1}'),
        Asked("POST", good.path, good.headers, b'{"text": "t", "language": "en", "entities": "X"}'),
        Asked("POST", good.path, good.headers, b'{"text": "", "language": "en"}'),
        Asked("POST", good.path, good.headers, b'{"text": "t", "language": "xx"}'),
    ):
        assert fake.answer(bad).status >= 400


def test_the_documented_examples_are_read() -> None:
    text = "John Smith drivers license is AC432223"
    found = [
        {
            "entity_type": "PERSON",
            "start": 0,
            "end": 10,
            "score": 0.85,
            "analysis_explanation": {"recognizer": "SpacyRecognizer", "pattern": None, "original_score": 0.85},
        },
        {"analysis_explanation": None, "end": 38, "entity_type": "US_DRIVER_LICENSE", "score": 0.6499, "start": 30},
    ]
    (said,) = read(found, text, entities=["PERSON", "US_DRIVER_LICENSE"])
    assert said.scores == {"custom/person": 0.85, "custom/us-driver-license": 0.6499}
    assert said.spans == {"custom/person": (0, 10), "custom/us-driver-license": (30, 38)}


def test_of_several_the_worst_stands() -> None:
    entities = [fake.entity("EMAIL_ADDRESS", at, 3, score) for at, score in ((0, 0.5), (4, 1), (8, 1.0), (12, 0.25))]
    (said,) = read(entities)
    assert (said.scores["personal/email"], said.spans) == (1.0, {"personal/email": (4, 7)})


def test_places_count_characters_beyond_the_first_plane_once() -> None:
    start = TEXT.index("jo@")
    (said,) = read([fake.entity("EMAIL_ADDRESS", start, len("jo@example.com"))])
    low, high = said.spans["personal/email"]
    assert TEXT[low:high] == "jo@example.com"
    # The same in UTF-16 units would lie one further, beyond the end.
    assert reason([fake.entity("EMAIL_ADDRESS", start + 1, len("jo@example.com"))]) == "malformed"


def test_what_is_ignored_is_neither_asked_for_nor_heard() -> None:
    dialect = Presidio(url=BASE, ignore=frozenset({"PERSON", "DATE_TIME"}))
    assert {"custom/person", "custom/date-time"}.isdisjoint(dialect.categories | dialect.card.categories)
    assert {"PERSON", "DATE_TIME"}.isdisjoint(json.loads(dialect.query(Question(("t",))).body)["entities"])
    assert not analyzed(dialect, "[custom/person]").spans
    (said,) = read([fake.entity("PERSON", 0, 3)], ignore=frozenset({"PERSON"}))
    assert not said.spans
    assert "custom/person" not in said.scores


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"ignore": frozenset({"PERSONS"})}, "PERSONS.*Known are:.*PERSON"),
        ({"entities": []}, "none"),
        ({"entities": ["PERSON"], "ignore": frozenset({"PERSON"})}, "none"),
        ({"entities": ["\u540d\u524d"]}, "letter"),
        ({"score_threshold": 1.5}, "score_threshold"),
        ({"score_threshold": float("nan")}, "score_threshold"),
        ({"api_key": "\u2026"}, "API key"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Presidio(url=BASE, **options)


@pytest.mark.parametrize("point", POINTS)
def test_an_operating_point_is_met_at_its_score_and_not_below(point: str) -> None:
    dialect = fake.dialect(BASE)
    assert dialect.points is not None
    assert set(dialect.points[point]) == dialect.categories
    least = dialect.points[point]["personal/phone"]
    (at,) = read([fake.entity("PHONE_NUMBER", 0, 3, least)])
    (below,) = read([fake.entity("PHONE_NUMBER", 0, 3, least - 0.01)])
    assert at.scores["personal/phone"] >= least > below.scores["personal/phone"]
    assert POINTS["lenient"] > POINTS["balanced"] > POINTS["strict"]


def test_what_cannot_be_sent_is_not_sent() -> None:
    for question, why in (
        (Question((), image="data:image/png;base64,AA=="), "blind"),
        (Question(("a", "b")), "malformed"),
        (Question(("canary \udcff",)), "malformed"),
    ):
        with pytest.raises(NotEvaluated) as caught:
            Presidio(url=BASE).query(question)
        assert caught.value.reason == why
        assert "canary" not in str(caught.value)


def one(**changes: Any) -> list[dict[str, Any]]:
    return [{**fake.entity("PERSON", 0, 3), **changes}]


def without(name: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in fake.entity("PERSON", 0, 3).items() if key != name}]


FAULTS: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "malformed"),
    "not JSON": (b"<html>", "malformed"),
    "half": (b'[{"entity_type": "PERS', "malformed"),
    "not UTF-8": (b'["\xff"]', "malformed"),
    "null": (None, "malformed"),
    "object": ({}, "malformed"),
    "error": ({"error": "canary"}, "malformed"),
    "list of lists": ([[]], "malformed"),
    "list of null": ([None], "malformed"),
    "no type": (without("entity_type"), "malformed"),
    "type is a number": (one(entity_type=1), "malformed"),
    "not asked for": (one(entity_type="US_SSN"), "unknown_category"),
    "no start": (without("start"), "malformed"),
    "start is a word": (one(start="0"), "malformed"),
    "start is true": (one(start=True), "malformed"),
    "start is a float": (one(start=0.0), "malformed"),
    "start below": (one(start=-1), "malformed"),
    "end beyond": (one(end=len(TEXT) + 1), "malformed"),
    "empty": (one(start=3), "malformed"),
    "backwards": (one(start=4), "malformed"),
    "no end": (without("end"), "malformed"),
    "no score": (without("score"), "malformed"),
    "score is a word": (one(score="0.5"), "malformed"),
    "score is true": (one(score=True), "malformed"),
    "score is NaN": (one(score=float("nan")), "malformed"),
    "score above": (one(score=1.01), "malformed"),
    "score below": (one(score=-0.01), "malformed"),
}


@pytest.mark.parametrize(("value", "why"), FAULTS.values(), ids=FAULTS.keys())
def test_a_broken_reply_is_no_clean_text(value: Any, why: str) -> None:
    assert read(one())
    assert reason(value) == why


@pytest.mark.parametrize("status", [201, 204, 302, 400, 401, 429, 500])
def test_only_status_200_is_read(status: int) -> None:
    with pytest.raises(NotEvaluated) as caught:
        Presidio(url=BASE).read(Question(("t",)), Reply(status, (), b"[]"))
    assert caught.value.reason == "status"


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
ENTITY = st.fixed_dictionaries(
    {
        "entity_type": st.sampled_from(["PERSON", "EMAIL_ADDRESS"]) | JSON,
        "start": st.integers(-1, 6) | JSON,
        "end": st.integers(-1, 6) | JSON,
        "score": st.floats(0, 1) | JSON,
    }
)


@given(JSON | st.lists(ENTITY | JSON, max_size=4), st.text(max_size=8))
def test_any_json_is_scores_or_not_evaluated(value: Any, text: str) -> None:
    try:
        (said,) = read(value, text)
    except NotEvaluated:
        return
    assert set(said.scores) == set(fake.MEANS)
    assert all(0 <= score <= 1 for score in said.scores.values())
    assert all(0 <= start < end <= len(text) for start, end in said.spans.values())
