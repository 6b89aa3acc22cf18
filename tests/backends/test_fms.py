from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.dialect import UNNAMED, Dialect, Query, Question, Side
from guardrail.backends.fms import CARD, FMS, POINTS, Api
from guardrail.checks.protocol import Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Reply

from .fakes import Answered, Asked
from .fakes import fms as fake

BASE = "http://detectors.example:8000"
TEXT = "Your email is jo@example.com \U0001f600!"
SIDES: tuple[Side, ...] = ("input", "output")
APIS: tuple[Api, ...] = ("contents", "generation", "chat")
NEVER = ("generation", "input")  # a user's text is no generation
NAMES = {*fake.MEANS}


def asked(query: Query) -> Asked:
    parts = urlsplit(query.url)
    return Asked(query.method, parts.path, {**dict(query.headers), "host": parts.netloc}, query.body)


def told(answered: Answered) -> Reply:
    return Reply(answered.status, (), json.dumps(answered.body).encode())


def detected(dialect: Dialect, *texts: str, side: Side = "input", prompt: str = "") -> Sequence[Scores]:
    question = Question(texts, side, prompt=prompt)
    return dialect.read(question, told(fake.answer(asked(dialect.query(question)))))


def read(value: Any, *texts: str, api: Api = "contents", **options: Any) -> Sequence[Scores]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    dialect = fake.detector(BASE, api=api, **options)
    return dialect.read(Question(texts or (TEXT,), "output"), Reply(200, (), body))


def reason(value: Any, *texts: str, api: Api = "contents") -> str:
    with pytest.raises(NotEvaluated) as caught:
        read(value, *texts, api=api)
    assert "example.com" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize(("api", "side"), [(api, side) for api in APIS for side in SIDES if (api, side) != NEVER])
@pytest.mark.parametrize("category", fake.MEANS)
def test_each_detection_alone_is_found(category: str, side: Side, api: Api) -> None:
    dialect = fake.detector(BASE, api=api)
    (said,) = detected(dialect, f"\U0001f600 a text about [{category}]!", side=side, prompt="hello")
    assert {name: score for name, score in said.scores.items() if score} == {category: 0.91}
    assert said.spans == ({category: (15, 17 + len(category))} if api == "contents" else {})
    assert (said.flags, said.unseen, said.model) == (None, frozenset(), fake.DETECTOR)


def test_clean_texts_give_nothing_and_many_keep_their_order() -> None:
    clean, hate, both = detected(fake.dialect(BASE), "a", "b [hate]", "[violence] and [hate]")
    assert clean.scores == dict.fromkeys(NAMES, 0.0)
    assert [said.scores["hate"] for said in (clean, hate, both)] == [0.0, 0.91, 0.91]
    assert both.spans == {"violence": (0, 10), "hate": (15, 21)}


def test_it_is_a_dialect_of_the_users_categories() -> None:
    dialect = fake.dialect(BASE)
    assert dialect.categories == dialect.card.categories == NAMES
    assert (dialect.model, dialect.slow, dialect.batch, dialect.card.needs) == (fake.DETECTOR, False, 32, "text")
    chat = fake.detector(BASE, api="chat")
    assert (chat.batch, chat.card.needs) == (1, "conversation")
    assert (CARD.categories, CARD.verified) == (frozenset(), "document")
    assert FMS(url=BASE, detector="d").categories == {UNNAMED}


def test_the_requests_are_the_documented_ones() -> None:
    def sent(api: Api, question: Question, **options: Any) -> tuple[str, Any]:
        query = FMS(url=f"{BASE}/", detector="d-1", api=api, **options).query(question)
        assert query.method == "POST"
        assert dict(query.headers) == {"detector-id": "d-1", "content-type": "application/json"}
        return query.url.removeprefix(BASE), json.loads(query.body)

    assert sent("contents", Question(("a", "b")), params={"threshold": 0.5}) == (
        "/api/v1/text/contents",
        {"contents": ["a", "b"], "detector_params": {"threshold": 0.5}},
    )
    assert sent("generation", Question(("a",), "output", prompt="p")) == (
        "/api/v1/text/generation",
        {"prompt": "p", "generated_text": "a", "detector_params": {}},
    )
    assert sent("chat", Question(("a",), "output", prompt="p")) == (
        "/api/v1/text/chat",
        {
            "messages": [{"role": "user", "content": "p"}, {"role": "assistant", "content": "a"}],
            "detector_params": {},
        },
    )
    assert sent("chat", Question(("a",), "input", prompt="p"))[1]["messages"] == [{"role": "user", "content": "a"}]
    assert sent("chat", Question(("a",), "output"))[1]["messages"] == [{"role": "assistant", "content": "a"}]
    keyed = FMS(url=BASE, detector="d", api_key="k-canary").query(Question(("a",)))
    assert dict(keyed.headers)["authorization"] == "Bearer k-canary"


