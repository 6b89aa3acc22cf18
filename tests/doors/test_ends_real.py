"""How a stream ends through a real gateway, before a model and a moderation service on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from guardrail import Decision, Guard
from guardrail.backends.openai import CATEGORIES
from guardrail.doors.gateway import gateway
from guardrail.doors.proxy import Proxy
from guardrail.store.recorder import memory
from tests.support import events

from .driver import CHAT, JSON, chat
from .raw import chunked, speaking
from .servers import Model, serving

ODD = "peculiar"


@dataclass
class Service:
    """A moderation service in OpenAI's shape; it answers while ``open`` is set."""

    open: threading.Event = field(default_factory=threading.Event)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    texts: list[Any] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v1/moderations", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> JSONResponse:
        texts = (await request.json())["input"]
        self.texts += texts
        self.asked.release()
        while not self.open.is_set():
            if await request.is_disconnected():
                break
            await anyio.sleep(0.002)
        calm = dict.fromkeys(CATEGORIES, False)
        said = [calm | {"violence": ODD in str(text)} for text in texts]
        results = [
            {"flagged": any(s.values()), "categories": s, "category_scores": {name: float(v) for name, v in s.items()}}
            for s in said
        ]
        return JSONResponse({"id": "modr-1", "model": "omni-moderation-latest", "results": results})


POLICY = """
guardrail: 1
name: far
checks:
  far: {{use: openai, api_key: test, url: {url}/v1/moderations, timeout: 20s}}
input:  [{input}]
output: [far]
rules:
  - {{when: violence, do: refuse}}
{more}
"""


@dataclass
class Place:
    url: str
    model: Model
    service: Service
    rows: list[Decision]
    stored: threading.Event

    def row(self) -> Decision:
        assert self.stored.wait(5)
        (row,) = self.rows
        return row


@contextmanager
def standing(
    tmp_path: Path, model: Model, more: str = "", upstream: str | None = None, input: str = ""
) -> Iterator[Place]:
    """Gateway, model and moderation service, all on loopback."""
    service = Service()
    with serving(service.app()) as far, serving(model.app()) as near:
        path = tmp_path / "policy.yaml"
        path.write_text(POLICY.format(url=far, more=more, input=input))
        guard = Guard.from_policy(path, log="none")
        recorder, stored = memory(), threading.Event()
        guard._recorder = recorder
        submit = recorder.submit

        def watched(decision: Decision) -> Any:
            try:
                return submit(decision)
            finally:
                stored.set()

        recorder.submit = watched  # type: ignore[method-assign]
        try:
            with serving(gateway(guard, Proxy(upstream or near))) as url:
                yield Place(url, model, service, recorder.rows, stored)
        finally:
            service.open.set()


SENTENCES = ["This is a ", f"{ODD} sentence to say. ", "Nothing else follows. "]


class Reader:
    """A real client on a thread of its own, which reads an answer to its end."""

    def __init__(self, url: str, text: str = "hello", **more: Any) -> None:
        self.answer: list[httpx.Response] = []
        self._sent = chat(text, **more)
        self._thread = threading.Thread(target=self._read, args=(url + CHAT,))
        self._thread.start()

    def _read(self, url: str) -> None:
        self.answer.append(httpx.post(url, content=self._sent, headers=dict([JSON]), timeout=10))

    def read(self, seconds: float = 5.0) -> httpx.Response:
        self._thread.join(seconds)
        assert self.answer, "the answer did not end"
        return self.answer[0]


def test_a_real_stream_is_refused_while_its_upstream_stalls(tmp_path: Path) -> None:
    with standing(tmp_path, Model(SENTENCES, stall=True)) as place:
        reader = Reader(place.url, stream=True)
        assert place.service.asked.acquire(timeout=5)
        assert not place.model.left.is_set()
        place.service.open.set()
        body = reader.read(1).content
        assert place.model.left.wait(1), "upstream was not left"
        assert ODD.encode() not in body
        assert set(events.finishes(body).values()) == {"content_filter"}
        assert body.endswith(events.DONE)
        row = place.row()
        assert (row.ended, row.door) == ("refused", "gateway")
        assert row.spent is not None
        assert row.spent.bytes > 100


def test_a_real_caller_who_leaves_while_the_service_is_out_frees_the_upstream(tmp_path: Path) -> None:
    with standing(tmp_path, Model(SENTENCES, stall=True)) as place:
        host, port = place.url.removeprefix("http://").split(":")
        body = chat("hello", stream=True)
        with socket.create_connection((host, int(port)), timeout=10) as link:
            head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
            link.sendall(f"{head}\r\n\r\n".encode() + body)
            assert place.service.asked.acquire(timeout=5)
        assert place.model.left.wait(1), "upstream was not left"
        row = place.row()
        assert (row.ended, row.door) == ("disconnected", "gateway")


@pytest.mark.parametrize("stream", [True, False])
def test_a_real_upstream_is_left_when_the_request_is_refused_beside_it(tmp_path: Path, stream: bool) -> None:
    model = Model(["This is fine."], stall=stream)
    with standing(tmp_path, model, "overlap: upstream", input="far") as place:
        reader = Reader(place.url, f"say something {ODD}", stream=stream)
        assert place.service.asked.acquire(timeout=5)
        end = time.monotonic() + 5
        while not model.bodies and time.monotonic() < end:
            time.sleep(0.002)
        assert model.bodies, "upstream was not asked beside the check"
        assert reader.answer == []
        place.service.open.set()
        body = reader.read().content
        assert b"content_filter" in body
        assert b"fine" not in body
        assert not stream or model.left.wait(1)
        row = place.row()
        assert (row.ended, row.spent is not None) == ("refused", True)


def test_a_real_upstream_that_hangs_up_while_the_service_is_out_is_an_error(tmp_path: Path) -> None:
    begun = [events.sse(tree, done=False) for tree in events.said("This is one sentence. And ", "another")[:3]]
    with speaking(chunked(*begun)) as upstream, standing(tmp_path, Model(), upstream=upstream) as place:
        reader = Reader(place.url, stream=True)
        assert place.service.asked.acquire(timeout=5)
        place.service.open.set()
        body = reader.read().content
        assert events.trees(body)[-1]["error"]["code"] == "upstream_error"
        assert b"content_filter" not in body
        assert place.row().ended == "upstream_error"


class Silent(Model):
    """Begins to answer and says nothing."""

    async def _stream(self, asked: dict[str, Any]) -> Any:
        try:
            await anyio.sleep_forever()
            yield b""
        finally:
            self.left.set()


@pytest.mark.parametrize("when", ["first_byte", "idle"])
def test_a_real_upstream_that_is_silent_is_given_up_and_left(tmp_path: Path, when: str) -> None:
    model = Silent() if when == "first_byte" else Model(["Hello."], stall=True)
    with standing(tmp_path, model, f"streams: {{{when}: 150ms, settle: 10ms}}") as place:
        place.service.open.set()
        answer = Reader(place.url, stream=True).read(2)
        assert answer.status_code == (504 if when == "first_byte" else 200)
        assert events.trees(answer.content)[-1]["error"]["code"] == "upstream_error" if when == "idle" else True
        assert model.left.wait(1)
        assert place.row().ended == "upstream_error"
