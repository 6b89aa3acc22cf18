"""Bedrock's invoke in the languages of its models, written from the user guide's parameters of each."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.wires.anthropic.cases_messages import ANSWER, REQUEST, SAID, streamed
from tests.wires.bedrock import cases_converse as converse
from tests.wires.case import AWS, Case

_METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 1, "outputTokenCount": 2}}


def chunks(trees: list[Any]) -> list[tuple[str, Any]]:
    trees = [*trees[:-1], {**trees[-1], **_METRICS}]
    return [("chunk", {"bytes": base64.b64encode(json.dumps(t).encode()).decode(), "p": "abcdef"}) for t in trees]


def _both(model: str, asked: Any, said: Any, parts: list[Any]) -> list[Case]:
    at = f"/model/{model}/invoke"
    return [
        Case(f"invoke {model}", at, asked, said),
        Case(f"invoke {model} stream", f"{at}-with-response-stream", asked, events=chunks(parts), answer_type=AWS),
    ]


_PROMPT = {"prompt": "Tell me of the rain."}
_CLAUDE = {"anthropic_version": "bedrock-2023-05-31", **{k: v for k, v in REQUEST.items() if k != "model"}}
_MESSAGES = {"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "What of the rain?"}]}
_CHAT = {"id": "c1", "choices": [{"index": 0, "finish_reason": "stop",
                                  "message": {"role": "assistant", "content": "It rains a lot."}}]}  # fmt: skip
_DELTAS = [
    {"id": "c1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "It rains "}}]},
    {"id": "c1", "choices": [{"index": 0, "delta": {"content": "a lot."}, "finish_reason": "stop"}]},
]
_LLAMA = {"prompt_token_count": 1, "generation_token_count": 2}
_COHERE = {
    "message": "What of the rain?", "preamble": "You are short.", "stop_sequences": ["the very end"],
    "chat_history": [{"role": "USER", "message": "Hello there."}, {"role": "CHATBOT", "message": "Hello to you."}],
    "documents": [{"title": "On rain", "snippet": "Rain is wet."}],
    "tools": [{"name": "look", "description": "Looks it up."}],
}  # fmt: skip
_COHERE_SAID = {"text": "It rains a lot.", "generation_id": "g1", "response_id": "r1", "finish_reason": "COMPLETE",
                "chat_history": _COHERE["chat_history"],
                "tool_calls": [{"name": "look", "parameters": {"for": "the rain"}}]}  # fmt: skip

CASES = [
    *_both("us.anthropic.claude-opus-4-8", _CLAUDE, ANSWER, [tree for _, tree in streamed(SAID[:5])]),
    *_both(
        "us.amazon.nova-lite-v1:0",
        {"schemaVersion": "messages-v1", **converse.REQUEST},
        converse.ANSWER,
        [{name: tree} for name, tree in converse.EVENTS],
    ),
    *_both(
        "amazon.titan-text-express-v1",
        {"inputText": "Tell me of the rain.", "textGenerationConfig": {"stopSequences": ["the very end"]}},
        {"inputTextTokenCount": 1, "results": [{"outputText": "It rains a lot.", "completionReason": "FINISH"}]},
        [{"outputText": "It rains ", "index": 0}, {"outputText": "a lot.", "completionReason": "FINISH"}],
    ),
    *_both(
        "us.meta.llama3-3-70b-instruct-v1:0",
        {**_PROMPT, "max_gen_len": 9},
        {"generation": "It rains a lot.", "stop_reason": "stop", **_LLAMA},
        [{"generation": "It rains ", "stop_reason": None}, {"generation": "a lot.", "stop_reason": "stop"}],
    ),
    *_both(
        "mistral.mistral-7b-instruct-v0:2",
        {**_PROMPT, "stop": ["the very end"]},
        {"outputs": [{"text": "It rains a lot.", "stop_reason": "stop"}]},
        [{"outputs": [{"text": "It rains "}]}, {"outputs": [{"text": "a lot.", "stop_reason": "stop"}]}],
    ),
    *_both(
        "cohere.command-r-plus-v1:0",
        _COHERE,
        _COHERE_SAID,
        [
            {"event_type": "text-generation", "text": "It rains "},
            {"event_type": "text-generation", "text": "a lot."},
            {"event_type": "stream-end", "is_finished": True, "finish_reason": "COMPLETE", "response": _COHERE_SAID},
        ],
    ),
    *_both("ai21.jamba-1-5-large-v1:0", _MESSAGES, _CHAT, _DELTAS),
    *_both("openai.gpt-oss-120b-1:0", _MESSAGES, _CHAT, _DELTAS),
    *_both(
        "us.deepseek.r1-v1:0",
        _PROMPT,
        {"choices": [{"text": "It rains a lot.", "stop_reason": "stop"}]},
        [{"choices": [{"text": "It rains "}]}, {"choices": [{"text": "a lot.", "stop_reason": "stop"}]}],
    ),
    *_both(
        "someone.else-v1",
        {"words": ["Tell me of the rain."]},
        {"reply": "It rains a lot."},
        [{"reply": "It rains "}, {"reply": "a lot."}],
    ),
    Case(
        "invoke embeddings",
        "/model/amazon.titan-embed-text-v2:0/invoke",
        {"inputText": "Some words on rain.", "dimensions": 2},
        {"embedding": [1, 2], "inputTextTokenCount": 3},
    ),
    Case(
        "invoke embeddings of cohere",
        "/model/cohere.embed-english-v3/invoke",
        {"texts": ["Some words on rain."], "input_type": "search_document", "truncate": "NONE"},
        {"id": "e1", "embeddings": [[1, 2]], "texts": ["Some words on rain."], "response_type": "embeddings_floats"},
    ),
]
