"""Bedrock's Converse, written from its API reference: every block, every event, at least once."""

from __future__ import annotations

import base64
from typing import Any

from tests.wires.case import AWS, Case

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PATH = f"/model/{MODEL}/converse"
_PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR").decode()
_IMAGE = {"image": {"format": "png", "source": {"bytes": _PNG}}}
_DOCUMENT = {"document": {"format": "pdf", "name": "my report", "context": "A yearly report",
                          "citations": {"enabled": True}, "source": {"bytes": _PNG}}}  # fmt: skip
_SEARCH = {"searchResult": {"source": "https://shop.example/hours", "title": "Opening hours",
                            "content": [{"text": "Our shop opens early."}], "citations": {"enabled": True}}}  # fmt: skip
_CITATION = {"title": "On lawns", "source": "a garden book", "sourceContent": [{"text": "The grass is green."}],
             "location": {"web": {"url": "https://lawn.example", "domain": "lawn.example"}}}  # fmt: skip
SAID: list[dict[str, Any]] = [
    {"reasoningContent": {"reasoningText": {"text": "The user wants the weather.", "signature": "EqoBCkgIARAB"}}},
    {"reasoningContent": {"redactedContent": "EmwKAhgBEgy3va3pzix="}},
    {"text": "Let me look at that."},
    {"citationsContent": {"content": [{"text": "Lawns are green."}], "citations": [_CITATION]}},
    {"toolUse": {"toolUseId": "tooluse_1", "name": "get_weather", "type": "server_tool_use",
                 "input": {"city": "New York City", "deep": ["some words"]}}},
    _IMAGE,
]  # fmt: skip
_TRACE = {
    "guardrail": {
        "modelOutput": ["some raw words of it"],
        "actionReason": "No action was taken.",
        "inputAssessment": {"gr1": {"wordPolicy": {"customWords": [{"match": "a bad word", "action": "NONE"}]}}},
        "outputAssessments": {"gr1": [{"topicPolicy": {"topics": [{"name": "Money matters", "type": "DENY"}]}}]},
    },
    "promptRouter": {"invokedModelId": "amazon.nova-lite-v1:0"},
}
_USAGE = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3, "cacheDetails": [{"ttl": "5m", "inputTokens": 1}]}
REQUEST: dict[str, Any] = {
    "system": [{"text": "You are a weather person."}, {"cachePoint": {"type": "default", "ttl": "5m"}},
               {"guardContent": {"text": {"text": "Be kind to all.", "qualifiers": ["guard_content"]}}}],
    "messages": [
        {"role": "user", "content": [
            {"text": "What is in these?"}, _IMAGE, _DOCUMENT, _SEARCH,
            {"document": {"format": "txt", "name": "notes", "source": {"text": "Some plain notes"}}},
            {"document": {"format": "md", "name": "more", "source": {"content": [{"text": "One more chunk"}]}}},
            {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/a.mp4", "bucketOwner": "1"}}}},
            {"audio": {"format": "mp3", "source": {"bytes": _PNG}}},
            {"guardContent": {"text": {"text": "Judge this one.", "qualifiers": ["query"]}}},
            {"guardContent": {"image": {"format": "png", "source": {"bytes": _PNG}}}},
            {"cachePoint": {"type": "default"}},
        ]},
        {"role": "assistant", "content": SAID},
        {"role": "user", "content": [{"toolResult": {
            "toolUseId": "tooluse_1", "status": "success", "type": "nova_grounding_result", "content": [
                {"text": "It is raining there."}, {"json": {"sky": "full of clouds"}}, _IMAGE, _DOCUMENT, _SEARCH]}},
            {"toolAddition": {"tool": {"type": "tool", "name": "a new tool", "serverName": "a server"}}},
            {"toolRemoval": {"tool": {"type": "tool", "name": "an old tool"}}}]},
    ],
    "inferenceConfig": {"maxTokens": 512, "temperature": 1.0, "stopSequences": ["the very end"]},
    "toolConfig": {"tools": [
        {"toolSpec": {"name": "get_weather", "description": "Tells the weather.",
                      "inputSchema": {"json": {"type": "object", "title": "Where it is"}}}},
        {"systemTool": {"name": "nova_grounding"}}, {"cachePoint": {"type": "default"}}],
        "toolChoice": {"tool": {"name": "get_weather"}}},
    "guardrailConfig": {"guardrailIdentifier": "gr1", "guardrailVersion": "1", "trace": "enabled"},
    "additionalModelRequestFields": {"note": "some free words"},
    "additionalModelResponseFieldPaths": ["/stop_sequence"],
    "promptVariables": {"city": {"text": "New York City"}},
    "requestMetadata": {"team": "the blue team"},
    "performanceConfig": {"latency": "standard"}, "serviceTier": {"type": "default"},
    "outputConfig": {"effort": "low", "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
        "schema": '{"title": "Some weather"}', "name": "weather", "description": "What to say"}}}},
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "output": {"message": {"role": "assistant", "content": SAID}},
    "stopReason": "end_turn", "usage": _USAGE, "metrics": {"latencyMs": 9}, "trace": _TRACE,
    "additionalModelResponseFields": {"stop_sequence": "the very end"},
    "performanceConfig": {"latency": "standard"}, "serviceTier": {"type": "default"},
}  # fmt: skip


