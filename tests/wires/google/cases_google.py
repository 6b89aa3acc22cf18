"""Exchanges of Gemini's API, written from its reference: every documented part and field once or more."""

from __future__ import annotations

from typing import Any

from tests.wires.case import SSE, Case

MODEL = "/v1beta/models/gemini-flash-latest"
_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
ASK: dict[str, Any] = {
    "systemInstruction": {"role": "system", "parts": [{"text": "Answer in short sentences."}]},
    "contents": [
        {
            "role": "user",
            "parts": [
                {"text": "How is the weather in Oslo today?"},
                {"inlineData": {"mimeType": "image/png", "data": _PNG, "displayName": "a small picture"}},
                {"fileData": {"mimeType": "application/pdf", "fileUri": "https://example.com/some.pdf"}},
                {"text": "And in the film?", "videoMetadata": {"startOffset": "1s", "endOffset": "2s"}},
            ],
        },
        {
            "role": "model",
            "parts": [
                {"text": "I should look it up.", "thought": True, "thoughtSignature": "c2ln"},
                {"functionCall": {"id": "call_1", "name": "get_weather", "args": {"city": "the city of Oslo"}}},
                {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)", "id": "code_1"}},
                {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "it says 42", "id": "code_1"}},
                {"toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["weather in Oslo"]}}},
                {"toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"page": "rain all day"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {
                    "functionResponse": {
                        "id": "call_1",
                        "name": "get_weather",
                        "response": {"output": "rain and wind"},
                        "scheduling": "SILENT",
                        "parts": [{"inlineData": {"mimeType": "image/png", "data": _PNG}}],
                    }
                }
            ],
        },
    ],
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "get_weather",
                    "description": "Tells the weather of a city.",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {"city": {"type": "STRING", "description": "A city."}},
                    },
                    "parametersJsonSchema": {"type": "object", "title": "some title"},
                    "response": {"type": "STRING", "description": "The weather in words."},
                }
            ]
        },
        {"googleSearch": {}},
        {"codeExecution": {}},
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "generationConfig": {
        "candidateCount": 1,
        "stopSequences": ["the end"],
        "responseMimeType": "application/json",
        "responseModalities": ["TEXT"],
        "responseSchema": {"type": "OBJECT", "description": "What is wanted."},
        "responseJsonSchema": {"type": "object", "description": "What is wanted too."},
        "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}, "languageCode": "en-GB"},
        "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "low"},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
    },
    "labels": {"team": "the blue team"},
    "cachedContent": "cachedContents/abc",
}
SNAKE: dict[str, Any] = {
    "system_instruction": {"parts": {"text": "Answer in short sentences."}},
    "contents": {
        "parts": [
            {"text": "What do you see here?"},
            {"inline_data": {"mime_type": "image/png", "data": _PNG}},
            {"file_data": {"mime_type": "image/png", "file_uri": "gs://bucket/picture.png"}},
            {"function_call": {"name": "look", "args": {"where": "over there"}}},
            {"function_response": {"name": "look", "response": {"said": "a red door"}}},
        ]
    },
    "tools": [{"function_declarations": [{"name": "look", "description": "Looks at something."}]}],
    "generation_config": {"max_output_tokens": 100, "stop_sequences": ["the end"]},
}
_USAGE = {
    "promptTokenCount": 3,
    "candidatesTokenCount": 5,
    "totalTokenCount": 8,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 3}],
    "trafficType": "ON_DEMAND",
}
_END = {"usageMetadata": _USAGE, "modelVersion": "gemini-flash-latest", "responseId": "r1"}
SAID: dict[str, Any] = {
    "candidates": [
        {
            "index": 0,
            "content": {
                "role": "model",
                "parts": [
                    {"text": "Let me think about it.", "thought": True},
                    {"text": "It rains in Oslo.", "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "call_2", "name": "get_weather", "args": {"city": "the town of Moss"}}},
                    {"inlineData": {"mimeType": "image/png", "data": _PNG}},
                    {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "it says 42"}},
                ],
            },
            "finishReason": "STOP",
            "finishMessage": "All went well.",
            "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}],
            "citationMetadata": {
                "citations": [{"uri": "https://example.com/a", "title": "A page", "license": "CC BY"}]
            },
            "groundingMetadata": {
                "webSearchQueries": ["weather in Oslo"],
                "groundingChunks": [
                    {"web": {"uri": "https://example.com/a", "title": "The weather page", "domain": "example.com"}},
                    {"retrievedContext": {"uri": "https://example.com/b", "title": "A note", "text": "It rains."}},
                ],
                "groundingSupports": [{"segment": {"endIndex": 17, "text": "It rains in Oslo."}}],
                "searchEntryPoint": {"renderedContent": "<div>weather in Oslo</div>"},
            },
            "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "https://example.com/a b"}]},
            "logprobsResult": {
                "chosenCandidates": [{"token": "It rains", "logProbability": -0.1}],
                "topCandidates": [{"candidates": [{"token": "It snows", "logProbability": -2.0}]}],
            },
        }
    ],
    **_END,
}


