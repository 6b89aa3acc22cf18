from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.dialect import Dialect, Query, Question, Side
from guardrail.backends.http_json import BALANCED, CARD, LENIENT, STRICT, HttpJson
from guardrail.backends.json_template import JsonTemplate
from guardrail.checks.protocol import Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Reply

from .fakes import Answered, Asked
from .fakes import http_json as fake

BASE = "http://judge.example:8080"
SIDES: tuple[Side, ...] = ("input", "output")
TEXT: dict[str, Any] = {"url": f"{BASE}/judge", "body": {"text": "{text}"}}


def asked(query: Query) -> Asked:
    parts = urlsplit(query.url)
    return Asked(query.method, parts.path, {**dict(query.headers), "host": parts.netloc}, query.body)


def told(answered: Answered) -> Reply:
    return Reply(answered.status, (), json.dumps(answered.body).encode())


def judge(*texts: str, side: Side = "input") -> Sequence[Scores]:
    question = Question(texts, side)
    dialect = fake.dialect(BASE)
    return dialect.read(question, told(fake.answer(asked(dialect.query(question)))))


def read(dialect: HttpJson, value: Any, *texts: str) -> Sequence[Scores]:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return dialect.read(Question(texts or ("t",)), Reply(200, (), body))


def reason(dialect: HttpJson, value: Any, *texts: str) -> str:
    with pytest.raises(NotEvaluated) as caught:
        read(dialect, value, *texts)
    return caught.value.reason


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("category", fake.MEANS)
def test_each_category_alone_is_found(category: str, side: Side) -> None:
    (said,) = judge(f"a text about [{category}]", side=side)
    found = {name for name, score in said.scores.items() if score >= BALANCED}
    assert found == {category}
    flagged = {name for name, flag in (said.flags or {}).items() if flag}
    assert flagged == ({category} if category != "toxicity" else set())


def test_a_clean_text_gives_nothing_and_many_keep_their_order() -> None:
    clean, hate, tox = judge("a", "b [hate]", "c [toxicity]")
    assert clean.scores == {"toxicity": 0.015, "hate": 0.0, "violence": 0.0, "custom/ads": 0.0}
    assert clean.flags == {"hate": False, "violence": False, "custom/ads": False}
    assert (hate.scores["hate"], tox.scores["toxicity"]) == (1.0, 0.91)


def test_it_is_a_dialect_with_the_users_categories() -> None:
    dialect: Dialect = fake.dialect(BASE)
    assert dialect.categories == dialect.card.categories == set(fake.MEANS)
    assert (CARD.categories, CARD.verified, dialect.slow, dialect.batch) == (frozenset(), "unverified", False, 32)
    assert dialect.points is not None
    assert {point: set(by.values()) for point, by in dialect.points.items()} == {
        "lenient": {LENIENT},
        "balanced": {BALANCED},
        "strict": {STRICT},
    }


def test_the_service_turns_down_what_its_document_does_not_know() -> None:
    query = fake.dialect(BASE).query(Question(("t",)))
    good = asked(query)
    for bad in (
        Asked("GET", good.path, good.headers, good.body),
        Asked("POST", "/v1/judge", good.headers, good.body),
        Asked("POST", good.path, {}, good.body),
        Asked("POST", good.path, good.headers, b'{"in": {"lines": "t"}, "who": "input"}'),
        Asked("POST", good.path, good.headers, b'{"in": {"lines": ["t"]}, "who": "me"}'),
    ):
        assert 400 <= fake.answer(bad).status < 500


@pytest.mark.parametrize(
    "text", ['"}, "who": "output"', "{texts} {side} {text}", "\\u0022 \x00 \u2028", "\U0001f600", "{'a': 1}", ""]
)
def test_no_text_breaks_out_of_its_string(text: str) -> None:
    body = {"a": ["x {text} y", {"{text}": "{side}"}], "b": 1, "c": None}
    dialect = HttpJson(url=BASE, body=body, flags={"hate": "$.hate"})
    sent = json.loads(dialect.query(Question((text,), "output")).body)
    assert sent == {"a": [f"x {text} y", {"{text}": "output"}], "b": 1, "c": None}


@given(st.lists(st.text(), max_size=3))
def test_a_list_is_filled_as_it_is(texts: list[str]) -> None:
    template = JsonTemplate.parse({"all": "{texts}", "whole": "{side}", "part": "by {side}"})
    assert template.filled(texts, "input") == {"all": texts, "whole": "input", "part": "by input"}


def test_the_request_is_the_one_that_is_told() -> None:
    dialect = HttpJson(
        url=f"{BASE}/x?y=1",
        body="{text}",
        method="PUT",
        api_key=" k-canary ",
        headers={"X-A": "b"},
        flags={"hate": "$.h"},
    )
    query = dialect.query(Question(("t",)))
    assert (query.method, query.url, query.body) == ("PUT", f"{BASE}/x?y=1", b'"t"')
    assert dict(query.headers) == {"authorization": "Bearer k-canary", "content-type": "application/json", "x-a": "b"}
    other = HttpJson(url=BASE, body="{text}", headers={"Content-Type": "application/x+json"}, flags={"hate": "$.h"})
    assert dict(other.query(Question(("t",))).headers) == {"content-type": "application/x+json"}


