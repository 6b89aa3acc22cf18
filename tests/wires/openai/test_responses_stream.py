"""Endings of a Responses stream: the official SDK reads them wherever they come, and nothing unseen is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from guardrail.http import Request
from guardrail.wires.openai.responses_operations import operations
from guardrail.wires.openai.responses_stream import ResponsesStream
from guardrail.wires.operation import Operation
from guardrail.wires.protocol import Notice, Reference
from tests.support import plans
from tests.support.drive import EVENTS, call
from tests.wires.case import SSE, framed
from tests.wires.openai import responses_samples as samples
from tests.wires.openai import responses_scripts as scripts
from tests.wires.openai.responses_scripts import Event
from tests.wires.openai.responses_wholes import response

Script = list[tuple[str, Event]]
SAY = "This was not allowed here."
NOTICE = Notice(SAY, "content_refused", "d0", answer=True)
ASKED = json.dumps({"model": "m", "input": "hi", "stream": True}).encode()
PATH = "/v1/responses"
SCRIPTS: dict[str, Callable[[], Script]] = {
    "answer": scripts.answer,
    "calls": scripts.calls,
    "hosted": scripts.hosted,
    "odd": scripts.odd,
    "cut short": scripts.cut_short,
}


def operation(name: str) -> Operation:
    return next(op for op in operations() if op.name == name)


def sent(codec: ResponsesStream, script: Script) -> bytes:
    """The bytes of a stream of which all has left."""
    return b"".join(codec.encode(frame) for frame in codec.feed(framed(script, SSE)))


def read(raw: bytes) -> list[Event]:
    lines = [line for line in raw.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(line[6:]) for line in lines]


def answered(raw: bytes) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda _: httpx2.Response(200, headers={"content-type": SSE}, content=raw)


def client(raw: bytes) -> openai.OpenAI:
    transport = httpx2.MockTransport(answered(raw))
    return openai.OpenAI(base_url="http://test/v1", api_key="-", http_client=httpx2.Client(transport=transport))


def heard(raw: bytes) -> list[ResponseStreamEvent]:
    """What the SDK's own stream of a response gives: it keeps state, and objects to wrong orders."""
    with client(raw).responses.stream(model="m", input="hi") as stream:
        return list(stream)


def final(event: Any) -> Response:
    assert event.type == "response.incomplete"
    assert event.response.status == "incomplete"
    assert event.response.incomplete_details.reason == "content_filter"
    response: Response = event.response
    return response


def opened_and_not_closed(events: list[Event]) -> set[tuple[Any, ...]]:
    """Parts and items with a beginning and no end."""
    left: set[tuple[Any, ...]] = set()
    for event in events:
        word, _, end = event["type"].rpartition(".")
        if end in ("added", "done") and word.endswith(("_part", "output_item")):
            at = (word, event["output_index"], event.get("content_index"), event.get("summary_index"))
            (left.add if end == "added" else left.discard)(at)
    return left


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_sdk_reads_a_refusal_after_any_event(name: str) -> None:
    script = [(kind, event) for kind, event in SCRIPTS[name]() if kind != "error"]  # the SDK raises it
    for cut in range(len(script)):
        codec = ResponsesStream()
        raw = sent(codec, script[:cut]) + codec.refuse(NOTICE)
        events = heard(raw)
        response = final(events[-1])
        assert response.output_text.endswith(SAY), cut
        assert response.output[-1].type == "message"
        numbers = [event.sequence_number for event in events]
        assert numbers == sorted(set(numbers)), cut


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_ending_closes_what_was_opened_but_no_call_of_the_apps(name: str) -> None:
    script = SCRIPTS[name]()
    for cut in range(len(script)):
        codec = ResponsesStream()
        events = read(sent(codec, script[:cut]) + codec.refuse(NOTICE))
        items = {e["output_index"]: e["item"]["type"] for e in events if e["type"] == "response.output_item.added"}
        left = {items[at[1]] for at in opened_and_not_closed(events)}
        assert left <= {"function_call", "custom_tool_call", "shell_call", "apply_patch_call"} | {
            "shell_call_output",
            "mcp_approval_request",
        }, cut
        closed = {e["output_index"] for e in events if e["type"] == "response.output_item.done"}
        told = [item["id"] for item in events[-1]["response"]["output"]]
        assert len(told) == len(closed), cut


def test_an_ending_repeats_only_what_has_left() -> None:
    script = scripts.answer()
    for cut in range(2, len(script) - 1):
        codec = ResponsesStream()
        before = read(sent(codec, script[:cut]))
        events = read(codec.refuse(NOTICE))
        text = "".join(e["delta"] for e in before if e["type"] == "response.output_text.delta")
        summary = "".join(e["delta"] for e in before if e["type"] == "response.reasoning_summary_text.delta")
        for event in events:
            if event["type"] == "response.output_text.done" and SAY not in event["text"]:
                assert event["text"] == text
            if event["type"] == "response.reasoning_summary_text.done":
                assert event["text"] == summary
        output = events[-1]["response"]["output"]
        parts = [p.get("text", "") for item in output[:-1] if item["type"] == "message" for p in item["content"]]
        assert "".join(parts) == text
        thoughts = [p["text"] for item in output if item["type"] == "reasoning" for p in item["summary"]]
        assert "".join(thoughts) == summary


