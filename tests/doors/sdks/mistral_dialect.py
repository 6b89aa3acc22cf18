"""mistralai: chat completions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
from mistralai.client import Mistral, errors

from .dialect import Plain, Script, sse

_USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


class MistralChat:
    name, stop, choices, reasons = "mistral", "stop", True, True
    media = "text/event-stream"
    libraries: tuple[str, ...] = ("httpx2",)
    errors: tuple[type[Exception], ...] = (errors.MistralError,)

    def claims(self, path: str) -> bool:
        return path == "/mistral/v1/chat/completions"

    def streams(self, path: str, asked: Any) -> bool:
        return bool(asked.get("stream"))

    def said(self, script: Script) -> Any:
        content: Any = "".join(script.text)
        if script.reasoning:
            thinking = [{"type": "text", "text": "".join(script.reasoning)}]
            content = [{"type": "thinking", "thinking": thinking}, {"type": "text", "text": content}]
        message: dict[str, Any] = {"role": "assistant", "content": content, "tool_calls": None, "prefix": False}
        if script.tool:
            function = {"name": "look", "arguments": "".join(script.tool)}
            message["tool_calls"] = [{"id": "call00001", "function": function, "index": 0}]
        choices = [{"index": i, "message": message, "finish_reason": "stop"} for i in range(script.n)]
        head = {"id": "cmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
        return {**head, "choices": choices, "usage": _USAGE}

    def streamed(self, script: Script) -> Iterator[bytes]:
        def chunk(index: int, delta: Any, finish: str | None = None) -> bytes:
            head = {"id": "cmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            return sse({**head, "choices": [{"index": index, "delta": delta, "finish_reason": finish}]})

        indices = range(script.n)
        yield from (chunk(i, {"role": "assistant", "content": ""}) for i in indices)
        for piece in script.reasoning:
            thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": piece}]}]
            yield from (chunk(i, {"content": thinking}) for i in indices)
        for piece in script.text:
            yield from (chunk(i, {"content": piece}) for i in indices)
        for piece in script.tool:
            function = {"name": "look", "arguments": piece}
            calls = [{"id": "call00001", "function": function, "index": 0}]
            yield from (chunk(i, {"tool_calls": calls}) for i in indices)
        yield from (chunk(i, {"content": ""}, "stop") for i in indices)
        yield sse("[DONE]")

    def client(self, url: str, *, later: bool, plain: Plain | None = None) -> Any:
        return Mistral(
            api_key="none",
            server_url=f"{url}/mistral",
            client=plain.client(later=False) if plain else httpx2.Client(follow_redirects=True),
            async_client=plain.client(later=True) if plain else httpx2.AsyncClient(follow_redirects=True),
        )

    def ask(self, client: Any, prompt: str, *, later: bool, stream: bool, n: int) -> Any:
        call = getattr(client.chat, ("stream" if stream else "complete") + ("_async" if later else ""))
        more = {"n": n} if n > 1 else {}
        return call(model="m", messages=[{"role": "user", "content": prompt}], **more)

    def text(self, chunk: Any) -> str:
        chunk = getattr(chunk, "data", chunk)
        said = [getattr(c, "delta", None) or c.message for c in chunk.choices]
        return "".join(_plain(message.content) for message in said)

    def reason(self, chunk: Any) -> list[str]:
        return [c.finish_reason for c in getattr(chunk, "data", chunk).choices if c.finish_reason]

    def close(self, client: Any, *, later: bool) -> Any:
        client.sdk_configuration.client.close()
        return client.sdk_configuration.async_client.aclose()


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content or () if getattr(part, "type", None) == "text")