def test_what_cannot_be_sent_is_not_sent() -> None:
    dialect = HttpJson(**TEXT, flags={"hate": "$.h"})
    for question, why in (
        (Question((), image="data:image/png;base64,AA=="), "blind"),
        (Question(("a", "b")), "malformed"),
        (Question(("canary \ud800",)), "malformed"),
    ):
        with pytest.raises(NotEvaluated) as caught:
            dialect.query(question)
        assert caught.value.reason == why
        assert "canary" not in str(caught.value)


def test_one_text_a_request_needs_no_star() -> None:
    dialect = HttpJson(
        **TEXT, scores={"hate": "$.out[0].p", "harm": "$.all[*]"}, labels="$.tags", means={"V": "violence"}
    )
    assert dialect.batch == 1
    (said,) = read(dialect, {"out": [{"p": 0.25}], "all": [0.75], "tags": ["V"]})
    assert said.scores == {"hate": 0.25, "harm": 0.75, "violence": 1.0}
    assert reason(dialect, {"out": [{"p": 0.25}], "all": [0.75, 0.5], "tags": ["V"]}) == "malformed"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.tags", {"tags": ["V", "FINE"]}),
        ("$.tags[*]", {"tags": ["V"]}),
        ("$.out[*].tags", {"out": [{"tags": ["FINE"]}, {"tags": ["V"]}]}),
        ("$.out[*].tags[*]", {"out": [{"tags": ["V"]}, {"tags": []}]}),
        ("$.tag", {"tag": "V"}),
    ],
)
def test_labels_are_a_list_or_one(path: str, value: Any) -> None:
    dialect = HttpJson(**TEXT, labels=path, means={"V": "violence", "A": "custom/ads"}, ignore=frozenset({"FINE"}))
    (said,) = read(dialect, value)
    assert said.flags == {"violence": True, "custom/ads": False}
    assert (dialect.points, said.scores, dialect.card.scores) == (None, {}, "flags")


def test_no_label_is_a_clean_text() -> None:
    (said,) = read(HttpJson(**TEXT, labels="$.tags", means={"V": "violence"}), {"tags": []})
    assert said.flags == {"violence": False}


def test_the_services_yes_decides_where_every_score_has_one() -> None:
    dialect = HttpJson(**TEXT, scores={"hate": "$.p"}, flags={"hate": "$.stop"})
    assert dialect.points is None
    (said,) = read(dialect, {"p": 0.125, "stop": True})
    assert (said.scores, said.flags) == ({"hate": 0.125}, {"hate": True})


def test_the_services_yes_reaches_balanced_where_points_decide() -> None:
    dialect = HttpJson(**TEXT, scores={"hate": "$.p", "toxicity": "$.t"}, flags={"hate": "$.stop"})
    (said,) = read(dialect, {"p": 0.125, "t": 0.5, "stop": True})
    assert said.scores == {"hate": BALANCED, "toxicity": 0.5}
    (said,) = read(dialect, {"p": 0.125, "t": 0.5, "stop": False})
    assert said.scores == {"hate": 0.125, "toxicity": 0.5}


def test_scores_have_the_scale_that_is_told() -> None:
    dialect = HttpJson(**TEXT, scores={"hate": "$.p"}, most=4)
    assert read(dialect, {"p": 4})[0].scores == {"hate": 1.0}
    assert read(dialect, {"p": 0})[0].scores == {"hate": 0.0}
    assert reason(dialect, {"p": 4.5}) == "malformed"


def good() -> dict[str, Any]:
    return {"result": [{"percent": {"tox": 1}, "stop": {"hate": False}, "labels": ["FINE"]}]}