def test_nothing_of_a_call_that_was_stopped_is_told_again() -> None:
    script = scripts.calls()
    cut = next(n for n, (name, _) in enumerate(script) if name == "response.function_call_arguments.delta") + 1
    codec = ResponsesStream()
    sent(codec, script[:cut])
    assert [e["type"] for e in read(codec.refuse(NOTICE)) if "function_call" in str(e.get("item"))] == []


def test_a_refusal_before_anything_has_left_is_a_whole_stream() -> None:
    events = heard(ResponsesStream().refuse(NOTICE))
    assert events[0].type == "response.created"
    assert final(events[-1]).output_text == SAY


@pytest.mark.parametrize("name", ["answer", "calls"])
def test_the_async_sdk_reads_a_refusal(name: str) -> None:
    script = SCRIPTS[name]()

    async def one(raw: bytes) -> None:
        transport = httpx2.MockTransport(answered(raw))
        inner = httpx2.AsyncClient(transport=transport)
        async with openai.AsyncOpenAI(base_url="http://test/v1", api_key="-", http_client=inner) as sdk:
            stream = await sdk.responses.create(model="m", input="hi", stream=True)
            final([event async for event in stream][-1])
            async with sdk.responses.stream(model="m", input="hi") as held:
                final([event async for event in held][-1])

    async def every() -> None:
        for cut in (0, 1, len(script) // 2, len(script) - 1):
            codec = ResponsesStream()
            await one(sent(codec, script[:cut]) + codec.refuse(NOTICE))

    asyncio.run(every())


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_break_is_an_error_to_the_sdk(name: str) -> None:
    script = SCRIPTS[name]()
    for cut in range(0, len(script) - 1, 3):
        codec = ResponsesStream()
        before = sent(codec, script[:cut])
        if "event: error" in before.decode():
            continue
        raw = before + codec.fail(NOTICE)
        with pytest.raises(openai.APIError, match="not allowed"):
            heard(raw)
        failed = [e for e in read(raw) if e["type"] == "response.failed"]
        assert [e["response"]["status"] for e in failed] == (["failed"] if cut else [])


def flagged(script: Script, word: str, category: str = plans.MASKED, **more: Any) -> Any:
    plan = replace(plans.plan(plans.Word(word, category=category)), input=plans.NOTHING.input)
    body = framed(script, SSE)
    return call(plan, ASKED, body, headers=EVENTS, path=PATH, cuts=range(0, len(body), 53), **more)


@pytest.mark.parametrize("word", ["tide turns", "harbour", "old harbour", "nine fathoms", "moon is", "ebb at two"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_mask_is_in_every_repeat_and_the_sdk_reads_them(name: str, word: str) -> None:
    script = SCRIPTS[name]()
    bare = replace_all(script, "instructions", "metadata", "tools", "prompt", "text")
    result = flagged(bare, word)
    said = json.dumps(read(result.body), ensure_ascii=False)
    assert word not in said
    if result.rows[-1].outcome == "changed":
        assert plans.MASK in said
        if name != "odd":
            assert [e.type for e in heard(result.body)] == [name for name, _ in script]


def replace_all(script: Script, *names: str) -> Script:
    """The script with nothing repeated of a request, in which the words may stand too."""
    plain: Event = {
        "instructions": None,
        "metadata": {},
        "tools": [],
        "prompt": None,
        "text": {"format": {"type": "text"}},
    }
    return [
        (name, {**e, "response": {**e["response"], **{n: plain[n] for n in names}}} if "response" in e else e)
        for name, e in script
    ]


def test_masked_text_loses_its_probabilities_and_its_citations() -> None:
    events = read(flagged(scripts.answer(), "noon").body)
    parts = [e["part"] for e in events if e["type"] == "response.content_part.done" and "annotations" in e["part"]]
    assert [(p["annotations"], p["logprobs"]) for p in parts] == [([], [])]
    ended = events[-1]["response"]["output"][1]["content"][0]
    assert (ended["text"], ended["annotations"], ended["logprobs"]) == (f"The tide turns at {plans.MASK}", [], [])
    deltas = [e for e in events if e["type"] == "response.output_text.delta" and plans.MASK in e["delta"]]
    assert [e["logprobs"] for e in deltas] == [[]]


def test_an_ending_repeats_masks_and_not_what_they_cover() -> None:
    script = scripts.answer()
    both = plans.plan(plans.Word("tide", category=plans.MASKED), plans.Word("noon"))
    plan = replace(both, input=plans.NOTHING.input)
    result = call(plan, ASKED, framed(script, SSE), headers=EVENTS, path=PATH)
    assert result.refused
    response = final(heard(result.body)[-1])
    assert response.output_text == f"The {plans.MASK} turns at\n\n{SAY}"
    assert "noon" not in response.output_text


def test_arguments_are_judged_as_one_and_stay_json() -> None:
    script = scripts.calls()
    events = read(flagged(replace_all(script, "text", "tools"), "old harbour").body)
    done = next(e for e in events if e["type"] == "response.function_call_arguments.done")
    assert json.loads(done["arguments"]) == {"place": f"the {plans.MASK}", "days": 2}
    deltas = [e["delta"] for e in events if e["type"] == "response.function_call_arguments.delta"]
    assert json.loads("".join(deltas)) == json.loads(done["arguments"])
    ended = events[-1]["response"]["output"][0]
    assert ended["arguments"] == done["arguments"]


def test_a_word_that_begins_where_a_part_opens_is_seen() -> None:
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "for", "annotations": []}
    script = scripts.numbered(
        [
            {"type": "response.created", "response": response(status="in_progress")},
            scripts.added(0, {**samples.MESSAGE, "content": []}),
            {"type": "response.content_part.added", **at, "part": part},
            {"type": "response.output_text.delta", **at, "delta": "bidden", "logprobs": []},
        ]
    )
    result = flagged(script, "forbidden", plans.REFUSED)
    assert result.refused
    assert b"bidden" not in result.body


def test_what_the_api_made_is_named_once_it_has_come() -> None:
    codec = ResponsesStream()
    sent(codec, scripts.answer())
    assert {(r.kind, r.id) for r in codec.issued()} == {
        ("response", "resp_1"),
        ("conversation", "conv_1"),
        ("item", "rs_1"),
        ("item", "msg_1"),
    }


@pytest.mark.parametrize(
    ("event", "word"),
    [
        ({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}}, True),
        ({"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}, False),
        ({"type": "response.failed", "response": {"error": {"code": "bio_policy", "message": "no"}}}, True),
        ({"type": "error", "error": {"code": "invalid_prompt", "message": "no"}}, True),
        ({"type": "error", "code": "moderation_blocked", "message": "no"}, True),
        ({"type": "error", "code": "server_error", "message": "no"}, False),
        (scripts.done(0, {"type": "image_generation_call", "error": {"code": "moderation_blocked"}}), True),
    ],
)
def test_the_providers_own_refusals_are_known(event: Event, word: bool) -> None:
    codec = ResponsesStream()
    sent(codec, [(event["type"], event)])
    assert (codec.incident is not None) is word


def test_a_stream_that_is_taken_up_again_goes_on_with_its_numbers() -> None:
    asked = operation("openai.responses.stored").request(b"", Request("GET", f"{PATH}/resp_7", ()))
    asked.asked = Request("GET", f"{PATH}/resp_7", (), query="stream=true&starting_after=41")
    release = operation("openai.responses.stored").render(asked, NOTICE)
    events = read(release.body)
    assert events[0]["type"] == "response.output_item.added"
    assert [e["sequence_number"] for e in events] == list(range(42, 42 + len(events)))
    assert events[-1]["response"]["id"] == "resp_7"


def test_references_are_read_from_body_and_path() -> None:
    create, stored = operation("openai.responses"), operation("openai.responses.stored")
    tree = {
        "model": "m",
        "previous_response_id": "resp_0",
        "conversation": {"id": "conv_1"},
        "prompt": {"id": "pmpt_1", "variables": {"log": {"type": "input_file", "file_id": "file_2"}}},
        "input": [
            {"type": "item_reference", "id": "msg_0"},
            {"id": "rs_0"},
            {
                "type": "message",
                "id": "msg_9",
                "role": "user",
                "content": [{"type": "input_file", "file_id": "file_1"}],
            },
        ],
    }
    request = Request("POST", PATH, ())
    found = create.refers(request, create.request(json.dumps(tree).encode(), request))
    assert {(r.kind, r.id) for r in found} == {
        ("response", "resp_0"),
        ("conversation", "conv_1"),
        ("prompt", "pmpt_1"),
        ("item", "msg_0"),
        ("item", "rs_0"),
        ("file", "file_1"),
        ("file", "file_2"),
    }
    named = stored.refers(Request("GET", "/openai/v1/responses/resp_5/", ()), None)
    assert named == [Reference("response", "resp_5", "path")]
    item = operation("openai.conversations.item")
    named = item.refers(Request("GET", "/v1/conversations/conv_1/items/msg_1", ()), None)
    assert {(r.kind, r.id) for r in named} == {("conversation", "conv_1"), ("item", "msg_1")}
