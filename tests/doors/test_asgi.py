"""The middleware in an app: what it looks at, what it leaves alone, and what the app then sees."""

from __future__ import annotations

import asyncio
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi import Request as FastRequest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from guardrail import Guard, GuardrailMiddleware, PolicyError
from guardrail.doors.asgi import path_of
from guardrail.policy.plan import Caps, Scope
from tests.support import plans

from .driver import (
    BAD,
    CHAT,
    JSON,
    MASKED,
    TEXT,
    Answer,
    Inner,
    call,
    canaries,
    chat,
    guarding,
    post,
    request,
    scope_of,
)

FILES = ("content-type", "multipart/form-data; boundary=x")


def refused(answer: Answer) -> bool:
    return answer.status == 400 and answer.json()["error"]["code"] == "content_refused" and answer.complete


# -- putting it in ---------------------------------------------------------------------------------


async def echo(asked: Request) -> Response:
    return JSONResponse({"you said": json.loads(await asked.body())})


def test_a_policy_may_be_a_path_or_a_guard(policy: Path) -> None:
    shared = Guard.from_policy(policy, log="none")
    for by_path in (GuardrailMiddleware(Inner(), policy, log="none"), GuardrailMiddleware(Inner(), shared)):
        assert refused(post(by_path, {"text": BAD}))
    assert GuardrailMiddleware(Inner(), shared).guard is shared
    with pytest.raises(ValueError, match="Guard itself"):
        GuardrailMiddleware(Inner(), shared, log="none")


def test_a_policy_may_be_a_name() -> None:
    middleware = GuardrailMiddleware(Inner(), log="none")
    assert middleware.guard.plan.name == "default"
    assert refused(post(middleware, {"text": "GUARDRAIL-TEST-REFUSE"}))


def test_a_policy_that_cannot_be_used_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        GuardrailMiddleware(Inner(), tmp_path / "nowhere.yaml", log="none")


def test_it_is_added_to_starlette() -> None:
    guard, rows = guarding()
    app = Starlette(routes=[Route("/ask", echo, methods=["POST"])])
    app.add_middleware(GuardrailMiddleware, policy=guard)
    assert post(app, {"a": "hello"}).json() == {"you said": {"a": "hello"}}
    assert refused(post(app, {"a": BAD}))
    assert [row.outcome for row in rows] == ["allowed", "refused"]


def test_it_is_added_to_fastapi() -> None:
    guard, rows = guarding()
    app = FastAPI(middleware=[Middleware(GuardrailMiddleware, policy=guard)])

    @app.post("/ask")
    async def ask(asked: FastRequest) -> Any:
        return {"you said": await asked.json()}

    assert post(app, {"a": MASKED}).json() == {"you said": {"a": "[gone]"}}
    assert refused(post(app, {"a": BAD}))
    assert [row.outcome for row in rows] == ["changed", "refused"]


def test_the_app_is_read_at_each_call() -> None:
    first, second = Inner(), Inner()
    middleware = GuardrailMiddleware(first, guarding()[0])
    post(middleware, {})
    middleware.app = second
    post(middleware, {})
    assert (len(first.bodies), len(second.bodies)) == (1, 1)


def test_one_instance_serves_several_loops_at_once() -> None:
    guard, rows = guarding(plans.plan(plans.Word(BAD, inline=0)))  # inline 0: every scan goes to a worker
    middleware = GuardrailMiddleware(Inner(), guard)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: post(middleware, {"a": BAD}), range(20)))
    assert len(rows) == len(answers) == 20
    assert all(map(refused, answers))


@pytest.mark.parametrize("kind", ["lifespan", "mystery"])
def test_other_scopes_pass_as_they_are(kind: str) -> None:
    seen: list[Any] = []

    async def app(*given: Any) -> None:
        seen.extend(given)

    guard, rows = guarding()
    given: tuple[Any, Any, Any] = ({"type": kind}, object(), object())
    asyncio.run(GuardrailMiddleware(app, guard)(*given))
    assert [a is b for a, b in zip(seen, given, strict=True)] == [True] * 3
    assert rows == []


@pytest.mark.parametrize(
    ("path", "root", "seen"),
    [
        ("/v1/chat/completions", "", "/v1/chat/completions"),
        ("/api/v1/chat/completions", "/api", "/v1/chat/completions"),
        ("/api/v1/chat/completions", "/api/", "/v1/chat/completions"),
        ("/apiary/v1", "/api", "/apiary/v1"),
        ("/api", "/api", "/"),
        ("/v1/chat/completions", "/api", "/v1/chat/completions"),
        ("/api/api/x", "/api", "/api/x"),
        ("", "", "/"),
    ],
)
def test_a_mount_prefix_is_taken_off_once(path: str, root: str, seen: str) -> None:
    assert path_of({"path": path, "root_path": root}) == seen


def test_a_mounted_chat_route_is_read_as_one() -> None:
    guard, rows = guarding()
    inner = GuardrailMiddleware(Inner(), guard)
    app = Starlette(routes=[Mount("/deep/er", app=inner)])
    assert b"content_filter" in post(app, chat(BAD), "/deep/er" + CHAT).body
    assert [(row.wire, row.route) for row in rows] == [("openai.chat", f"POST {CHAT}")]