def chunk(*parts: Any, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": index, **more}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **_END}


def _arg(path: str, value: str, more: bool = True) -> dict[str, Any]:
    arg = {"jsonPath": path, "stringValue": value, "willContinue": more}
    return {"functionCall": {"partialArgs": [arg], "willContinue": True}}


CHUNKS: list[Any] = [
    chunk({"text": "Let me think ", "thought": True}),
    chunk({"text": "about it.", "thought": True}),
    chunk({"text": "It rains "}),
    chunk({"text": "in Oslo."}),
    chunk({"functionCall": {"name": "get_weather", "args": {"city": "the town of Moss"}}}),
    chunk({"functionCall": {"name": "get_weather", "args": {"city": "the town of Hamar"}}}),
    chunk({"functionCall": {"name": "get_wind", "willContinue": True}}),
    chunk(_arg("$.city", "the city ")),
    chunk(_arg("$.city", "of Bergen", more=False)),
    chunk({"functionCall": {}}),
    chunk({"text": ""}, finish="STOP", groundingMetadata={"webSearchQueries": ["weather in Oslo"]}),
]
STEPS: list[Any] = [
    (
        "interaction.created",
        {"event_type": "interaction.created", "interaction": {"id": "i1", "status": "in_progress"}},
    ),
    ("step.start", {"event_type": "step.start", "index": 0, "step": {"type": "model_output"}}),
    ("step.delta", {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "It rains "}}),
    ("step.delta", {"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": "in Oslo."}}),
    ("step.stop", {"event_type": "step.stop", "index": 0}),
    (
        "interaction.completed",
        {"event_type": "interaction.completed", "interaction": {"id": "i1", "status": "completed"}},
    ),
]
_ANSWERED = {
    "id": "i1",
    "status": "completed",
    "steps": [
        {"type": "thought", "signature": "c2ln", "summary": [{"type": "text", "text": "I think of it."}]},
        {"type": "model_output", "content": [{"type": "text", "text": "It rains in Oslo."}]},
        {"type": "function_call", "id": "f1", "name": "get_weather", "arguments": {"city": "the city of Oslo"}},
    ],
}
CASES: list[Case] = [
    Case("google.generate", f"{MODEL}:generateContent", ASK, SAID),
    Case("google.generate snake", f"{MODEL}:generateContent", SNAKE, SAID),
    Case("google.stream", f"{MODEL}:streamGenerateContent", ASK, answer_type=SSE, events=CHUNKS, query="alt=sse"),
    Case("google.stream array", f"{MODEL}:streamGenerateContent", ASK, events=CHUNKS),
    Case("google.count", f"{MODEL}:countTokens", {"contents": ASK["contents"]}, {"totalTokens": 3}),
    Case(
        "google.embed",
        f"{MODEL}:batchEmbedContents",
        {
            "requests": [
                {"model": "models/e", "content": {"parts": [{"text": "a small text"}]}, "taskType": "CLUSTERING"}
            ]
        },
        {"embeddings": [{"values": [0.1, 0.2]}]},
    ),
    Case(
        "google.predict",
        f"{MODEL}:predict",
        {"instances": [{"prompt": "a calm sea"}], "parameters": {"negativePrompt": "no boats"}},
        {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": _PNG, "prompt": "a very calm sea"}]},
    ),
    Case(
        "google.caches",
        "/v1beta/cachedContents",
        {"model": "models/m", "contents": ASK["contents"], "ttl": "300s", "displayName": "my own cache"},
        {"name": "cachedContents/abc", "displayName": "my own cache", "createTime": "2026-01-01T00:00:00Z"},
    ),
    Case(
        "google.interactions",
        "/v1beta/interactions",
        {"model": "m", "input": "How is the weather?", "system_instruction": "Be very short."},
        _ANSWERED,
    ),
    Case(
        "google.interactions stream",
        "/v1beta/interactions",
        {"model": "m", "input": [{"type": "text", "text": "How is it?"}], "stream": True},
        answer_type=SSE,
        events=STEPS,
        done="[DONE]",
    ),
]
