from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from guardrail.backends.dialect import UNNAMED
from guardrail.backends.openai import CATEGORIES, OpenAIModeration, read_scores
from guardrail.backends.remote import RemoteBackend
from guardrail.checks.protocol import Backend
from guardrail.errors import NotEvaluated
from guardrail.flow import Flow, Reply
from tests.backends.conftest import asked

KEY = "sk-canary-0001"
Drive = Callable[[Flow[Any]], Any]


BATCH = OpenAIModeration.batch


def backend(service: Any, *, model: str = "omni-moderation-latest", **options: Any) -> RemoteBackend:
    return asked(OpenAIModeration(KEY, url=service.url, model=model), **options)


def documented(**changes: Any) -> dict[str, Any]:
    """A result of the documented shape in which nothing is flagged."""
    result = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 0.01),
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }
    return result | changes


def answer(*results: Any, status: int = 200) -> Reply:
    return Reply(status, (), json.dumps({"id": "m", "model": "omni", "results": list(results)}).encode())


def test_the_request_is_the_documented_one(service: Any, drive: Drive) -> None:
    drive(backend(service).moderate(["one", "zwei \U0001f600"]))
    ((headers, body),) = service.requests
    assert body == {"model": "omni-moderation-latest", "input": ["one", "zwei \U0001f600"]}
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"


def test_it_is_a_backend_with_the_thirteen_categories() -> None:
    checked: Backend = asked(OpenAIModeration(KEY))
    assert len(checked.categories) == 13
    assert (checked.name, checked.points, checked.longest) == ("openai", None, 2000)


@pytest.mark.parametrize("category", sorted(CATEGORIES))
def test_each_category_alone_is_seen_under_its_wire_name(service: Any, drive: Drive, category: str) -> None:
    (scores,) = drive(backend(service).moderate([f"a text about [{category}]"]))
    assert [name for name, flag in scores.flags.items() if flag] == [category]
    assert scores.scores[category] == 0.91
    assert scores.model == "omni-moderation-2024-09-26"
    assert scores.unseen == frozenset()


def test_the_second_of_three_results_is_not_lost(service: Any, drive: Drive) -> None:
    first, second, third = drive(backend(service).moderate(["a", "b [hate]", "c"]))
    assert [said.flags["hate"] for said in (first, second, third)] == [False, True, False]


def test_many_texts_go_in_several_requests_and_keep_their_order(service: Any, drive: Drive) -> None:
    texts = [f"text {i} {'[violence]' if i % 7 == 0 else ''}" for i in range(2 * BATCH + 1)]
    said = drive(backend(service).moderate(texts))
    assert [scores.flags["violence"] for scores in said] == [i % 7 == 0 for i in range(len(texts))]
    assert sorted(len(body["input"]) for _, body in service.requests) == [1, BATCH, BATCH]


def test_nothing_is_asked_about_no_text(service: Any, drive: Drive) -> None:
    assert drive(backend(service).moderate([])) == []
    assert service.requests == []


def test_the_real_sdk_sees_the_same_flags_on_this_server(service: Any) -> None:
    """Keeps the loopback server honest: it must be what the vendor's own client reads."""
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(api_key=KEY, base_url=service.url.removesuffix("/moderations"), max_retries=0)
    reply = client.moderations.create(input=["x [self-harm/intent]"], model="omni-moderation-latest")
    client.close()
    wire = reply.model_dump(by_alias=True)["results"][0]
    ours = read_scores(answer(wire), 1)[0]
    assert wire["categories"]["self-harm/intent"] is True
    assert ours.flags is not None
    assert [name for name, flag in ours.flags.items() if flag] == ["self-harm/intent"]


def test_scores_are_kept_where_nothing_is_flagged() -> None:
    (said,) = read_scores(answer(documented(category_scores={"hate": 1, "violence": 0})), 1)
    assert said.scores == {"hate": 1.0, "violence": 0.0}
    assert said.flags is not None
    assert not any(said.flags.values())


def test_an_unknown_category_is_kept() -> None:
    (said,) = read_scores(
        answer(documented(flagged=True, categories={"fraud": True}, category_scores={"fraud": 0.7})), 1
    )
    assert (said.flags, said.scores) == ({"fraud": True}, {"fraud": 0.7})


def test_a_flag_without_a_category_is_kept() -> None:
    (said,) = read_scores(answer(documented(flagged=True)), 1)
    assert said.flags is not None
    assert said.flags[UNNAMED] is True
    (said,) = read_scores(answer(documented(flagged=True, categories={}, category_scores={})), 1)
    assert said.flags == {UNNAMED: True}


def test_a_category_that_was_not_looked_at_is_unseen() -> None:
    applied = {name: [] if name == "sexual/minors" else ["image"] for name in CATEGORIES}
    (said,) = read_scores(answer(documented(category_applied_input_types=applied)), 1)
    assert said.unseen == {"sexual/minors"}


