"""The transport door, in both colours and for both libraries."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

import guardrail
from guardrail import Decision, Guard, transports
from guardrail.admit.identity import Identity
from guardrail.admit.limits import Limit, Limits
from guardrail.doors.transport import Lease
from guardrail.policy.plan import Caps, Scope
from tests.support import events, plans

from .driver import BAD, CHAT, EVENTS, JSON, MASKED, TEXT, canaries, chat, guarding

URL = f"http://model{CHAT}"
HEADERS = dict([JSON])


class Sync:
    """Asks by a sync client; ``answer`` is a function of the request that gives a response."""

    def __init__(self, http: ModuleType, guard: Guard, answer: Callable[[Any], Any], **more: Any) -> None:
        self.http = http
        self._make: Callable[[], Any] = lambda: http.Client(
            transport=transports(http)[0](http.MockTransport(answer), policy=guard, **more)
        )

    def ask(self, url: str = URL, content: Any = None, *, method: str = "POST", **more: Any) -> Any:
        more.setdefault("headers", HEADERS)
        with self._make() as client:
            return client.request(method, url, content=content, **more)


class Async(Sync):
    def __init__(self, http: ModuleType, guard: Guard, answer: Callable[[Any], Any], **more: Any) -> None:
        self.http = http
        self._make: Callable[[], Any] = lambda: http.AsyncClient(
            transport=transports(http)[1](http.MockTransport(answer), policy=guard, **more)
        )

    def ask(self, url: str = URL, content: Any = None, *, method: str = "POST", **more: Any) -> Any:
        async def one() -> Any:
            async with self._make() as client:
                return await client.request(method, url, content=content, **more)

        more.setdefault("headers", HEADERS)
        return asyncio.run(one())


@pytest.fixture(
    params=[(Sync, httpx), (Sync, httpx2), (Async, httpx), (Async, httpx2)],
    ids=lambda p: f"{p[0].__name__} {p[1].__name__}",
)
def door(request: pytest.FixtureRequest) -> Callable[..., Sync]:
    kind, http = request.param
    return lambda guard, answer, **more: kind(http, guard, lambda asked: answer(http, asked), **more)


def says(text: str, **more: Any) -> Callable[[ModuleType, Any], Any]:
    """A model that answers JSON; what it was asked is kept in ``asked``."""

    def answer(http: ModuleType, request: Any) -> Any:
        answer.asked.append(request)  # type: ignore[attr-defined]
        return http.Response(200, json={"choices": [{"index": 0, "message": {"content": text}}]}, **more)

    answer.asked = []  # type: ignore[attr-defined]
    return answer


def raw(status: int, headers: list[tuple[str, str]], body: bytes) -> Callable[[ModuleType, Any], Any]:
    return lambda http, _: http.Response(status, headers=headers, content=body)


def test_clean_calls_go_through_as_they_are(door: Callable[..., Sync]) -> None:
    guard, rows = guarding()
    model = says("fine")
    answer = door(guard, model).ask(content=chat("hello"), headers={**HEADERS, "authorization": "Bearer k"})
    assert answer.json()["choices"][0]["message"]["content"] == "fine"
    (asked,) = model.asked  # type: ignore[attr-defined]
    assert asked.content == chat("hello")
    assert asked.headers["authorization"] == "Bearer k"
    assert asked.headers["content-length"] == str(len(chat("hello")))
    assert [(row.door, row.wire, row.ended) for row in rows] == [("transport", "openai.chat", "complete")]


def test_refused_prompts_are_not_sent_and_masked_ones_are_masked(door: Callable[..., Sync]) -> None:
    guard, rows = guarding()
    model = says(f"see {MASKED}")
    transport = door(guard, model)
    assert "content_filter" in transport.ask(content=chat(BAD)).text
    assert model.asked == []  # type: ignore[attr-defined]
    answer = transport.ask(content=chat(MASKED))
    (asked,) = model.asked  # type: ignore[attr-defined]
    assert MASKED.encode() not in asked.content
    assert asked.headers["content-length"] == str(len(asked.content))
    assert answer.json()["choices"][0]["message"]["content"] == "see [gone]"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert [row.outcome for row in rows] == ["refused", "changed"]


def test_the_callers_own_request_is_left_alone(door: Callable[..., Sync]) -> None:
    guard, _ = guarding()
    answer = door(guard, says("fine")).ask(content=chat(MASKED))
    assert answer.request.content == chat(MASKED)
    assert "accept-encoding" in answer.request.headers
    assert answer.request.headers["accept-encoding"] != "identity"


def test_a_body_without_a_length_is_read_and_sent_with_one() -> None:
    guard, _ = guarding()
    model = says("fine")

    def body() -> Iterator[bytes]:
        yield chat(MASKED)[:20]
        yield chat(MASKED)[20:]

    for http in (httpx, httpx2):
        transport = Sync(http, guard, lambda asked, http=http: model(http, asked))  # type: ignore[misc]
        transport.ask(content=body())
        assert "content_filter" in transport.ask(content=iter([chat(BAD)])).text
    for asked in model.asked:  # type: ignore[attr-defined]
        assert MASKED.encode() not in asked.content
        assert "transfer-encoding" not in asked.headers
        assert asked.headers["content-length"] == str(len(asked.content))


def test_uploads_go_by_unread_with_a_row(door: Callable[..., Sync]) -> None:
    guard, rows = guarding(canaries(caps=Caps(body=100)))
    model = says("fine")
    media = {"content-type": "image/jpeg"}
    answer = door(guard, model).ask("http://model/pictures", headers=media, content=b"\xff\xd8\xff" + b"x" * 4997)
    assert answer.status_code == 200
    assert len(model.asked) == 1  # type: ignore[attr-defined]
    assert [row.not_evaluated[0].reason for row in rows] == ["media_type"]


def test_what_carries_no_body_passes_without_a_row(door: Callable[..., Sync]) -> None:
    guard, rows = guarding()
    assert door(guard, raw(200, [JSON], json.dumps({"a": BAD}).encode())).ask("http://model/x", method="GET").json()
    skipping, skipped = guarding(canaries(scope=Scope(skip=("/v1",))))
    assert door(skipping, says(BAD)).ask(content=chat(BAD)).status_code == 200
    assert rows == skipped == []


def test_limits_and_caps_answer_as_the_api_would(door: Callable[..., Sync]) -> None:
    guard, rows = guarding(canaries(limits=Limits([Limit("global", 1, 60)]), caps=Caps(body=200)))
    transport = door(guard, says("fine"))
    assert transport.ask(content=chat("x" * 300)).status_code == 413
    answer = transport.ask(content=chat("hello"))
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    assert [row.ended for row in rows] == ["bad_request", "limited"]


@pytest.mark.parametrize("said", ["fine", BAD, MASKED])
@pytest.mark.parametrize("stream", [False, True])
def test_compressed_answers_are_read(door: Callable[..., Sync], said: str, stream: bool) -> None:
    guard, _ = guarding()
    tree = {"choices": [{"index": 0, "message": {"content": said}}]}
    body = events.sse(*events.said("so ", said)) if stream else json.dumps(tree).encode()
    head = [EVENTS if stream else JSON, ("content-encoding", "gzip")]
    answer = door(guard, raw(200, head, gzip.compress(body))).ask(content=chat("hello", stream=stream))
    assert BAD not in answer.text
    assert MASKED not in answer.text
    assert ("content_filter" in answer.text) == (said == BAD)
    assert ("fine" in answer.text) == (said == "fine")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([JSON, ("X-Kept", "1"), ("ETag", "e")], json.dumps({"a": BAD}).encode()),
        ([JSON, ("content-encoding", "gzip")], gzip.compress(b'{"a": 1}', mtime=0)),
        ([JSON, ("content-encoding", "br")], b"not brotli"),
        ([JSON], b"{"),
        ([TEXT], BAD.encode()),
        ([EVENTS], b"data: x\n\ndata: " + BAD.encode() + b"\n\n"),
        ([("content-type", "image/png")], b"\x00\xff"),
        ([], b""),
    ],
)
@pytest.mark.parametrize("asked", [chat(BAD), b"{", b""])
def test_observing_changes_nothing(door: Callable[..., Sync], headers: Any, body: bytes, asked: bytes) -> None:
    guard, rows = guarding(canaries(observe=True))
    seen: list[Any] = []

    def model(http: ModuleType, request: Any) -> Any:
        seen.append((request.content, request.headers["accept-encoding"]))
        return http.Response(200, headers=headers, stream=http.ByteStream(body))

    transport = door(guard, model)
    got: list[bytes] = []

    def keep(response: Any) -> None:
        got.append(b"".join(response.iter_raw()))

    if type(transport) is Sync:
        with transport._make() as client, client.stream("POST", URL, content=asked, headers=HEADERS) as answer:
            keep(answer)
    else:

        async def one() -> Any:
            async with transport._make() as client, client.stream("POST", URL, content=asked, headers=HEADERS) as it:
                got.append(b"".join([chunk async for chunk in it.aiter_raw()]))
                return it

        answer = asyncio.run(one())
    assert got == [body]
    assert answer.headers.multi_items() == [(k.lower(), v) for k, v in headers]
    assert seen[0][0] == asked
    assert seen[0][1] != "identity"
    assert [row.action.word for row in rows] == ["allow"]


def test_an_upstream_that_breaks_off_has_a_row_that_says_so(door: Callable[..., Sync]) -> None:
    guard, rows = guarding()

    def model(http: ModuleType, _: Any) -> Any:
        class Breaks(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc,name-defined]
            def __iter__(self) -> Any:
                yield events.sse(*events.said("fine ", "TICKE")[:3], done=False)
                raise http.ReadError("reset")

            async def __aiter__(self) -> Any:
                for chunk in self:
                    yield chunk

        return http.Response(200, headers=[EVENTS], stream=Breaks())

    transport = door(guard, model)
    with pytest.raises((httpx.ReadError, httpx2.ReadError)):
        transport.ask(content=chat("hello", stream=True))
    assert [row.ended for row in rows] == ["upstream_error"]


def test_what_a_transport_raises_goes_on_with_a_row(door: Callable[..., Sync]) -> None:
    guard, rows = guarding()

    def model(http: ModuleType, _: Any) -> Any:
        raise http.ConnectTimeout("late")

    with pytest.raises((httpx.ConnectTimeout, httpx2.ConnectTimeout)):
        door(guard, model).ask(content=chat("hello"))
    assert [(row.ended, row.outcome) for row in rows] == [("upstream_error", "allowed")]


def test_an_answer_without_a_row_is_not_given(door: Callable[..., Sync], tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    guard = Guard(canaries(), log=f"sqlite:///{tmp_path / 'folder'}")
    whole = door(guard, says("fine")).ask(content=chat("hello"))
    assert (whole.status_code, whole.json()["error"]["code"]) == (503, "not_recorded")
    stream = door(guard, raw(200, [EVENTS], events.sse(*events.said("fine")))).ask(content=chat("hello", stream=True))
    assert events.trees(stream.content)[-1]["error"]["code"] == "not_recorded"
    assert b"[DONE]" not in stream.content
    guard.close()
    assert guard.stats()["log_errors"] == 2


def test_a_user_is_named_by_a_word_a_function_or_the_context(door: Callable[..., Sync]) -> None:
    guard, rows = guarding(canaries(identity=Identity((), b"k" * 32)))
    for user in (None, "alice", lambda: "alice", lambda: None):
        door(guard, says("fine"), user=user).ask(content=chat("hello"))
    with guardrail.as_user("bob"):
        door(guard, says("fine"), user="alice").ask(content=chat("hello"))
    users = [row.user for row in rows]
    assert users[0] is users[3] is None
    assert users[1] == users[2] != users[4]
    assert None not in (users[1], users[4])


@pytest.mark.parametrize("http", [httpx, httpx2])
def test_a_transport_closes_what_it_made_and_leaves_what_it_borrowed(http: ModuleType) -> None:
    class Inner(http.BaseTransport):  # type: ignore[misc,name-defined]
        closed = 0

        def handle_request(self, request: Any) -> Any:
            return http.Response(200)

        def close(self) -> None:
            self.closed += 1

    guard, _ = guarding()
    mine, borrowed, owner = Inner(), Inner(), http.Client()
    transports(http)[0](mine, policy=guard).close()
    transports(http)[0](borrowed, policy=guard, lease=Lease(owner)).close()
    assert (mine.closed, borrowed.closed) == (1, 0)
    owner.close()
    assert isinstance(transports(http)[0](policy=guard), http.BaseTransport)
    assert isinstance(transports(http)[1](policy=guard), http.AsyncBaseTransport)
    assert transports(http) == transports(http)


def test_many_threads_share_one_client() -> None:
    from concurrent.futures import ThreadPoolExecutor

    guard, rows = guarding(plans.plan(plans.Word(BAD, inline=0)))
    model = says("fine")
    kind = transports(httpx)[0]
    with httpx.Client(transport=kind(httpx.MockTransport(lambda a: model(httpx, a)), policy=guard)) as client:

        def ask(n: int) -> bool:
            return "content_filter" in client.post(URL, content=chat(BAD if n % 2 else "hi"), headers=HEADERS).text

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(ask, range(40))) == [bool(n % 2) for n in range(40)]
    made: list[Decision] = rows
    assert len(made) == 40


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
@pytest.mark.parametrize("path", [CHAT, "/files"])
def test_an_observed_request_goes_on_itself(name: str, path: str) -> None:
    http = {"httpx": httpx, "httpx2": httpx2}[name]
    guard, rows = guarding(canaries(observe=True))
    seen: list[Any] = []

    def model(request: Any) -> Any:
        seen.append((request, request.read()))
        return http.Response(200, json={})

    headers = {"X-Case": "1", "Content-Type": "application/json" if path == CHAT else "image/png"}
    asked = http.Request("POST", f"http://model{path}", headers=headers, content=iter([b'{"a":', b' "b"}']))
    with http.Client(transport=transports(http)[0](http.MockTransport(model), policy=guard)) as client:
        client.send(asked)
    assert seen == [(asked, b'{"a": "b"}')]
    assert seen[0][0] is asked
    assert asked.headers["transfer-encoding"] == "chunked"
    assert len(rows) == 1
