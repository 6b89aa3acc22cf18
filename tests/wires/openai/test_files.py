"""Files: a batch is judged request by request, and results are judged as the answers they hold."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from typing import Any

import pytest

from guardrail.errors import BadRequest
from guardrail.http import Request
from guardrail.verdict import Action, Kind
from guardrail.wires.openai.batches import Rows
from guardrail.wires.openai.operations import finder, operations
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import Result, call

cases = importlib.import_module("tests.wires.openai.cases_files")
ROUTER = Router(operations())
FORM = (("content-type", cases.FORM),)
OCTETS = (("content-type", "application/octet-stream"),)


def plan(word: str, **more: Any) -> Any:
    return replace(plans.plan(plans.Word(word, **more)), router=ROUTER)


def upload(content: bytes, word: str = "harmful", purpose: str = "batch", **more: Any) -> Result:
    form = cases.upload(purpose, "in.jsonl", content)
    return call(plan(word, **more), form, b"{}", request_headers=FORM, path="/v1/files")


def rows(*texts: str, url: str = "/v1/chat/completions") -> list[dict[str, Any]]:
    return [cases.ask(n, text, url) for n, text in enumerate(texts)]


@pytest.mark.parametrize("url", ["/v1/chat/completions", "/v1/embeddings", "/v1/completions"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_one_bad_row_of_five_refuses_the_file(url: str, end: str) -> None:
    fine = cases.lines(*rows("one", "two", "three", "four", "five", url=url), end=end)
    assert upload(fine).sent is not None
    bad = cases.lines(*rows("one", "two", "a harmful one", "four", "five", url=url), end=end)
    assert upload(bad).sent is None


def test_each_row_is_read_by_the_table_of_its_operation() -> None:
    wire = ROUTER.find(Request("POST", "/v1/files", FORM))
    assert wire is not None
    body = wire.wire.request(cases.upload("batch", "in.jsonl", cases.BATCH), Request("POST", "/v1/files", FORM))
    users = [(s.text, s.where) for s in body.segments if s.kind is Kind.USER]
    assert users == [
        ("What is the sea?", "file[1].body.messages[0].content"),
        ("Blue and deep", "file[2].body.input"),
        ("Name a river", "file[3].body.prompt"),
    ]


def test_a_mask_is_written_into_its_line_and_the_rest_stays() -> None:
    content = cases.lines(*rows("one", "a private word", "three"))
    sent = upload(content, "private", category=plans.MASKED).sent
    assert sent is not None
    before, after = (raw.split(b"\n") for raw in (cases.upload("batch", "in.jsonl", content), sent.body))
    (changed,) = [line for line, old in zip(after, before, strict=True) if line != old]
    assert json.loads(changed)["body"]["messages"][0]["content"] == "a [gone] word"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (cases.lines(*rows("one", "two")) + b'{"custom_id": NaN}\n', "line 3"),
        (cases.lines(*rows("one"), *rows("two")), "line 2"),
        (cases.lines(*rows("one", "two", url="/v1/no/such/thing")), "line 1"),
        (cases.lines(*rows("one"), {"custom_id": "x", "url": 7, "body": {}}), "line 2"),
        (b"\xef\xbb\xbf" + cases.lines(*rows("one")), "line 1"),
        (cases.lines(*rows("one"), [1, 2]), "line 2"),
    ],
)
def test_a_batch_that_cannot_be_read_in_one_way_is_refused_by_its_line(content: bytes, says: str) -> None:
    result = upload(content)
    assert result.sent is None
    assert says in json.loads(result.body)["error"]["message"]


def test_a_line_of_two_megabytes_is_read_to_its_end() -> None:
    assert upload(cases.lines(*rows("x " * 1_000_000))).sent is not None
    assert upload(cases.lines(*rows("x " * 1_000_000 + "harmful"))).sent is None


@pytest.mark.parametrize("purpose", ["fine-tune", "evals", "assistants", "user_data", "something new", ""])
def test_files_for_anything_else_are_read_as_well(purpose: str) -> None:
    assert upload(cases.EXAMPLES, purpose=purpose).sent is not None
    bad = cases.EXAMPLES.replace(b"is two", b"is harmf\\u0075l")
    assert upload(bad, purpose=purpose).sent is None


def test_a_document_follows_the_posture_of_files() -> None:
    form = cases.upload("assistants", "a.pdf", b"%PDF-1.7\n" + bytes(range(128, 256)))
    for posture, passes in ((Action.ALLOW, True), (Action.REFUSE, False)):
        strict = replace(plan("harmful"), modalities={"file": posture})
        result = call(strict, form, b"{}", request_headers=FORM, path="/v1/files")
        assert (result.sent is not None) == passes
        assert result.rows[-1].not_evaluated


@pytest.mark.parametrize("media", ["application/octet-stream", "application/jsonl", "text/plain", "audio/mpeg"])
def test_results_are_read_whatever_they_call_themselves(media: str) -> None:
    said = cases.lines(cases.result(1, "The sea"), cases.result(2, "a harmful answer"))
    result = call(
        plan("harmful"), b"", said, headers=(("content-type", media),), path="/v1/files/f/content", method="GET"
    )
    assert result.refused
    assert b"harmful" not in result.body


def test_a_masked_result_loses_its_log_probabilities() -> None:
    said = cases.lines(cases.result(1, "The sea"), cases.result(2, "a private answer"))
    result = call(
        plan("private", category=plans.MASKED), b"", said, headers=OCTETS, path="/v1/files/f/content", method="GET"
    )
    first, second = result.body.splitlines()
    assert first == said.splitlines()[0]
    choice = json.loads(second)["response"]["body"]["choices"][0]
    assert choice["message"]["content"] == "a [gone] answer"
    assert choice["logprobs"] is None


def test_xais_batches_hold_their_requests_and_answers() -> None:
    asked = json.dumps(cases._INLINE).replace("a b", "a harmful one").encode()
    assert call(plan("harmful"), asked, path="/v1/batches/b1/requests").sent is None
    body = ROUTER.find(Request("POST", "/v1/batches/b1/requests", ()))
    assert body is not None
    read = body.wire.request(json.dumps(cases._INLINE).encode(), Request("POST", "/v1/batches/b1/requests", ()))
    assert [s.text for s in read.segments if s.kind is Kind.USER] == ["a b"]


def test_anthropics_files_are_not_these() -> None:
    wire = next(o for o in operations() if o.name == "openai.files")
    assert wire.mine(Request("POST", "/v1/files", ()))
    assert not wire.mine(Request("POST", "/v1/files", (("anthropic-version", "2023-06-01"),)))


def test_a_line_without_an_operation_names_no_text_of_it() -> None:
    with pytest.raises(BadRequest) as raised:
        Rows(finder([])).request({"url": "/secret/word", "body": {}})
    assert "secret" not in str(raised.value)