def test_the_fake_turns_down_what_the_document_does_not_know() -> None:
    good = asked(fake.dialect(BASE).query(Question(("t",))))
    for bad in (
        Asked("GET", good.path, good.headers, good.body),
        Asked("POST", "/api/v1/text/content", good.headers, good.body),
        Asked("POST", good.path, {**good.headers, "detector-id": "other"}, good.body),
        Asked("POST", good.path, good.headers, b'{"contents": "t"}'),
        Asked("POST", good.path, good.headers, b'{"contents": ["t"], "more": 1}'),
        Asked("POST", good.path, good.headers, b'{"contents": ["t"], "detector_params": []}'),
        Asked("POST", "/api/v1/text/chat", good.headers, b'{"messages": []}'),
        Asked("POST", "/api/v1/text/generation", good.headers, b'{"prompt": "p", "generated_text": 1}'),
    ):
        assert 400 <= fake.answer(bad).status < 500


def test_what_cannot_be_judged_is_not_sent() -> None:
    for api, question, why in (
        ("contents", Question((), image="data:image/png;base64,AA=="), "blind"),
        ("contents", Question(("canary \ud800",)), "malformed"),
        ("chat", Question(("a", "b")), "malformed"),
        ("generation", Question(("canary",), "input", prompt="p"), "blind"),
        ("generation", Question(("canary",), "output"), "blind"),
    ):
        with pytest.raises(NotEvaluated) as caught:
            fake.detector(BASE, api=api).query(question)
        assert caught.value.reason == why
        assert "canary" not in str(caught.value)


def one(**changes: Any) -> dict[str, Any]:
    return {"start": 14, "end": 28, "detection": "hap", "detection_type": "risk", "score": 0.8} | changes


def test_the_documented_examples_are_read() -> None:
    found = [
        {
            "start": 14,
            "end": 28,
            "text": "jo@example.com",
            "detection": "Net.EmailAddress",
            "detection_type": "pii",
            "score": 0.8,
            "evidence": [{"name": "context", "value": "x", "score": 0.5, "evidence": [{"name": "y"}]}],
            "metadata": {"confidence": "High", "categories": ["bird"]},
        },
        one(detection="SocialSecurity", detection_type="pii", score=0.99, start=0, end=4),
    ]
    (said,) = read([found])
    assert (said.scores["personal/email"], said.scores["custom/social-security"]) == (0.8, 0.99)
    assert said.spans == {"personal/email": (14, 28), "custom/social-security": (0, 4)}
    plain = [{"detection": "goose", "detection_type": "animal", "score": 0.2, "evidence": []}]
    for api in ("generation", "chat"):
        (said,) = read(plain, api=api)
        assert said.scores[UNNAMED] == 0.2


def test_a_detection_is_looked_up_before_its_type() -> None:
    means = {"hap": "harassment", "risk": "toxicity"}
    dialect = FMS(url=BASE, detector="d", categories=means, detections=["Goose"], ignore=frozenset({"safe", "animal"}))

    def found(detection: str, kind: str) -> dict[str, float]:
        body = json.dumps([[one(detection=detection, detection_type=kind)]]).encode()
        (said,) = dialect.read(Question((TEXT,)), Reply(200, (), body))
        assert set(said.scores) == dialect.categories == {"harassment", "toxicity", "custom/goose", UNNAMED}
        return {name: score for name, score in said.scores.items() if score}

    assert found("hap", "risk") == {"harassment": 0.8}
    assert found("other", "risk") == {"toxicity": 0.8}
    assert found("Goose", "animal") == {"custom/goose": 0.8}
    assert found("duck", "animal") == {}
    assert found("safe", "risk") == {}
    assert found("new", "new") == {UNNAMED: 0.8}


def test_of_several_the_worst_stands_and_a_place_goes_with_its_score() -> None:
    (said,) = read([[one(score=0.5, start=0, end=4), one(score=0.8), one(score=0.8, start=1, end=2)]])
    assert (said.scores["hate"], said.spans) == (0.8, {"hate": (14, 28)})
    (said,) = read([[one(score=0.5), one(score=0.8, start=0, end=len(TEXT))]])
    assert (said.scores["hate"], said.spans) == (0.8, {})


def test_a_place_that_does_not_count_characters_is_not_kept() -> None:
    """As UTF-16 units it would be one further on."""
    (said,) = read([[one(start=30, end=31, text="!")]])
    assert (said.scores["hate"], said.spans) == (0.8, {"hate": (30, 31)})
    (said,) = read([[one(start=29, end=30, text="!")]])
    assert (said.scores["hate"], said.spans) == (0.8, {})
    (said,) = read([[one(start=3, end=3)]])
    assert (said.scores["hate"], said.spans) == (0.8, {})


