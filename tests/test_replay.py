"""Recorded exchanges of real APIs through every way there is. They are read where they lie.

Needs ``GUARDRAIL_TRAFFIC``, a folder of ``*.jsonl.gz``; without it these tests are skipped, aloud.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import httpx2
import pytest

from guardrail import GuardrailMiddleware, transports
from guardrail.core import Guard
from guardrail.doors.gateway import gateway
from guardrail.policy.plan import Plan
from tests.support import asgi, plans, traffic
from tests.support.drive import Result, call, pieces
from tests.support.events import read
from tests.support.leaves import leaves
from tests.support.plans import AnyText, Word, plan
from tests.support.traffic import Recorded

pytestmark = pytest.mark.skipif(
    traffic.folder() is None,
    reason="GUARDRAIL_TRAFFIC names no folder of recorded exchanges, so none is replayed",
)
ALL = traffic.recorded()
CHAT = [e for e in ALL if e.is_chat]
OTHER = [e for e in ALL if not e.is_chat]
PLANS = {"finds nothing": plans.NOTHING, "observes": plans.OBSERVE}


def headers_of(media: str) -> tuple[tuple[str, str], ...]:
    return (("content-type", media),) if media else ()


def by_hand(exchange: Recorded, with_plan: Plan, cuts: Any = (), answer: bytes | None = None) -> Result:
    return call(
        with_plan,
        exchange.request,
        exchange.answer if answer is None else answer,
        cuts=cuts,
        status=exchange.status,
        headers=headers_of(exchange.content_type),
        request_headers=headers_of(exchange.request_type),
        path=exchange.path.partition("?")[0],
        method=exchange.method,
    )


def chosen(exchange: Recorded, answer: bytes, count: int = 12) -> list[int]:
    """Places to cut at: random, the same each time."""
    generator = random.Random(exchange.id)
    return [generator.randrange(len(answer) + 1) for _ in range(count)]


@pytest.mark.parametrize("name", PLANS)
def test_chat_exchanges_go_through_untouched(name: str) -> None:
    assert len(CHAT) > 100
    for exchange in CHAT:
        result = by_hand(exchange, PLANS[name], chosen(exchange, exchange.answer))
        assert result.sent is not None, exchange.id
        assert result.sent.body == exchange.request, exchange.id
        assert result.body == exchange.answer, exchange.id
        assert result.head is not None
        assert result.head.status == exchange.status, exchange.id


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_chat_streams_go_through_untouched_with_any_line_end_and_cuts(end: str) -> None:
    streams = [e for e in CHAT if e.is_stream]
    assert len(streams) > 30
    for exchange in streams:
        raw = exchange.answer.replace(b"\r\n", b"\n").replace(b"\n", end.encode())
        for round_ in range(2):
            cuts = chosen(replace(exchange, id=f"{exchange.id}{round_}"), raw, 60)
            for with_plan in PLANS.values():
                result = by_hand(exchange, with_plan, cuts, raw)
                assert result.body == raw, exchange.id
        if len(raw) < 3000 and end != "\r":
            assert by_hand(exchange, plans.NOTHING, range(len(raw)), raw).body == raw, exchange.id


def texts_of(exchange: Recorded) -> list[str]:
    """Texts of the answer that nobody would take for a name: those with white space inside."""
    if exchange.is_stream:
        trees = [json.loads(data) for _, data in read(exchange.answer) if data.strip()[:1] == "{"]
    else:
        trees = [json.loads(exchange.answer)]
    return [text for tree in trees for _, text in leaves(tree) if " " in text.strip() and len(text) > 12]


def test_where_any_text_is_refused_none_gets_through() -> None:
    everything, answers_only = plan(AnyText()), replace(plan(AnyText()), input=plan(Word("\x00")).input)
    refused: Counter[str] = Counter()
    for exchange in CHAT:
        assert by_hand(exchange, everything).sent is None, exchange.id
        result = by_hand(exchange, answers_only, chosen(exchange, exchange.answer))
        texts = texts_of(exchange)
        told = " ".join(
            text for _, text in leaves([json.loads(d) for _, d in read(result.body) if d.strip()[:1] == "{"])
        )
        told += result.body.decode() if not exchange.is_stream else ""
        assert not any(text in told for text in texts), exchange.id
        refused[str(result.rows[0].outcome)] += 1
        if texts:
            assert result.refused, exchange.id
    assert refused["refused"] > 100


def test_a_word_of_the_answer_that_is_refused_never_arrives() -> None:
    """For each answer one of its own words: nothing that left, in any field, has it."""
    for exchange in CHAT:
        words = sorted({w for text in texts_of(exchange) for w in text.split() if len(w) > 6 and w.isalpha()}, key=len)
        if not words:
            continue
        word = words[-1]
        answers_only = replace(plan(Word(word)), input=plan(Word("\x00")).input)
        result = by_hand(exchange, answers_only, chosen(exchange, exchange.answer))
        if exchange.is_stream:
            joined = read(result.body)
            told = json.dumps([json.loads(d) for _, d in joined if d.strip()[:1] == "{"], ensure_ascii=False)
        else:
            told = json.dumps(json.loads(result.body), ensure_ascii=False)
        assert word not in told, (exchange.id, exchange.provider)


# -- through the doors -----------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
def test_through_the_middleware(name: str) -> None:
    guard = Guard(PLANS[name], log="none")

    async def main() -> None:
        for exchange in ALL:
            cut = pieces(exchange.answer, chosen(exchange, exchange.answer))
            app = asgi.Upstream(cut, exchange.status, headers_of(exchange.content_type))
            heard = await asgi.ask(
                GuardrailMiddleware(app, guard),
                pieces(exchange.request, chosen(exchange, exchange.request, 3)) or b"",
                path=exchange.path,
                method=exchange.method,
                headers=headers_of(exchange.request_type),
            )
            assert app.asked == [exchange.request], exchange.id
            assert heard.body == exchange.answer, exchange.id
            assert heard.status == exchange.status, exchange.id
            assert heard.ended, exchange.id

    asyncio.run(main())


def doors(app: Any, guard: Guard) -> dict[str, Any]:
    """The two server doors over one app; the gateway's paths are canonical, so its proxy is this app."""
    return {"middleware": GuardrailMiddleware(app, guard), "gateway": gateway(guard, app)}