@pytest.mark.parametrize("given", ["null", "missing"])
def test_a_legacy_answer_without_illicit_is_fine_and_says_so(given: str) -> None:
    result = documented()
    del result["category_applied_input_types"]
    for name in ("illicit", "illicit/violent"):
        for table in ("categories", "category_scores"):
            result[table][name] = None
            if given == "missing":
                del result[table][name]
    (said,) = read_scores(answer(result), 1)
    assert said.unseen == {"illicit", "illicit/violent"}
    assert said.flags is not None
    assert "illicit" not in said.flags
    assert len(said.scores) == 11


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"<html>busy</html>",
    "half": b'{"results": [{"flagged": fal',
    "not UTF-8": b'{"results": "\xff"}',
    "null": b"null",
    "list": b"[]",
    "error object": b'{"error": {"message": "overloaded"}}',
    "no results": b'{"id": "m", "model": "omni"}',
    "results is null": b'{"results": null}',
    "results is an object": b'{"results": {"flagged": false}}',
    "error for a result": b'{"results": [{"error": {"code": "x"}}]}',
    "two for one": answer(documented(), documented()).body,
    "flagged is a word": answer(documented(flagged="false")).body,
    "flagged is null": answer(documented(flagged=None)).body,
    "flag is a number": answer(documented(categories={"hate": 0})).body,
    "categories is a list": answer(documented(categories=["hate"])).body,
    "no scores": b'{"results": [{"flagged": false, "categories": {"hate": false}}]}',
    "score is a word": answer(documented(category_scores={"hate": "0.1"})).body,
    "score is true": answer(documented(category_scores={"hate": True})).body,
    "score is NaN": answer(documented(category_scores={"hate": float("nan")})).body,
    "score is infinite": answer(documented(category_scores={"hate": float("inf")})).body,
    "score overflows": b'{"results": [{"flagged": false, "categories": {}, "category_scores": {"hate": 1e999}}]}',
    "score below": answer(documented(category_scores={"hate": -0.1})).body,
    "score above": answer(documented(category_scores={"hate": 1.1})).body,
    "applied is a word": answer(documented(category_applied_input_types={"hate": "text"})).body,
    "two JSON values": answer(documented()).body * 2,
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_the_documented_shape_is_malformed(service: Any, drive: Drive, body: bytes) -> None:
    service.reply = lambda _: (200, body)
    with pytest.raises(NotEvaluated) as caught:
        drive(backend(service).moderate(["hello"]))
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    "body",
    [answer().body, answer(documented(categories={}, category_scores={})).body],
    ids=["no result", "no category"],
)
def test_an_answer_that_judges_nothing_is_empty(service: Any, drive: Drive, body: bytes) -> None:
    service.reply = lambda _: (200, body)
    with pytest.raises(NotEvaluated, match="empty"):
        drive(backend(service).moderate(["hello"]))


@pytest.mark.parametrize(
    ("status", "asked"), [(201, 1), (302, 1), (400, 1), (401, 1), (404, 1), (429, 2), (500, 2), (503, 2)]
)
def test_every_status_but_200_is_not_evaluated(service: Any, drive: Drive, status: int, asked: int) -> None:
    service.reply = lambda _: (status, answer(documented()).body)
    with pytest.raises(NotEvaluated, match=str(status)) as caught:
        drive(backend(service, timeout=5.0).moderate(["hello"]))
    assert caught.value.reason == "status"
    assert len(service.requests) == asked


def test_a_fault_in_a_later_batch_is_a_fault_of_all(service: Any, drive: Drive) -> None:
    service.reply = lambda texts: service.documented(texts) if len(texts) == BATCH else (400, {})
    with pytest.raises(NotEvaluated):
        drive(backend(service).moderate(["a"] * (BATCH + 1)))


def test_no_error_carries_key_or_text(service: Any, drive: Drive) -> None:
    service.reply = lambda texts: (400, {"error": {"message": f"{texts} {KEY}"}})
    with pytest.raises(NotEvaluated) as caught:
        drive(backend(service).moderate(["canary-text"]))
    assert "canary" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


def test_a_text_that_is_no_unicode_is_not_evaluated(service: Any, drive: Drive) -> None:
    with pytest.raises(NotEvaluated, match="malformed") as caught:
        drive(backend(service).moderate(["canary \ud800"]))
    assert caught.value.__context__ is None
    assert service.requests == []


@pytest.mark.parametrize("key", ["", "  ", "sk-canary\nx: y", "sk-canary\u2026"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="API key") as caught:
        OpenAIModeration(key)
    assert "canary" not in str(caught.value)
    assert KEY not in repr(OpenAIModeration(KEY))
    assert OpenAIModeration(f" {KEY}\n")._headers[0] == ("authorization", f"Bearer {KEY}")
