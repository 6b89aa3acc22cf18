"""Exchanges of the Responses API, of conversations and of realtime over HTTP."""

from __future__ import annotations

from tests.wires.case import SSE, Case
from tests.wires.openai import responses_scripts as scripts
from tests.wires.openai.responses_samples import OUTPUT, PNG
from tests.wires.openai.responses_wholes import INPUT, SCHEMA, TOOLS, response

ASK = {
    "model": "gpt-5-mini",
    "input": INPUT,
    "instructions": "Be a good pilot",
    "tools": TOOLS,
    "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "find_tide"}]},
    "text": {
        "format": {
            "type": "json_schema",
            "name": "turn",
            "description": "one turn of it",
            "schema": SCHEMA,
            "strict": True,
        },
        "verbosity": "low",
    },
    "prompt": {
        "id": "pmpt_1",
        "version": "2",
        "variables": {
            "who": "the young pilot",
            "what": {"type": "input_text", "text": "a word of advice"},
            "chart": {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
            "log": {"type": "input_file", "file_id": "file_9"},
        },
    },
    "metadata": {"trip": "round the bay"},
    "user": "a user name",
    "safety_identifier": "user-1",
    "previous_response_id": "resp_0",
    "conversation": {"id": "conv_1"},
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "low", "summary": "auto"},
    "truncation": "auto",
    "service_tier": "auto",
    "prompt_cache_key": "key-1",
    "prompt_cache_retention": "24h",
    "prompt_cache_options": {"mode": "explicit", "ttl": "30m", "comparison_response_id": "resp_00"},
    "context_management": [{"type": "compaction", "compact_threshold": 1000}],
    "background_options": {"completion_window": "soonest", "continuation_id": "cont_1"},
    "moderation": {"model": "omni-moderation-latest", "policy": {"input": {"mode": "score"}}},
    "access_programs": {"cyber": "standard"},
    "image": {"context_compression": "auto"},
    "max_output_tokens": 200,
    "max_tool_calls": 3,
    "parallel_tool_calls": True,
    "store": True,
    "temperature": 1.0,
    "top_p": 1.0,
    "top_logprobs": 1,
    "background": False,
}
SHORT = {"model": "gpt-5-mini", "input": "When does the tide turn?", "conversation": "conv_1", "tool_choice": "auto"}
STREAM = {**SHORT, "stream": True, "stream_options": {"include_obfuscation": True}}
ERROR = {
    "error": {
        "message": "There is no such thing",
        "type": "invalid_request_error",
        "param": "input",
        "code": "not_found",
    }
}
COMPACTED = {
    "id": "resp_2",
    "object": "response.compaction",
    "created_at": 1760000000,
    "output": OUTPUT[-6:],
    "usage": response()["usage"],
}
PAGE = {"object": "list", "data": INPUT, "first_id": "msg_0", "last_id": "ct_1", "has_more": False}
CONVERSATION = {
    "id": "conv_1",
    "object": "conversation",
    "created_at": 1760000000,
    "metadata": {"trip": "round the bay"},
}
AZURE = {
    "content_filters": [
        {
            "blocked": False,
            "source_type": "completion",
            "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}},
            "content_filter_offsets": {"start_offset": 0, "end_offset": 9, "check_offset": 0},
        }
    ]
}
SESSION = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "Answer as a pilot does",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "noise_reduction": {"type": "near_field"},
            "transcription": {
                "model": "whisper-1",
                "language": "en",
                "prompt": "names of ships",
                "keywords": ["Old Mary"],
            },
            "turn_detection": {"type": "semantic_vad", "eagerness": "low", "create_response": True},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
    },
    "tools": [TOOLS[0], TOOLS[5]],
    "tool_choice": "auto",
    "prompt": {"id": "pmpt_1", "version": "1", "variables": {"who": "the old pilot"}},
    "tracing": {"workflow_name": "a round trip", "group_id": "g-1", "metadata": {"trip": "round the bay"}},
    "truncation": "auto",
    "include": ["item.input_audio_transcription.logprobs"],
    "max_output_tokens": "inf",
}
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=the old harbour\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
FORM = (
    b'--b1\r\nContent-Disposition: form-data; name="sdp"\r\nContent-Type: application/sdp\r\n\r\n' + SDP + b"\r\n"
    b'--b1\r\nContent-Disposition: form-data; name="session"\r\nContent-Type: application/json\r\n\r\n'
    b'{"type": "realtime", "instructions": "Answer as a pilot does"}\r\n--b1--\r\n'
)
ONE = "/v1/responses/resp_1"
TALK = "/v1/conversations"

