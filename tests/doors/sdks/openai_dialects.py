"""openai: chat completions and Responses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import openai

from .dialect import Plain, Script, sse

_USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}


def _tokens(pieces: Sequence[str], script: Script) -> list[Any]:
    """The log-probabilities of these pieces; none where the script has none."""
    return [
        {"token": piece, "logprob": -0.5, "bytes": list(piece.encode()), "top_logprobs": []}
        for piece in (pieces if script.logprobs else ())
    ]


class _OpenAI:
    media = "text/event-stream"
    libraries: tuple[str, ...] = ("httpx2", "httpx")
    errors: tuple[type[Exception], ...] = (openai.APIError,)

    def streams(self, path: str, asked: Any) -> bool:
        return bool(asked.get("stream"))

    def client(self, url: str, *, later: bool, plain: Plain | None = None) -> Any:
        kind = openai.AsyncOpenAI if later else openai.OpenAI
        more: dict[str, Any] = {"http_client": plain.client(later=later)} if plain else {}
        return kind(base_url=f"{url}/v1", api_key="sk-none", max_retries=0, **more)

    def close(self, client: Any, *, later: bool) -> Any:
        return client.close()


class Chat(_OpenAI):
    name, stop, choices, reasons = "openai.chat", "stop", True, True

    def claims(self, path: str) -> bool:
        return path == "/v1/chat/completions"

    def said(self, script: Script) -> Any:
        more: dict[str, Any] = {"reasoning_content": "".join(script.reasoning)} if script.reasoning else {}
        if script.tool:
            function = {"name": "look", "arguments": "".join(script.tool)}
            more["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
        choices = []
        for i, text in enumerate(script.texts()):
            message = {"role": "assistant", "content": "".join(text), "refusal": None, **more}
            logprobs = {"content": _tokens(text, script), "refusal": None} if script.logprobs else None
            choices.append({"index": i, "message": message, "logprobs": logprobs, "finish_reason": "stop"})
        head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
        return {**head, "choices": choices, "usage": _USAGE}

    def streamed(self, script: Script) -> Iterator[bytes]:
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        head |= {"usage": _USAGE if script.usage == "each" else None} if script.usage else {}

        def chunk(index: int, delta: Any, finish: str | None = None) -> bytes:
            logprobs = {"content": _tokens([delta["content"]], script)} if delta.get("content") else None
            more = {"logprobs": logprobs} if script.logprobs else {}
            return sse({**head, "choices": [{"index": index, "delta": delta, **more, "finish_reason": finish}]})

        indices = range(script.n)
        yield from (chunk(i, {"role": "assistant", "content": ""}) for i in indices)
        for piece in script.reasoning:
            yield from (chunk(i, {"reasoning_content": piece}) for i in indices)
        for pieces in zip_longest(*script.texts()):
            yield from (chunk(i, {"content": piece}) for i, piece in enumerate(pieces) if piece is not None)
        for at, piece in enumerate(script.tool):
            call = {"index": 0, **({"id": "call_1", "type": "function"} if at == 0 else {})}
            function = {"name": "look", "arguments": piece} if at == 0 else {"arguments": piece}
            yield from (chunk(i, {"tool_calls": [{**call, "function": function}]}) for i in indices)
        yield from (chunk(i, {}, "stop") for i in indices)
        if script.usage:
            yield sse({**head, "choices": [], "usage": _USAGE})
        yield sse("[DONE]")

    def ask(self, client: Any, prompt: str, *, later: bool, stream: bool, n: int) -> Any:
        more = {"n": n} if n > 1 else {}
        return client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": prompt}], stream=stream, **more
        )

    def text(self, chunk: Any) -> str:
        messages = (getattr(c, "delta", None) or c.message for c in chunk.choices)
        return "".join(message.content or "" for message in messages)

    def reason(self, chunk: Any) -> list[str]:
        return [c.finish_reason for c in chunk.choices if c.finish_reason]


class Responses(_OpenAI):
    name, stop, choices, reasons = "openai.responses", "completed", False, True

    def claims(self, path: str) -> bool:
        return path == "/v1/responses"

    def _items(self, script: Script, status: str = "completed") -> list[Any]:
        items: list[Any] = []
        if script.reasoning:
            summary = [{"type": "summary_text", "text": "".join(script.reasoning)}]
            items.append({"id": "rs_1", "type": "reasoning", "summary": summary})
        if script.text:
            part = {"type": "output_text", "text": "".join(script.text), "annotations": []}
            part |= {"logprobs": _tokens(script.text, script)}
            items.append({"id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": [part]})
        if script.tool:
            call = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "look", "status": status}
            items.append({**call, "arguments": "".join(script.tool)})
        return items

    def _response(self, items: list[Any], status: str) -> Any:
        usage: Any = (
            None
            if status == "in_progress"
            else {
                "input_tokens": 3,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": 5,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 8,
            }
        )
        head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "error": None}
        rest: dict[str, Any] = {
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "parallel_tool_calls": True,
        }
        more = {"temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "usage": usage}
        return {**head, "status": status, "output": items, **rest, **more}

    def said(self, script: Script) -> Any:
        return self._response(self._items(script), "completed")

    def streamed(self, script: Script) -> Iterator[bytes]:
        count = iter(range(1000))

        def event(kind: str, **fields: Any) -> bytes:
            return sse({"type": kind, "sequence_number": next(count), **fields}, kind)

        yield event("response.created", response=self._response([], "in_progress"))
        for at, item in enumerate(self._items(script)):
            yield event("response.output_item.added", output_index=at, item=_opened(item))
            yield from self._pieces(event, at, item, script)
            yield event("response.output_item.done", output_index=at, item=item)
        yield event("response.completed", response=self._response(self._items(script), "completed"))

    def _pieces(self, event: Any, at: int, item: Any, script: Script) -> Iterator[bytes]:
        here = {"item_id": item["id"], "output_index": at}
        if item["type"] == "function_call":
            for piece in script.tool:
                yield event("response.function_call_arguments.delta", **here, delta=piece)
            yield event("response.function_call_arguments.done", **here, name="look", arguments=item["arguments"])
            return
        reasoning = item["type"] == "reasoning"
        part = item["summary" if reasoning else "content"][0]
        here["summary_index" if reasoning else "content_index"] = 0
        name = "response.reasoning_summary" if reasoning else "response.content"
        text = "response.reasoning_summary_text" if reasoning else "response.output_text"
        more: dict[str, Any] = {} if reasoning else {"logprobs": []}
        yield event(f"{name}_part.added", **here, part={**part, "text": "", **more})
        for piece in script.reasoning if reasoning else script.text:
            more |= {} if reasoning else {"logprobs": _tokens([piece], script)}
            yield event(f"{text}.delta", **here, delta=piece, **more)
        more |= {} if reasoning else {"logprobs": part["logprobs"]}
        yield event(f"{text}.done", **here, text=part["text"], **more)
        yield event(f"{name}_part.done", **here, part=part)

    def ask(self, client: Any, prompt: str, *, later: bool, stream: bool, n: int) -> Any:
        return client.responses.create(model="m", input=prompt, stream=stream)

    def text(self, chunk: Any) -> str:
        if getattr(chunk, "object", None) == "response":
            return str(chunk.output_text)
        return chunk.delta if chunk.type == "response.output_text.delta" else ""

    def reason(self, chunk: Any) -> list[str]:
        response = chunk if getattr(chunk, "object", None) == "response" else getattr(chunk, "response", None)
        if response is None or response.status in (None, "in_progress", "queued"):
            return []
        details = response.incomplete_details
        return [details.reason if details is not None else response.status]


def _opened(item: Any) -> Any:
    """The item as it is announced, before anything of it was said."""
    return {**item, **{name: [] for name in ("content", "summary") if name in item}, **_empty(item)}


def _empty(item: Any) -> dict[str, Any]:
    more: dict[str, Any] = {"arguments": ""} if "arguments" in item else {}
    return {**more, "status": "in_progress"} if "status" in item else more
