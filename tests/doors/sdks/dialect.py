"""What the tests of the SDKs share: a script for the model, and the shape of one SDK's dialect."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


@dataclass(frozen=True, slots=True)
class Script:
    """What the model says, in the pieces in which it streams it."""

    text: tuple[str, ...] = ("Hello", " there", ".")
    reasoning: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()  # the arguments of one call of `look`, in pieces of JSON text
    n: int = 1
    second: tuple[str, ...] = ()  # what the second choice says, where it does not say ``text`` too (openai.chat)
    logprobs: bool = False  # each piece of text comes with itself as its token (openai)
    usage: str = ""  # the stream's "last" chunk is one of usage, or "each" chunk has it too (openai.chat)

    def texts(self) -> list[tuple[str, ...]]:
        """The text of each choice."""
        return [self.second if i == 1 and self.second else self.text for i in range(self.n)]


@dataclass(frozen=True, slots=True)
class Plain:
    """An HTTP library, and the transports that clients of it are to send by, for SDKs that take such a client."""

    http: ModuleType
    transports: tuple[Any, Any]

    def transport(self, *, later: bool) -> Any:
        return self.transports[later]

    def client(self, *, later: bool) -> Any:
        kind = self.http.AsyncClient if later else self.http.Client
        return kind(transport=self.transport(later=later))


@dataclass(frozen=True, slots=True)
class Heard:
    """What the SDK gave its caller. ``chunks`` are the objects as plain trees; ``error`` is the API's own."""

    chunks: list[Any]
    text: str
    reasons: list[str]
    error: Exception | None = None

    def everything(self) -> str:
        """All text, that of one place put together over the chunks, for words are cut in two; and all numbers."""
        places: dict[str, str] = {}
        _walk(self.chunks, places)
        said = [*places.values(), str(self.error), json.dumps(getattr(self.error, "body", None), default=str)]
        return "\n".join(said).lower()


def _walk(chunks: list[Any], places: dict[str, str]) -> None:
    def walk(value: Any, path: str) -> None:
        if isinstance(value, str):
            places[path] = places.get(path, "") + value
        elif isinstance(value, (int, float)):
            places[path] = f"{places.get(path, '')}{value}\n"
        elif path.endswith(".bytes") and isinstance(value, list):  # of a token
            walk(bytes(value).decode(errors="replace"), path)
        elif isinstance(value, dict):
            for key, item in value.items():
                walk(item, f"{path}.{key}")
        elif isinstance(value, list):
            for at, item in enumerate(value):
                walk(item, f"{path}[{item.get('index', at) if isinstance(item, dict) else at}]")

    for chunk in chunks:
        walk(chunk, "")


class Dialect(Protocol):
    """One API as one SDK speaks it. ``said`` and ``streamed`` are the server's side, the rest the caller's."""

    name: str
    media: str
    errors: tuple[type[Exception], ...]
    stop: str  # the reason that an ordinary answer ends with
    choices: bool  # does it know n > 1?
    reasons: bool  # does it say what the model thought?
    libraries: tuple[str, ...]  # the HTTP libraries it takes a client or a transport of

    def claims(self, path: str) -> bool: ...

    def streams(self, path: str, asked: Any) -> bool: ...

    def said(self, script: Script) -> Any: ...

    def streamed(self, script: Script) -> Iterator[bytes]: ...

    def client(self, url: str, *, later: bool, plain: Plain | None = None) -> Any: ...

    def ask(self, client: Any, prompt: str, *, later: bool, stream: bool, n: int) -> Any: ...

    def text(self, chunk: Any) -> str: ...

    def reason(self, chunk: Any) -> list[str]: ...

    def close(self, client: Any, *, later: bool) -> Any: ...


def tree(value: Any) -> Any:
    """The object as plain data, without the HTTP headers that one of the SDKs adds to it."""
    made = value.model_dump(mode="json", warnings=False)
    made.pop("sdk_http_response", None)
    return made


def hear(dialect: Dialect, chunks: list[Any], error: Exception | None = None) -> Heard:
    reasons = [reason for chunk in chunks for reason in dialect.reason(chunk)]
    return Heard([tree(c) for c in chunks], "".join(dialect.text(c) for c in chunks), reasons, error)


def ask(dialect: Dialect, client: Any, prompt: str, *, stream: bool, n: int = 1) -> Heard:
    """One call in the sync colour, read to its end."""
    chunks: list[Any] = []
    try:
        result = dialect.ask(client, prompt, later=False, stream=stream, n=n)
        for chunk in result if stream else [result]:
            chunks.append(chunk)
    except dialect.errors as error:
        return hear(dialect, chunks, error)
    return hear(dialect, chunks)


async def ask_later(dialect: Dialect, client: Any, prompt: str, *, stream: bool, n: int = 1) -> Heard:
    """One call in the async colour, read to its end."""
    chunks: list[Any] = []
    try:
        result = dialect.ask(client, prompt, later=True, stream=stream, n=n)
        if inspect.isawaitable(result):
            result = await result
        if stream:
            async for chunk in result:
                chunks.append(chunk)
        else:
            chunks.append(result)
    except dialect.errors as error:
        return hear(dialect, chunks, error)
    return hear(dialect, chunks)


def sse(data: Any, event: str | None = None) -> bytes:
    head = f"event: {event}\n" if event else ""
    return f"{head}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


@dataclass
class Upstream:
    """A model that speaks every dialect, by path. It says ``script``."""

    dialects: list[Dialect]
    script: Script = field(default_factory=Script)
    asked: list[tuple[str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        path, asked = request.url.path, await request.json()
        self.asked.append((path, asked))
        dialect = next(d for d in self.dialects if d.claims(path))
        if not dialect.streams(path, asked):
            return JSONResponse(dialect.said(self.script))

        async def body() -> Any:
            for chunk in dialect.streamed(self.script):
                yield chunk

        return StreamingResponse(body(), media_type=dialect.media)