CASES = [
    Case("responses", "/v1/responses", ASK, response(output=OUTPUT, output_text="The tide turns at noon", **AZURE)),
    Case("responses short", "/v1/responses", SHORT, response(output=[])),
    Case("responses error", "/v1/responses", SHORT, ERROR, status=400),
    Case("responses failed", "/v1/responses", SHORT, response(status="failed", error=ERROR["error"])),
    Case("responses azure", "/openai/responses", SHORT, response(**AZURE), query="api-version=2025-04-01-preview"),
    Case("responses bedrock", "/openai/v1/responses", SHORT, response(output=OUTPUT[:2])),
    Case("responses openrouter", "/api/v1/responses", SHORT, response(output=OUTPUT[:2], provider="Acme")),
    Case("responses deepseek", "/responses", SHORT, response(output=OUTPUT[:2])),
    Case("responses stream", "/v1/responses", STREAM, answer_type=SSE, events=scripts.answer()),
    Case("responses stream calls", "/v1/responses", STREAM, answer_type=SSE, events=scripts.calls()),
    Case("responses stream hosted", "/v1/responses", STREAM, answer_type=SSE, events=scripts.hosted()),
    Case("responses stream odd", "/v1/responses", STREAM, answer_type=SSE, events=scripts.odd()),
    Case("responses stream cut short", "/v1/responses", STREAM, answer_type=SSE, events=scripts.cut_short()),
    Case("responses stream done", "/v1/responses", STREAM, answer_type=SSE, events=scripts.cut_short(), done="[DONE]"),
    Case("responses stored", ONE, answer=response(output=OUTPUT[:2]), method="GET", request_type=""),
    Case(
        "responses stored stream",
        ONE,
        method="GET",
        request_type="",
        query="stream=true",
        answer_type=SSE,
        events=scripts.answer(),
    ),
    Case("responses cancel", f"{ONE}/cancel", answer=response(status="cancelled"), request_type=""),
    Case(
        "responses delete",
        ONE,
        answer={"id": "resp_1", "object": "response", "deleted": True},
        method="DELETE",
        request_type="",
    ),
    Case("responses input", f"{ONE}/input_items", answer=PAGE, method="GET", request_type="", query="limit=20"),
    Case(
        "responses compact",
        "/v1/responses/compact",
        {"model": "gpt-5", "input": INPUT[:3], "instructions": "Be a good pilot", "previous_response_id": "resp_0"},
        COMPACTED,
    ),
    Case(
        "responses count",
        "/v1/responses/input_tokens",
        {"model": "gpt-5", "input": INPUT[:3], "tools": TOOLS[:1]},
        {"object": "response.input_tokens", "input_tokens": 9},
    ),
    Case("conversations", TALK, {"items": INPUT[:3], "metadata": {"trip": "round the bay"}}, CONVERSATION),
    Case("conversations one", f"{TALK}/conv_1", answer=CONVERSATION, method="GET", request_type=""),
    Case("conversations change", f"{TALK}/conv_1", {"metadata": {"trip": "round the cape"}}, CONVERSATION),
    Case(
        "conversations delete",
        f"{TALK}/conv_1",
        answer={"id": "conv_1", "object": "conversation.deleted", "deleted": True},
        method="DELETE",
        request_type="",
    ),
    Case("conversations items", f"{TALK}/conv_1/items", answer=PAGE, method="GET", request_type=""),
    Case("conversations add", f"{TALK}/conv_1/items", {"items": INPUT[:4]}, {**PAGE, "data": INPUT[:4]}),
    Case("conversations item", f"{TALK}/conv_1/items/msg_1", answer=OUTPUT[1], method="GET", request_type=""),
    Case(
        "conversations item delete",
        f"{TALK}/conv_1/items/msg_1",
        answer=CONVERSATION,
        method="DELETE",
        request_type="",
    ),
    Case(
        "realtime secret",
        "/v1/realtime/client_secrets",
        {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": SESSION},
        {
            "value": "ek_1",
            "expires_at": 1760000000,
            "session": {**SESSION, "id": "sess_1", "object": "realtime.session"},
        },
    ),
    Case(
        "realtime session",
        "/v1/realtime/sessions",
        {
            "model": "gpt-realtime",
            "instructions": "Answer as a pilot does",
            "voice": "alloy",
            "modalities": ["audio", "text"],
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "input_audio_transcription": {"model": "whisper-1", "prompt": "names of ships"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5},
            "tools": TOOLS[:1],
        },
        {
            "id": "sess_1",
            "object": "realtime.session",
            "client_secret": {"value": "ek_1", "expires_at": 1760000000},
            "instructions": "Answer as a pilot does",
        },
    ),
    Case(
        "realtime transcription",
        "/v1/realtime/transcription_sessions",
        {
            "input_audio_format": "pcm16",
            "input_audio_transcription": {"model": "whisper-1", "prompt": "names of ships"},
        },
        {"id": "sess_1", "object": "realtime.transcription_session", "client_secret": {"value": "ek_1"}},
    ),
    Case(
        "realtime call",
        "/v1/realtime/calls",
        SDP,
        SDP,
        request_type="application/sdp",
        answer_type="text/plain; charset=utf-8",
        status=201,
    ),
    Case(
        "realtime call form",
        "/v1/realtime/calls",
        FORM,
        SDP,
        request_type="multipart/form-data; boundary=b1",
        answer_type="application/sdp",
        status=201,
    ),
    Case("realtime call accept", "/v1/realtime/calls/rtc_1/accept", SESSION, {}),
    Case("realtime call refer", "/v1/realtime/calls/rtc_1/refer", {"target_uri": "tel:+4712345678"}, {}),
    Case("realtime call hangup", "/v1/realtime/calls/rtc_1/hangup", answer={}, request_type=""),
]