def _delta(n: int, **delta: Any) -> tuple[str, Any]:
    return "contentBlockDelta", {"contentBlockIndex": n, "delta": delta, "p": "abcdefgh"}


def _stop(n: int) -> tuple[str, Any]:
    return "contentBlockStop", {"contentBlockIndex": n, "p": "abc"}


def _start(n: int, **start: Any) -> tuple[str, Any]:
    return "contentBlockStart", {"contentBlockIndex": n, "start": start, "p": "abcd"}


EVENTS: list[tuple[str, Any]] = [
    ("messageStart", {"role": "assistant", "p": "abcdefghijkl"}),
    _delta(0, reasoningContent={"text": "The user wants"}),
    _delta(0, reasoningContent={"text": " the weather."}),
    _delta(0, reasoningContent={"signature": "EqoBCkgIARAB"}),
    _stop(0),
    _delta(1, reasoningContent={"redactedContent": "EmwKAhgBEgy3va3pzix="}),
    _stop(1),
    _delta(2, text="Let me look "),
    _delta(2, text="at that."),
    _delta(2, citation=_CITATION),
    _stop(2),
    _start(3, toolUse={"toolUseId": "tooluse_1", "name": "get_weather", "type": "server_tool_use"}),
    _delta(3, toolUse={"input": '{"city": "New '}),
    _delta(3, toolUse={"input": 'York City"}'}),
    _stop(3),
    _start(4, toolResult={"toolUseId": "tooluse_1", "type": "nova_grounding_result", "status": "success"}),
    _delta(4, toolResult=[{"text": "It is raining there."}, {"json": {"sky": "full of clouds"}}]),
    _stop(4),
    _start(5, image={"format": "png"}),
    _delta(5, image={"source": {"bytes": _PNG}}),
    _stop(5),
    ("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": {"stop": "the very end"}}),
    ("metadata", {"usage": _USAGE, "metrics": {"latencyMs": 9}, "trace": _TRACE, "p": "abc"}),
]
ASKED = {"messages": [{"role": "user", "content": [{"text": "Hi there."}]}]}
_APPLY = {
    "source": "INPUT",
    "outputScope": "FULL",
    "content": [{"text": {"text": "Is this one fine?", "qualifiers": ["query"]}}, _IMAGE],
}
_APPLIED = {"action": "NONE", "outputs": [{"text": "It is all fine."}], "assessments": [], "usage": {}}
_STARTED = {"clientRequestToken": "t1", "modelId": "amazon.nova-reel-v1:1",
            "modelInput": {"text": "A film of a cat"},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://b/", "kmsKeyId": "k", "bucketOwner": "1"}},
            "tags": [{"key": "team", "value": "the blue team"}]}  # fmt: skip

CASES = [
    Case("converse", PATH, REQUEST, ANSWER),
    Case("converse stopped", PATH, ASKED, {**ANSWER, "stopReason": "guardrail_intervened"}),
    Case("converse error", PATH, ASKED, {"message": "The input is too long."}, status=400),
    Case("converse stream", PATH + "-stream", ASKED, events=EVENTS, answer_type=AWS),
    Case("converse counts", f"/model/{MODEL}/count-tokens", {"input": {"converse": ASKED}}, {"inputTokens": 5}),
    Case("async invoke", "/async-invoke", _STARTED, {"invocationArn": "arn:aws:bedrock:us-east-1:1:async-invoke/a"}),
    Case("apply guardrail", "/guardrail/gr1/version/1/apply", _APPLY, _APPLIED),
]
