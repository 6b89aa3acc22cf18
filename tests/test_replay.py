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
from guardrail.http import Head, Request
from guardrail.policy.plan import Plan
from guardrail.wires import sse
from guardrail.wires.aws import AwsEvents
from tests.support import asgi, plans, traffic
from tests.support.drive import Result, call, pieces
from tests.support.events import read
from tests.support.leaves import bare, leaves, planted
from tests.support.plans import AnyText, Word, plan
from tests.support.traffic import Recorded

pytestmark = pytest.mark.skipif(
    traffic.folder() is None,
    reason="GUARDRAIL_TRAFFIC names no folder of recorded exchanges, so none is replayed",
)
ROUTER = plans.NOTHING.router


def _one_reading(exchange: Recorded) -> bool:
    """One recorded request lacks its last brace; it is refused, as it should be."""
    try:
        return not exchange.request or "json" not in exchange.request_type or bool(json.loads(exchange.request) or 1)
    except ValueError:
        return False


ALL = [e for e in traffic.recorded() if _one_reading(e)]
CLAIMED = [e for e in ALL if ROUTER.find(Request(e.method, e.path.partition("?")[0], ()))]
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
        query=exchange.path.partition("?")[2],
        method=exchange.method,
    )


def chosen(exchange: Recorded, answer: bytes, count: int = 12) -> list[int]:
    """Places to cut at: random, the same each time."""
    generator = random.Random(exchange.id)
    return [generator.randrange(len(answer) + 1) for _ in range(count)]


@pytest.mark.parametrize("name", PLANS)
def test_exchanges_go_through_untouched(name: str) -> None:
    assert len(CLAIMED) > 700
    for exchange in CLAIMED:
        result = by_hand(exchange, PLANS[name], chosen(exchange, exchange.answer))
        assert result.sent is not None, exchange.id
        assert result.sent.body == exchange.request, exchange.id
        assert result.body == exchange.answer, exchange.id
        assert result.head is not None
        assert result.head.status == exchange.status, exchange.id


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_streams_go_through_untouched_with_any_line_end_and_cuts(end: str) -> None:
    streams = [e for e in CLAIMED if e.is_stream]
    assert len(streams) > 150
    for exchange in streams:
        raw = exchange.answer.replace(b"\r\n", b"\n").replace(b"\n", end.encode())
        for with_plan in PLANS.values():
            result = by_hand(exchange, with_plan, chosen(exchange, raw, 200), raw)
            assert result.body == raw, exchange.id
        if len(raw) < 3000 and end != "\r":
            assert by_hand(exchange, plans.NOTHING, range(len(raw)), raw).body == raw, exchange.id


def trees_of(raw: bytes, media: str) -> list[Any]:
    """What an answer says, as JSON trees (plain text is one string)."""
    if media.startswith("text/event-stream"):
        return [json.loads(data) for _, data in read(raw) if data.strip()[:1] == "{"]
    if "eventstream" in media:
        framing = AwsEvents()
        return [json.loads(event.data) for event in [*framing.feed(raw), *framing.finish()] if event.data]
    try:
        return [json.loads(raw.decode())]
    except UnicodeDecodeError:
        return []
    except ValueError:
        return [raw.decode()]


def texts_of(exchange: Recorded) -> list[str]:
    """Texts of the answer that nobody would take for a name: those with white space inside."""
    found = [text for tree in trees_of(exchange.answer, exchange.content_type) for _, text in leaves(tree)]
    return [text for text in found if " " in text.strip() and len(text) > 12]


def has_text(exchange: Recorded) -> bool:
    """Does the request say anything but ids and enums?"""
    asked = Request(exchange.method, exchange.path.partition("?")[0], headers_of(exchange.request_type))
    match = ROUTER.find(asked)
    assert match is not None
    return any(segment.total for segment in match.wire.request(exchange.request, asked).segments)


SPEAKING = [e for e in CLAIMED if has_text(e)]


def test_where_any_text_is_refused_none_gets_through() -> None:
    everything, answers_only = plan(AnyText()), replace(plan(AnyText()), input=plan(Word("\x00")).input)
    refused: Counter[str] = Counter()
    for exchange in CLAIMED:
        assert exchange not in SPEAKING or by_hand(exchange, everything).sent is None, exchange.id
        result = by_hand(exchange, answers_only, chosen(exchange, exchange.answer))
        texts = texts_of(exchange)
        told = told_by(result)
        assert not any(text in told for text in texts), exchange.id
        refused[str(result.rows[0].outcome)] += 1
        if texts:
            assert result.refused, exchange.id
    assert refused["refused"] > 600
    assert len(SPEAKING) > 600


def told_by(result: Result) -> str:
    """All that a caller read, escapes undone."""
    assert result.head is not None
    media = dict(result.head.headers).get("content-type", "")
    return json.dumps(trees_of(result.body, media), ensure_ascii=False) + result.body.decode("utf-8", "replace")


