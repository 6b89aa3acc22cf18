"""ollama: chat, whole and as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import ollama

from .dialect import Plain, Script


class OllamaChat:
    name, stop, choices, reasons = "ollama", "stop", False, True
    media = "application/x-ndjson"
    libraries: tuple[str, ...] = ("httpx",)
    errors: tuple[type[Exception], ...] = (ollama.ResponseError,)

    def claims(self, path: str) -> bool:
        return path == "/api/chat"

    def streams(self, path: str, asked: Any) -> bool:
        return bool(asked.get("stream", True))

    def _line(self, done: bool = False, **message: Any) -> Any:
        head = {"model": "m", "created_at": "2025-01-01T00:00:00Z", "message": {"role": "assistant", **message}}
        ending = {"done_reason": "stop", "total_duration": 1, "prompt_eval_count": 3, "eval_count": 5}
        return {**head, "done": done, **(ending if done else {})}

    def _calls(self, script: Script) -> Any:
        return [{"function": {"name": "look", "arguments": json.loads("".join(script.tool))}}]

    def said(self, script: Script) -> Any:
        message: dict[str, Any] = {"content": "".join(script.text)}
        if script.reasoning:
            message["thinking"] = "".join(script.reasoning)
        if script.tool:
            message["tool_calls"] = self._calls(script)
        return self._line(True, **message)

    def streamed(self, script: Script) -> Iterator[bytes]:
        lines = [self._line(content="", thinking=piece) for piece in script.reasoning]
        lines += [self._line(content=piece) for piece in script.text]
        if script.tool:
            lines.append(self._line(content="", tool_calls=self._calls(script)))
        lines.append(self._line(True, content=""))
        return (json.dumps(line).encode() + b"\n" for line in lines)

    def client(self, url: str, *, later: bool, plain: Plain | None = None) -> Any:
        more = {"transport": plain.transport(later=later)} if plain else {}
        return (ollama.AsyncClient if later else ollama.Client)(host=url, **more)

    def ask(self, client: Any, prompt: str, *, later: bool, stream: bool, n: int) -> Any:
        return client.chat(model="m", messages=[{"role": "user", "content": prompt}], stream=stream)

    def text(self, chunk: Any) -> str:
        return chunk.message.content or ""

    def reason(self, chunk: Any) -> list[str]:
        return [chunk.done_reason] if chunk.done_reason else []

    def close(self, client: Any, *, later: bool) -> Any:
        return client.close()
