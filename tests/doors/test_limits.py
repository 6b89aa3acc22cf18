"""Rates and caps as callers meet them at a door."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardrail import Guard, GuardrailMiddleware
from guardrail.doors.gateway import gateway
from guardrail.policy.plan import Caps
from guardrail.store.reader import read

from .driver import CHAT, JSON, Answer, Inner, canaries, chat, guarding, post
from .servers import serving

SAYS = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}'


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes guards from policies; what they wrote is read by ``rows``."""
    monkeypatch.setenv("SECRET", "0123456789abcdef0123456789abcdef")
    guards: list[Guard] = []

    def make(policy: str) -> Guard:
        path = tmp_path / f"policy-{len(guards)}.yaml"
        path.write_text(f"guardrail: 1\nname: limited\n{policy}")
        guards.append(Guard.from_policy(path, log=f"sqlite:///{path}.db"))
        return guards[-1]

    yield make
    for guard in guards:
        guard.close()


def rows(guard: Guard) -> list[Any]:
    guard.flush()
    return list(read(guard._recorder.url))


def test_of_many_at_once_exactly_as_many_get_through(made: Any) -> None:
    guard, inner = made("limits: [{per: global, take: 7 requests/minute}]\n"), Inner((SAYS,))
    with (
        serving(gateway(guard, inner)) as url,
        httpx.Client(headers=dict([JSON])) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        got = list(pool.map(lambda _: client.post(url + CHAT, content=chat("hi")).status_code, range(30)))
    assert (got.count(200), got.count(429), len(inner.bodies)) == (7, 23, 7)
    ended = [row.ended for row in rows(guard)]
    assert (ended.count("complete"), ended.count("limited"), len(ended)) == (7, 23, 30)


HEADER = "identity: {from: [{header: X-User, trusted: [10.0.0.0/8]}], secret: '${SECRET}'}\n"


def ask(guard: Guard, user: str, peer: str) -> Answer:
    headers = (JSON, ("x-user", user))
    return post(GuardrailMiddleware(Inner((SAYS,)), guard), chat("hi"), CHAT, headers=headers, client=(peer, 1))


def test_users_are_counted_apart_where_a_trusted_proxy_names_them(made: Any) -> None:
    guard = made(HEADER + "limits: [{per: user, take: 1 request/minute}]\n")
    got = [ask(guard, user, "10.1.2.3").status for user in ("alice", "bob", "alice", "bob", "carol")]
    assert got == [200, 200, 429, 429, 200]
    users = [row.user for row in rows(guard)]
    assert (users[0], users[1]) == (users[2], users[3])
    assert len(set(users)) == 3
    assert all(user and len(user) == 64 for user in users)


def test_a_name_from_anyone_else_is_not_believed(made: Any) -> None:
    guard = made(HEADER + "limits: [{per: user, take: 1 request/minute}]\n")
    got = [ask(guard, user, "192.0.2.1").status for user in ("alice", "bob", "carol")]
    assert got == [200, 429, 429]
    assert {row.user for row in rows(guard)} == {None}


def test_addresses_are_counted_apart(made: Any) -> None:
    guard = made("limits: [{per: address, take: 1 request/minute}]\n")
    got = [
        ask(guard, "x", peer).status for peer in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2")
    ]
    assert got == [200, 200, 429, 200, 429]


def test_who_must_be_known_is_refused_before_the_body(made: Any) -> None:
    guard = made(HEADER.replace("}\n", ", required: true}\n"))
    answer = ask(guard, "alice", "192.0.2.1")
    assert (answer.status, answer.received) == (401, 0)
    assert ask(guard, "alice", "10.0.0.1").status == 200


def test_a_limit_while_observing_is_only_remembered(made: Any) -> None:
    guard = made("mode: observe\nlimits: [{per: global, take: 1 request/minute}]\n")
    assert [ask(guard, "x", "192.0.2.1").body for _ in range(3)] == [SAYS] * 3
    assert [row.would.word for row in rows(guard)] == ["allow", "refuse", "refuse"]
    assert {row.ended for row in rows(guard)} == {"complete"}


@pytest.mark.parametrize(
    ("cap", "body", "code"),
    [
        ("chars: 10", chat("x" * 11), "too_long"),
        ("messages: 1", json.dumps({"messages": [{"role": "user", "content": "a"}] * 2}).encode(), "too_many_messages"),
        ("body: 64", chat("x" * 64), "too_large"),
    ],
)
def test_over_a_cap_nothing_is_sent(cap: str, body: bytes, code: str, made: Any) -> None:
    guard, inner = made(f"caps: {{{cap}}}\n"), Inner((SAYS,))
    answer = post(GuardrailMiddleware(inner, guard), body, CHAT)
    assert (answer.status, answer.json()["error"]["code"], inner.bodies) == (413, code, [])
    assert [(row.ended, row.status) for row in rows(guard)] == [("bad_request", 413)]


@pytest.mark.parametrize(
    ("asked", "sent"), [(None, 50), (10, 10), (51, 50), (10**9, 50), (-1, 50), (True, 50), ("9", 50)]
)
def test_a_wish_for_more_tokens_is_lowered(asked: int | None, sent: int, made: Any) -> None:
    guard, inner = made("caps: {output_tokens: 50}\n"), Inner((SAYS,))
    wish = {} if asked is None else {"max_completion_tokens": asked}
    assert post(GuardrailMiddleware(inner, guard), chat("hi", **wish), CHAT).status == 200
    assert json.loads(inner.bodies[0])["max_completion_tokens"] == sent


@pytest.mark.parametrize("declared", [True, False])
def test_a_json_body_over_the_cap_is_refused_whole(declared: bool) -> None:
    inner, (guard, made) = Inner(), guarding(canaries(caps=Caps(body=1000)))
    body = json.dumps({"a": "x" * 5000}).encode()
    length = (("content-length", str(len(body))),) if declared else ()
    answer = post(GuardrailMiddleware(inner, guard), body, headers=(JSON, *length), cuts=range(0, 5000, 500))
    assert (answer.status, answer.complete, inner.scopes) == (413, True, [])
    assert answer.received == (0 if declared else 3)
    assert [(row.ended, row.status) for row in made] == [("bad_request", 413)]