FAULTS: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "malformed"),
    "not JSON": (b"<html>busy</html>", "malformed"),
    "not UTF-8": (b'"\xff"', "malformed"),
    "null": (None, "malformed"),
    "error": ({"error": "overloaded"}, "malformed"),
    "no result": ({"result": []}, "empty"),
    "two for one": ({"result": good()["result"] * 2}, "malformed"),
    "result is an object": ({"result": {"0": {}}}, "malformed"),
    "score is missing": ({"result": [{**good()["result"][0], "percent": {}}]}, "malformed"),
    "score is null": ({"result": [{**good()["result"][0], "percent": {"tox": None}}]}, "malformed"),
    "score is a word": ({"result": [{**good()["result"][0], "percent": {"tox": "1"}}]}, "malformed"),
    "score is true": ({"result": [{**good()["result"][0], "percent": {"tox": True}}]}, "malformed"),
    "score is NaN": ({"result": [{**good()["result"][0], "percent": {"tox": float("nan")}}]}, "malformed"),
    "score overflows": (
        b'{"result": [{"percent": {"tox": 1e999}, "stop": {"hate": false}, "labels": []}]}',
        "malformed",
    ),
    "score is above": ({"result": [{**good()["result"][0], "percent": {"tox": 100.5}}]}, "malformed"),
    "score is below": ({"result": [{**good()["result"][0], "percent": {"tox": -1}}]}, "malformed"),
    "flag is missing": ({"result": [{**good()["result"][0], "stop": {}}]}, "malformed"),
    "flag is a number": ({"result": [{**good()["result"][0], "stop": {"hate": 0}}]}, "malformed"),
    "flag is a word": ({"result": [{**good()["result"][0], "stop": {"hate": "false"}}]}, "malformed"),
    "labels are missing": ({"result": [{"percent": {"tox": 1}, "stop": {"hate": False}}]}, "malformed"),
    "labels are null": ({"result": [{**good()["result"][0], "labels": None}]}, "malformed"),
    "label is a number": ({"result": [{**good()["result"][0], "labels": [1]}]}, "malformed"),
    "label is not mapped": ({"result": [{**good()["result"][0], "labels": ["canary"]}]}, "unknown_category"),
}


@pytest.mark.parametrize(("value", "why"), FAULTS.values(), ids=FAULTS.keys())
def test_a_broken_reply_is_no_clean_text(value: Any, why: str) -> None:
    dialect = HttpJson(url=BASE, **fake.TOLD)
    assert read(dialect, good())
    assert reason(dialect, value) == why


@pytest.mark.parametrize("status", [202, 204, 302, 400, 401, 429, 500])
def test_only_a_good_status_is_read(status: int) -> None:
    with pytest.raises(NotEvaluated, match="status"):
        HttpJson(url=BASE, **fake.TOLD).read(Question(("t",)), Reply(status, (), json.dumps(good()).encode()))


def test_one_result_too_few_is_not_clean() -> None:
    assert reason(HttpJson(url=BASE, **fake.TOLD), good(), "a", "b") == "malformed"


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"body": {"text": "t"}}, "text"),
        ({"body": {"a": "{text}", "b": "{texts}"}}, "either"),
        ({"body": {"a": "all: {texts}"}}, "whole string"),
        ({"body": {"a": "{text}", "b": float("nan")}}, "JSON"),
        ({"body": {"a": "{text}", "b": {1}}}, "JSON"),
        ({"body": {1: "{text}"}}, "strings"),
        ({"body": {"a": "{texts}"}}, r"\[\*\]"),
        ({"flags": {"hate": "$.a[*].b[*]"}}, r"\[\*\]"),
        ({"flags": {"hate": "h"}}, "JSON path"),
        ({"flags": {"Hate!": "$.h"}}, "category"),
        ({"flags": {}}, "category"),
        ({"labels": "$.l"}, "means"),
        ({"means": {"V": "violence"}}, "means"),
        ({"ignore": frozenset({"V"})}, "labels"),
        ({"labels": "$.l", "means": {"V": "violence"}, "ignore": frozenset({"V"})}, "V has a meaning"),
        ({"method": "GET"}, "PUT"),
        ({"most": 0}, "most"),
        ({"headers": {"Host": "x"}}, "host"),
        ({"headers": {"a b": "x"}}, "a b"),
        ({"headers": {"x-a": "b\r\nc: d"}}, "x-a"),
        ({"headers": {"Authorization": "x"}, "api_key": "k"}, "api_key"),
        ({"api_key": "k\nx"}, "API key"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any], match: str) -> None:
    told: dict[str, Any] = {**TEXT, "flags": {"hate": "$.h"}, **changes}
    with pytest.raises(ValueError, match=match):
        HttpJson(**told)


def test_no_key_is_shown() -> None:
    assert "canary" not in repr(fake.dialect(BASE).query(Question(("canary",))))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["VIOLENT", "ADVERT", "FINE", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["result", "percent", "tox", "stop", "hate", "labels"]), inner, max_size=4)
    ),
    max_leaves=20,
)
RESULT = st.fixed_dictionaries(
    {
        "percent": st.fixed_dictionaries({"tox": JSON | st.floats(0, 100)}) | JSON,
        "stop": st.fixed_dictionaries({"hate": JSON}),
        "labels": JSON | st.lists(st.sampled_from(["VIOLENT", "ADVERT", "FINE"])),
    }
)


@given(JSON | st.fixed_dictionaries({"result": st.lists(RESULT | JSON, max_size=3)}), st.integers(1, 2))
def test_any_json_is_scores_or_not_evaluated(value: Any, count: int) -> None:
    try:
        said = read(HttpJson(url=BASE, **fake.TOLD), value, *["t"] * count)
    except NotEvaluated:
        return
    assert len(said) == count
    assert all(0 <= score <= 1 for one in said for score in one.scores.values())
    assert all(set(one.scores) <= set(fake.MEANS) for one in said)
