"""cohere: chat of the second version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cohere
from cohere.core import ApiError

from .dialect import Plain, Script, sse


class CohereChat:
    name, stop, choices, reasons = "cohere", "COMPLETE", False, True
    media = "text/event-stream"
    libraries: tuple[str, ...] = ("httpx",)
    errors: tuple[type[Exception], ...] = (ApiError,)

    def claims(self, path: str) -> bool:
        return path == "/v2/chat"

    def streams(self, path: str, asked: Any) -> bool:
        return bool(asked.get("stream"))

    def said(self, script: Script) -> Any:
        content: list[Any] = []
        if script.reasoning:
            content.append({"type": "thinking", "thinking": "".join(script.reasoning)})
        if script.text:
            content.append({"type": "text", "text": "".join(script.text)})
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if script.tool:
            message["tool_calls"] = [self._call("".join(script.tool))]
        usage = {"tokens": {"input_tokens": 3, "output_tokens": 5}}
        return {"id": "c1", "finish_reason": "COMPLETE", "message": message, "usage": usage}

    def _call(self, arguments: str) -> Any:
        return {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": arguments}}

    def streamed(self, script: Script) -> Iterator[bytes]:
        def event(kind: str, **fields: Any) -> bytes:
            return sse({"type": kind, **fields}, kind)

        def message(**fields: Any) -> Any:
            return {"message": fields}

        opening = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        yield event("message-start", id="c1", delta=message(**opening))
        index = 0
        for kind, pieces in (("thinking", script.reasoning), ("text", script.text)):
            if pieces:
                start = message(content={"type": kind, kind: ""})
                yield event("content-start", index=index, delta=start)
                for piece in pieces:
                    yield event("content-delta", index=index, delta=message(content={kind: piece}))
                yield event("content-end", index=index)
                index += 1
        if script.tool:
            yield event("tool-call-start", index=0, delta=message(tool_calls=self._call("")))
            for piece in script.tool:
                calls = {"function": {"arguments": piece}}
                yield event("tool-call-delta", index=0, delta=message(tool_calls=calls))
            yield event("tool-call-end", index=0)
        usage = {"tokens": {"input_tokens": 3, "output_tokens": 5}}
        yield event("message-end", id="c1", delta={"finish_reason": "COMPLETE", "usage": usage})

    def client(self, url: str, *, later: bool, plain: Plain | None = None) -> Any:
        kind = cohere.AsyncClientV2 if later else cohere.ClientV2
        more: dict[str, Any] = {"httpx_client": plain.client(later=later)} if plain else {}
        return kind(api_key="none", base_url=url, max_retries=0, **more)

    def ask(self, client: Any, prompt: str, *, later: bool, stream: bool, n: int) -> Any:
        call = client.chat_stream if stream else client.chat
        return call(model="m", messages=[{"role": "user", "content": prompt}])

    def text(self, chunk: Any) -> str:
        if (kind := getattr(chunk, "type", None)) is None:
            return "".join(part.text for part in chunk.message.content or () if part.type == "text")
        return chunk.delta.message.content.text or "" if kind in ("content-start", "content-delta") else ""

    def reason(self, chunk: Any) -> list[str]:
        kind = getattr(chunk, "type", None)
        if kind is None:
            return [chunk.finish_reason]
        return [chunk.delta.finish_reason] if kind == "message-end" and chunk.delta.finish_reason else []

    def close(self, client: Any, *, later: bool) -> Any:
        inner = client._client_wrapper.httpx_client.httpx_client
        return inner.aclose() if later else inner.close()