@pytest.mark.parametrize("name", PLANS)
def test_chat_through_the_gateway(name: str) -> None:
    guard = Guard(PLANS[name], log="none")

    async def main() -> None:
        for exchange in CHAT:
            cut = pieces(exchange.answer, chosen(exchange, exchange.answer))
            app = asgi.Upstream(cut, exchange.status, headers_of(exchange.content_type))
            heard = await asgi.ask(
                doors(app, guard)["gateway"],
                exchange.request,
                path=exchange.path,
                headers=headers_of("application/json"),
            )
            assert app.asked == [exchange.request], exchange.id
            assert (heard.status, heard.body) == (exchange.status, exchange.answer), exchange.id

    asyncio.run(main())


@pytest.mark.parametrize("door", ["middleware", "gateway"])
def test_where_any_text_is_refused_none_gets_through_a_door(door: str) -> None:
    guard = Guard(plan(AnyText()), log="none")

    async def main() -> None:
        for exchange in CHAT:
            app = asgi.Upstream((exchange.answer,), exchange.status, headers_of(exchange.content_type))
            asked = asgi.ask(
                doors(app, guard)[door], exchange.request, path=exchange.path, headers=headers_of("application/json")
            )
            await asked
            assert app.asked == [], exchange.id

    asyncio.run(main())


