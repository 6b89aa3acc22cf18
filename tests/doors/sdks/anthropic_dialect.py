"""anthropic: messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic

from .dialect import Plain, Script, sse


class Messages:
    name, stop, choices, reasons = "anthropic.messages", "end_turn", False, True
    media = "text/event-stream"
    libraries: tuple[str, ...] = ("httpx2",)
    errors: tuple[type[Exception], ...] = (anthropic.APIError,)

    def claims(self, path: str) -> bool:
        return path == "/v1/messages"

    def streams(self, path: str, asked: Any) -> bool:
        return bool(asked.get("stream"))

    def _blocks(self, script: Script) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Each block as it opens, and the deltas that fill it."""
        blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        if script.reasoning:
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in script.reasoning]
            deltas.append({"type": "signature_delta", "signature": "c2lnbmF0dXJl"})
            blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
        if script.text:
            blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": p} for p in script.text]))
        if script.tool:
            opened = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
            blocks.append((opened, [{"type": "input_json_delta", "partial_json": p} for p in script.tool]))
        return blocks

    def _message(self, content: list[Any], reason: str | None) -> Any:
        head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content}
        usage = {"input_tokens": 3, "output_tokens": 5}
        return {**head, "stop_reason": reason, "stop_sequence": None, "usage": usage}

    def said(self, script: Script) -> Any:
        content: list[Any] = []
        if script.reasoning:
            content.append({"type": "thinking", "thinking": "".join(script.reasoning), "signature": "c2lnbmF0dXJl"})
        if script.text:
            content.append({"type": "text", "text": "".join(script.text)})
        if script.tool:
            content.append(
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": json.loads("".join(script.tool))}
            )
        return self._message(content, "end_turn")

    def streamed(self, script: Script) -> Iterator[bytes]:
        def event(kind: str, **fields: Any) -> bytes:
            return sse({"type": kind, **fields}, kind)

        yield event("message_start", message=self._message([], None))
        for index, (block, deltas) in enumerate(self._blocks(script)):
            yield event("content_block_start", index=index, content_block=block)
            yield from (event("content_block_delta", index=index, delta=delta) for delta in deltas)
            yield event("content_block_stop", index=index)
        delta = {"stop_reason": "end_turn", "stop_sequence": None}
        yield event("message_delta", delta=delta, usage={"output_tokens": 5})
        yield event("message_stop")

    def client(self, url: str, *, later: bool, plain: Plain | None = None) -> Any:
        kind = anthropic.AsyncAnthropic if later else anthropic.Anthropic
        more: dict[str, Any] = {"http_client": plain.client(later=later)} if plain else {}
        return kind(base_url=url, api_key="none", max_retries=0, **more)

    def ask(self, client: Any, prompt: str, *, later: bool, stream: bool, n: int) -> Any:
        messages = [{"role": "user", "content": prompt}]
        return client.messages.create(model="m", max_tokens=100, messages=messages, stream=stream)

    def text(self, chunk: Any) -> str:
        if chunk.type == "message":
            return "".join(block.text for block in chunk.content if block.type == "text")
        if chunk.type == "content_block_start":
            return chunk.content_block.text if chunk.content_block.type == "text" else ""
        return chunk.delta.text if chunk.type == "content_block_delta" and chunk.delta.type == "text_delta" else ""

    def reason(self, chunk: Any) -> list[str]:
        if chunk.type == "message":
            return [chunk.stop_reason]
        return [chunk.delta.stop_reason] if chunk.type == "message_delta" and chunk.delta.stop_reason else []

    def close(self, client: Any, *, later: bool) -> Any:
        return client.close()