def test_a_word_of_the_answer_that_is_refused_never_arrives() -> None:
    """For each answer one of its own words: nothing that left, in any field, has it."""
    for exchange in CLAIMED:
        frame = json.dumps(bare(trees_of(exchange.answer, exchange.content_type)))  # keys, names and ids
        found = {w for text in texts_of(exchange) for w in text.split() if len(w) > 6 and w.isalpha()}
        words = sorted((w for w in found if w not in frame and w not in plans.SAY), key=lambda w: (len(w), w))
        if not words:
            continue
        word = words[-1]
        answers_only = replace(plan(Word(word)), input=plan(Word("\x00")).input)
        result = by_hand(exchange, answers_only, chosen(exchange, exchange.answer))
        assert word not in told_by(result), (exchange.id, exchange.provider)


CANARY = "c4n4ry"
SENTENCE = f"a {CANARY} here"
MOST = 60
"""Leaves of one recorded answer that are tried; of a long stream these are chosen at random."""


def test_a_canary_in_any_string_is_read_or_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each string of each recorded request in turn, and of answers; read where no table can tell it apart
    from a sentence, and where it looks like an identifier unless the table lists it."""
    counts: Counter[str] = Counter()
    for exchange in CLAIMED:
        asked = Request(exchange.method, exchange.path.partition("?")[0], headers_of(exchange.request_type))
        match = ROUTER.find(asked)
        assert match is not None
        if exchange.request[:1] in (b"{", b"["):
            tree = json.loads(exchange.request)
            for path, _ in leaves(tree):
                for value in (SENTENCE, CANARY):
                    body = match.wire.request(json.dumps(planted(tree, path, value)).encode(), asked)
                    seen = any(CANARY in segment.text for segment in body.segments)
                    counts[_outcome(seen, body.media)] += 1
                    assert seen or value == CANARY or body.media, (exchange.id, path)
        head = Head(exchange.status, headers_of(exchange.content_type))
        for body_, stream in _planted_answers(exchange):
            codec = match.wire.stream(match.wire.request(exchange.request, asked), head)
            if codec is None:
                answer = match.wire.response(body_, exchange.content_type)
                seen, media = any(CANARY in s.text for s in answer.segments), answer.media
            else:
                frames = [*codec.feed(body_), *codec.finish()]
                seen = any(CANARY in piece.text for frame in frames for piece in frame.pieces)
                media = codec.media()
            counts[_outcome(seen, media)] += 1
            assert seen or media, (exchange.id, stream)
    assert counts["read"] > 20_000
    with capsys.disabled():
        print(f"\na canary in each string of the recorded exchanges: {dict(counts)}")


def _outcome(seen: bool, media: Any) -> str:
    return "read" if seen else "not evaluated" if media else "listed"


def _planted_answers(exchange: Recorded) -> Iterator[tuple[bytes, bool]]:
    """The answer with a sentence in one of its strings."""
    generator = random.Random(exchange.id)
    if exchange.is_stream:
        events = read(exchange.answer)
        places = [
            (n, path)
            for n, (_, data) in enumerate(events)
            if data.strip()[:1] == "{"
            for path, _ in leaves(json.loads(data))
        ]
        for n, path in generator.sample(places, min(MOST, len(places))):
            changed = [(name, data) for name, data in events]
            changed[n] = (events[n][0], json.dumps(planted(json.loads(events[n][1]), path, SENTENCE)))
            yield b"".join(sse.encode(data.encode(), name) for name, data in changed), True
    elif exchange.answer[:1] in (b"{", b"[") and "json" in exchange.content_type:
        tree = json.loads(exchange.answer)
        found = [path for path, _ in leaves(tree)]
        for path in generator.sample(found, min(MOST, len(found))):
            yield json.dumps(planted(tree, path, SENTENCE)).encode(), False


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
def test_through_the_gateway(name: str) -> None:
    guard = Guard(PLANS[name], log="none")

    async def main() -> None:
        for exchange in CLAIMED:
            cut = pieces(exchange.answer, chosen(exchange, exchange.answer))
            app = asgi.Upstream(cut, exchange.status, headers_of(exchange.content_type))
            heard = await asgi.ask(
                doors(app, guard)["gateway"],
                exchange.request,
                path=exchange.path,
                method=exchange.method,
                headers=headers_of(exchange.request_type),
            )
            assert app.asked == [exchange.request], exchange.id
            assert (heard.status, heard.body) == (exchange.status, exchange.answer), exchange.id

    asyncio.run(main())


@pytest.mark.parametrize("door", ["middleware", "gateway"])
def test_where_any_text_is_refused_none_gets_through_a_door(door: str) -> None:
    guard = Guard(plan(AnyText()), log="none")

    async def main() -> None:
        for exchange in SPEAKING:
            app = asgi.Upstream((exchange.answer,), exchange.status, headers_of(exchange.content_type))
            media = headers_of(exchange.request_type)
            await asgi.ask(
                doors(app, guard)[door], exchange.request, path=exchange.path, method=exchange.method, headers=media
            )
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
    subset = ALL if http is httpx else ALL[::4]

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
    inners = [Inner(http, exchange) for exchange in SPEAKING]

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
