"""google-genai: generateContent, whole and as an event stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from google import genai
from google.genai import errors, types

from .dialect import Plain, Script, sse


class Gemini:
    name, stop, choices, reasons = "gemini", "STOP", True, True
    media = "text/event-stream"
    libraries: tuple[str, ...] = ("httpx2", "httpx")
    errors: tuple[type[Exception], ...] = (errors.APIError,)

    def claims(self, path: str) -> bool:
        return "/models/m:" in path

    def streams(self, path: str, asked: Any) -> bool:
        return path.endswith(":streamGenerateContent")

    def _answer(self, script: Script, parts: list[Any], reason: str | None) -> Any:
        candidates = [{"content": {"role": "model", "parts": parts}, "index": i} for i in range(script.n)]
        for candidate in candidates:
            candidate |= {"finishReason": reason} if reason else {}
        usage = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}
        return {"candidates": candidates, "usageMetadata": usage, "modelVersion": "m", "responseId": "r1"}

    def _call(self, script: Script) -> Any:
        return {"functionCall": {"id": "call_1", "name": "look", "args": json.loads("".join(script.tool))}}

    def said(self, script: Script) -> Any:
        parts: list[Any] = []
        if script.reasoning:
            parts.append({"text": "".join(script.reasoning), "thought": True})
        if script.text:
            parts.append({"text": "".join(script.text)})
        if script.tool:
            parts.append(self._call(script))
        return self._answer(script, parts, "STOP")

    def streamed(self, script: Script) -> Iterator[bytes]:
        parts: list[Any] = [{"text": piece, "thought": True} for piece in script.reasoning]
        parts += [{"text": piece} for piece in script.text]
        parts += [self._call(script)] if script.tool else []
        for at, part in enumerate(parts):
            yield sse(self._answer(script, [part], "STOP" if at == len(parts) - 1 else None))

    def client(self, url: str, *, later: bool, plain: Plain | None = None) -> Any:
        more: dict[str, Any] = {}
        if plain:
            more = {"httpx_client": plain.client(later=False), "httpx_async_client": plain.client(later=True)}
        return genai.Client(api_key="none", http_options=types.HttpOptions(base_url=url, **more))

    def ask(self, client: Any, prompt: str, *, later: bool, stream: bool, n: int) -> Any:
        models = client.aio.models if later else client.models
        config = types.GenerateContentConfig(candidate_count=n) if n > 1 else None
        call = models.generate_content_stream if stream else models.generate_content
        return call(model="m", contents=prompt, config=config)

    def text(self, chunk: Any) -> str:
        contents = [c.content for c in chunk.candidates or () if c.content is not None]
        return "".join(p.text or "" for content in contents for p in content.parts or () if not p.thought)

    def reason(self, chunk: Any) -> list[str]:
        feedback = chunk.prompt_feedback
        blocked = [feedback.block_reason.value] if feedback is not None and feedback.block_reason else []
        return blocked + [c.finish_reason.value for c in chunk.candidates or () if c.finish_reason]

    def close(self, client: Any, *, later: bool) -> Any:
        client.close()
        return client.aio.aclose()