# -- what the app receives -------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [(), (1,), range(1, 40), (5, 6, 7)])
def test_a_request_may_come_in_many_messages(cuts: Any) -> None:
    inner, (guard, _) = Inner(), guarding()
    body = json.dumps({"a": ["hello", {"b": "wörld"}]}).encode()
    assert post(GuardrailMiddleware(inner, guard), body, cuts=cuts).status == 200
    assert inner.bodies == [body]
    assert inner.messages == request(body, cuts)


def test_a_word_over_the_cut_of_two_messages_is_found() -> None:
    body = json.dumps({"a": BAD}).encode()
    for cut in range(1, len(body)):
        inner, (guard, _) = Inner(), guarding()
        assert refused(post(GuardrailMiddleware(inner, guard), body, cuts=(cut,)))
        assert inner.scopes == []


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_empty_messages_change_nothing(empty: int) -> None:
    inner, (guard, _) = Inner(), guarding()
    messages = request(b'{"a":"hello"}', (3,))
    messages.insert(empty, {"type": "http.request", "body": b"", "more_body": True})
    answer = asyncio.run(call(GuardrailMiddleware(inner, guard), scope_of(), messages))
    assert (answer.status, inner.bodies) == (200, [b'{"a":"hello"}'])


def test_an_edited_request_has_its_true_length() -> None:
    inner, (guard, _) = Inner(), guarding()
    body = json.dumps({"a": f"see {MASKED}."}).encode()
    post(GuardrailMiddleware(inner, guard), body, headers=(JSON, ("content-length", str(len(body)))))
    (sent,), headers = inner.bodies, dict(inner.scopes[0]["headers"])
    assert json.loads(sent) == {"a": "see [gone]."}
    assert headers[b"content-length"] == str(len(sent)).encode()


@pytest.mark.parametrize("said", ["hello", MASKED, BAD])
def test_gzip_requests_are_read_and_go_on_plain(said: str) -> None:
    inner, (guard, _) = Inner(), guarding()
    body = gzip.compress(json.dumps({"a": said}).encode())
    coded = (JSON, ("content-encoding", "gzip"), ("content-length", str(len(body))))
    answer = post(GuardrailMiddleware(inner, guard), body, headers=coded)
    if said == BAD:
        assert refused(answer)
        assert inner.bodies == []
        return
    headers = dict(inner.scopes[0]["headers"])
    assert json.loads(inner.bodies[0]) == {"a": "[gone]" if said == MASKED else said}
    assert b"content-encoding" not in headers
    assert headers[b"content-length"] == str(len(inner.bodies[0])).encode()


def test_a_handler_that_waits_for_the_caller_to_leave_does_not_spin() -> None:
    guard, rows = guarding()
    done: list[str] = []
    gone = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        waiter = asyncio.create_task(receive())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        for _ in range(20):
            await send({"type": "http.response.body", "body": b"more ", "more_body": True})
            assert not waiter.done()
        gone.set()
        done.append((await waiter)["type"])

    answer = asyncio.run(call(GuardrailMiddleware(app, guard), scope_of(), request(b"{}"), gone=gone))
    assert done == ["http.disconnect"]
    assert answer.received == 2
    assert [row.ended for row in rows] == ["disconnected"]