@pytest.mark.parametrize("point", POINTS)
def test_an_operating_point_is_met_at_its_score_and_not_below(point: str) -> None:
    points = fake.dialect(BASE).points
    assert points is not None
    assert set(points[point]) == NAMES
    least = points[point]["hate"]
    (at,), (below,) = read([[one(score=least)]]), read([[one(score=least - 0.01)]])
    assert at.scores["hate"] >= least > below.scores["hate"]
    assert POINTS["lenient"] > POINTS["balanced"] > POINTS["strict"]


def without(name: str) -> list[Any]:
    return [[{key: value for key, value in one().items() if key != name}]]


FAULTS: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "malformed"),
    "not JSON": (b"<html>", "malformed"),
    "not UTF-8": (b'[["\xff"]]', "malformed"),
    "null": (None, "malformed"),
    "object": ({}, "malformed"),
    "error": ({"code": 500, "message": "canary"}, "malformed"),
    "no list": ([], "empty"),
    "two for one": ([[], []], "malformed"),
    "list of objects": ([one()], "malformed"),
    "list of null": ([None], "malformed"),
    "null in list": ([[None]], "malformed"),
    "no detection": (without("detection"), "malformed"),
    "no type": (without("detection_type"), "malformed"),
    "detection is a number": ([[one(detection=1)]], "malformed"),
    "type is null": ([[one(detection_type=None)]], "malformed"),
    "no start": (without("start"), "malformed"),
    "no end": (without("end"), "malformed"),
    "start is true": ([[one(start=True)]], "malformed"),
    "start is a float": ([[one(start=14.0)]], "malformed"),
    "start below": ([[one(start=-1)]], "malformed"),
    "end beyond": ([[one(end=len(TEXT) + 1)]], "malformed"),
    "backwards": ([[one(end=13)]], "malformed"),
    "no score": (without("score"), "malformed"),
    "score is null": ([[one(score=None)]], "malformed"),
    "score is a word": ([[one(score="1")]], "malformed"),
    "score is true": ([[one(score=True)]], "malformed"),
    "score is NaN": ([[one(score=float("nan"))]], "malformed"),
    "score above": ([[one(score=1.5)]], "malformed"),
    "score below": ([[one(score=-0.5)]], "malformed"),
    "a fault in what is ignored": ([[one(detection="safe", score=2)]], "malformed"),
}


@pytest.mark.parametrize(("value", "why"), FAULTS.values(), ids=FAULTS.keys())
def test_a_broken_reply_is_no_clean_text(value: Any, why: str) -> None:
    assert read([[one()]])
    assert reason(value) == why


def test_a_text_without_its_own_list_is_not_clean() -> None:
    assert reason([[]], TEXT, TEXT) == "malformed"
    assert reason([], TEXT, TEXT) == "empty"
    assert reason([[]], api="chat") == "malformed"
    assert reason({}, api="generation") == "malformed"
    (said,) = read([], api="chat")
    assert not any(said.scores.values())


@pytest.mark.parametrize("status", [201, 204, 302, 404, 422, 429, 500])
def test_only_status_200_is_read(status: int) -> None:
    with pytest.raises(NotEvaluated) as caught:
        fake.dialect(BASE).read(Question(("t",)), Reply(status, (), b"[[]]"))
    assert caught.value.reason == "status"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"detector": " "}, "detector"),
        ({"detector": "a\r\nb"}, "detector"),
        ({"api": "doc"}, "contents, generation, chat"),
        ({"categories": {"hap": "Hate!"}}, "category"),
        ({"detections": ["\u9d5d"]}, "letter"),
        ({"categories": {"hap": "hate"}, "ignore": frozenset({"hap"})}, "hap has a category"),
        ({"api_key": ""}, "API key"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        FMS(**{"url": BASE, "detector": "d", **options})


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)
DETECTION = st.fixed_dictionaries(
    {
        "detection": st.sampled_from(["hap", "jailbreak", "x"]) | JSON,
        "detection_type": st.sampled_from(["risk", "pii"]) | JSON,
        "start": st.integers(-1, 6) | JSON,
        "end": st.integers(-1, 6) | JSON,
        "score": st.floats(0, 1) | JSON,
    },
    optional={"text": JSON},
)


@given(
    JSON | st.lists(st.lists(DETECTION | JSON, max_size=3) | DETECTION, max_size=3),
    st.lists(st.text(max_size=8), min_size=1, max_size=2),
    st.sampled_from(APIS),
)
def test_any_json_is_scores_or_not_evaluated(value: Any, texts: list[str], api: Api) -> None:
    texts = texts if api == "contents" else texts[:1]
    try:
        said = read(value, *texts, api=api)
    except NotEvaluated:
        return
    assert len(said) == len(texts)
    for text, scores in zip(texts, said, strict=True):
        assert set(scores.scores) == NAMES
        assert all(0 <= score <= 1 for score in scores.scores.values())
        assert all(0 <= start < end <= len(text) for start, end in scores.spans.values())