class Inner:
    """A transport that answers with what was recorded, in pieces."""

    def __init__(self, http: Any, exchange: Recorded) -> None:
        self.http, self.exchange, self.asked = http, exchange, b""

    def respond(self, stream: Any) -> Any:
        return self.http.Response(
            self.exchange.status, headers=list(headers_of(self.exchange.content_type)), stream=stream
        )

    def handle_request(self, request: Any) -> Any:
        self.asked = request.read()
        cut = pieces(self.exchange.answer, chosen(self.exchange, self.exchange.answer))

        class Stream(self.http.SyncByteStream):  # type: ignore[misc,name-defined]
            def __iter__(self) -> Iterator[bytes]:
                yield from cut

        return self.respond(Stream())

    async def handle_async_request(self, request: Any) -> Any:
        self.asked = await request.aread()
        cut = pieces(self.exchange.answer, chosen(self.exchange, self.exchange.answer))

        class Stream(self.http.AsyncByteStream):  # type: ignore[misc,name-defined]
            async def __aiter__(self) -> AsyncIterator[bytes]:
                for piece in cut:
                    yield piece

        return self.respond(Stream())

    def close(self) -> None: ...

    async def aclose(self) -> None: ...


def _request(http: Any, exchange: Recorded) -> Any:
    return http.Request(
        exchange.method,
        f"https://api.example.org{exchange.path}",
        headers=list(headers_of(exchange.request_type)),
        content=exchange.request,
    )


@pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("name", PLANS)
def test_through_the_transports(http: Any, name: str) -> None:
    guard = Guard(PLANS[name], log="none")
    kind, async_kind = transports(http)
    subset = CHAT if http is httpx else CHAT[::4] + OTHER[::4]

    async def main() -> None:
        for exchange in subset:
            inner = Inner(http, exchange)
            async with http.AsyncClient(transport=async_kind(inner, policy=guard)) as client:
                response = await client.send(_request(http, exchange))
            check(inner, response, exchange)

    def check(inner: Inner, response: Any, exchange: Recorded) -> None:
        assert inner.asked == exchange.request, exchange.id
        assert response.content == exchange.answer, exchange.id
        assert response.status_code == exchange.status, exchange.id

    asyncio.run(main())
    for exchange in subset:
        inner = Inner(http, exchange)
        with http.Client(transport=kind(inner, policy=guard)) as client:
            response = client.send(_request(http, exchange))
        check(inner, response, exchange)


@pytest.mark.parametrize("http", [httpx, httpx2], ids=["httpx", "httpx2"])
def test_where_any_text_is_refused_none_gets_through_a_transport(http: Any) -> None:
    guard = Guard(plan(AnyText()), log="none")
    kind, async_kind = transports(http)
    inners = [Inner(http, exchange) for exchange in CHAT]

    async def main() -> None:
        for inner in inners:
            async with http.AsyncClient(transport=async_kind(inner, policy=guard)) as client:
                await client.send(_request(http, inner.exchange))

    asyncio.run(main())
    for inner in inners:
        with http.Client(transport=kind(inner, policy=guard)) as client:
            client.send(_request(http, inner.exchange))
    assert inners
    assert all(not inner.asked for inner in inners)


def test_and_how_many_there_were(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts, for the record: what is claimed and judged, walked, or not evaluated and why."""
    guard = Guard(plans.NOTHING, log="none")
    counts: Counter[str] = Counter()
    submit = guard.submit
    rows: list[Any] = []
    guard.submit = lambda decision: rows.append(decision) or submit(decision)  # type: ignore[method-assign,func-returns-value]

    async def main() -> None:
        for exchange in ALL:
            rows.clear()
            app = asgi.Upstream([exchange.answer], exchange.status, headers_of(exchange.content_type))
            door = GuardrailMiddleware(app, guard)
            media = headers_of(exchange.request_type)
            await asgi.ask(door, exchange.request, path=exchange.path, method=exchange.method, headers=media)
            if not rows:
                counts[f"not looked at: {exchange.method} without a body"] += 1
                continue
            (row,) = rows
            way = "claimed" if row.wire != "walk" else "walked"
            reasons = sorted({gap.reason for gap in row.not_evaluated})
            counts[f"{way}, {'judged' if not reasons else 'not evaluated in part: ' + ', '.join(reasons)}"] += 1

    asyncio.run(main())
    assert sum(counts.values()) == len(ALL)
    assert counts["claimed, judged"] > 100
    with capsys.disabled():
        print(f"\nreplayed {len(ALL)} recorded exchanges:")
        for what, count in counts.most_common():
            print(f"  {count:4d} {what}")