@pytest.mark.parametrize(
    "extension", ["http.response.pathsend", "http.response.zerocopysend", "http.response.trailers"]
)
def test_ways_past_the_guard_are_not_offered(extension: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text(f"so {BAD}")

    async def send_file(asked: Request) -> Response:
        seen.append(asked.scope["extensions"])
        return FileResponse(tmp_path / "file.txt", media_type="text/plain")

    seen: list[Any] = []
    guard, _ = guarding()
    app = Starlette(
        routes=[Route("/ask", send_file, methods=["POST"])], middleware=[Middleware(GuardrailMiddleware, policy=guard)]
    )
    answer = post(app, {}, extensions={extension: {}, "other": {}})
    assert seen == [{"other": {}}]
    assert refused(answer)


# -- what is looked at -----------------------------------------------------------------------------

NESTED: list[Any] = [
    {"a": "X"},
    ["X"],
    "X",
    {"a": {"b": [[{"c": "X"}]]}},
    {"X and more": 1},
    {"a": json.dumps({"b": "X"})},
    {"a": "\u200bX"},
    {"id": "so X"},
    {"messages": [{"role": "X", "content": "hi"}]},
]


@pytest.mark.parametrize("tree", NESTED, ids=json.dumps)
def test_any_json_is_walked_both_ways(tree: Any) -> None:
    body = json.dumps(tree).replace("X", BAD).encode()
    inner, (guard, rows) = Inner(), guarding()
    answer = post(GuardrailMiddleware(inner, guard), body)
    assert refused(answer)
    assert BAD.encode() not in answer.body
    assert answer.json()["error"]["decision_id"] == rows[0].id == answer.headers["x-guardrail-decision"]
    assert inner.scopes == []
    inner = Inner(chunks=(body[:9], body[9:]))
    assert refused(post(GuardrailMiddleware(inner, guard), {"a": "hello"}))
    assert [(row.wire, row.status) for row in rows] == [("walk", 400)] * 2


@pytest.mark.parametrize(("said", "got"), [("hello", b"hello"), (f"a {MASKED} b", b"a [gone] b"), (BAD, b"")])
def test_plain_text_is_read_both_ways(said: str, got: bytes) -> None:
    inner, (guard, _) = Inner((b"ok",), (TEXT,)), guarding()
    answer = post(GuardrailMiddleware(inner, guard), said.encode(), headers=(TEXT,))
    assert inner.bodies == ([got] if got else [])
    assert refused(answer) or answer.body == b"ok"
    inner = Inner((said[:1].encode(), said[1:].encode()), (TEXT, ("content-length", str(len(said)))))
    answer = post(GuardrailMiddleware(inner, guard), b"hi", headers=(TEXT,))
    assert refused(answer) or (answer.body, answer.headers["content-length"]) == (got, str(len(got)))


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_methods_without_a_body_pass_without_a_row(method: str) -> None:
    inner, (guard, rows) = Inner((BAD.encode(),), (("content-type", "text/html"),)), guarding()
    assert post(GuardrailMiddleware(inner, guard), method=method, headers=()).body == BAD.encode()
    assert rows == []


def test_html_and_files_in_answer_to_a_post_pass_with_a_row() -> None:
    async def page(_: Request) -> Response:
        return HTMLResponse(f"<p>{BAD}")

    guard, rows = guarding()
    app = Starlette(routes=[Route("/ask", page, methods=["POST"])])
    assert post(GuardrailMiddleware(app, guard), {}).body == f"<p>{BAD}".encode()
    assert [row.ended for row in rows] == ["complete"]


@pytest.mark.parametrize("kind", [("content-type", "image/jpeg"), ("content-type", "application/octet-stream")])
@pytest.mark.parametrize("declared", [True, False])
def test_files_sent_to_unclaimed_routes_pass_unread_with_a_row(kind: tuple[str, str], declared: bool) -> None:
    inner, (guard, rows) = Inner(), guarding(canaries(caps=Caps(body=1000)))
    body = b"\xff\xd8\xff" + b"x" * 4997
    length = (("content-length", "5000"),) if declared else ()
    answer = post(GuardrailMiddleware(inner, guard), body, headers=(kind, *length), cuts=range(0, 5000, 500))
    assert (answer.status, inner.bodies) == (200, [body])
    assert [(row.outcome, row.not_evaluated[0].reason) for row in rows] == [("not_evaluated", "media_type")]


@pytest.mark.parametrize(
    ("scope", "path", "looked"),
    [
        (Scope(skip=("/static",)), "/static/x", False),
        (Scope(skip=("/static",)), "/statically", True),
        (Scope(skip=("/static",)), "/static//x", False),
        (Scope(skip=("/static",)), "/STATIC//x", True),
        (Scope(skip=("/static",)), "/static/../ask", True),
        (Scope(skip=("/static",)), "/ask/../static", True),
        (Scope(only=("/ai",)), "/ai/ask", True),
        (Scope(only=("/ai",)), "/ask", False),
        (Scope(only=("/ai",)), "/x/../ai/ask", True),
        (Scope(only=("/ai",)), "/ai/../ask", True),
        (Scope(unclaimed="pass"), "/ask", False),
        (Scope(unclaimed="pass"), CHAT, True),
        (Scope(unclaimed="walk"), "/ask", True),
    ],
)
def test_the_policy_narrows_what_is_looked_at(scope: Scope, path: str, looked: bool) -> None:
    inner, (guard, rows) = Inner(), guarding(canaries(scope=scope))
    post(GuardrailMiddleware(inner, guard), chat(BAD), path)
    assert (len(rows), len(inner.bodies)) == ((1, 0) if looked else (0, 1))


@pytest.mark.parametrize("path", ["/ask", CHAT])
@pytest.mark.parametrize("method", ["post", "Post", "DELETE", "QUERY", "GET"])
def test_a_body_is_looked_at_whatever_the_method(method: str, path: str) -> None:
    inner, (guard, rows) = Inner(), guarding()
    body = chat(BAD)
    headers = (JSON, ("content-length", str(len(body))))
    post(GuardrailMiddleware(inner, guard), body, path, method=method, headers=headers)
    assert (inner.bodies, [row.action.word for row in rows]) == ([], ["refuse"])
    if path == CHAT and method.upper() == "POST":
        assert rows[0].wire == "openai.chat"


@pytest.mark.parametrize("method", ["POST", "GET", "PUT", "DELETE"])
def test_unclaimed_routes_may_be_refused(method: str) -> None:
    inner, (guard, rows) = Inner(), guarding(canaries(scope=Scope(unclaimed="refuse")))
    answer = post(GuardrailMiddleware(inner, guard), {"a": "hello"}, method=method)
    assert (answer.status, answer.json()["error"]["code"], inner.scopes) == (404, "unknown_route", [])
    assert [(row.ended, row.action.word) for row in rows] == [("bad_request", "refuse")]
