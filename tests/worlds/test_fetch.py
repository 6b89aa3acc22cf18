"""``Fetch`` against real faults: both worlds must give the same answers."""

from __future__ import annotations

from typing import Any

import pytest

from guardrail.errors import NotEvaluated
from guardrail.flow import Fetch

from .both import (
    CANARY,
    Worlds,
    asking_for,
    fetch,
    swallowing,
)
from .faults import FaultServer


def test_a_reply_has_status_lower_case_headers_and_body(worlds: Worlds, server: FaultServer) -> None:
    reply = worlds.one(fetch(f"{server.url}/ok"))
    assert (reply.status, reply.body) == (200, b"hello")
    assert [value for name, value in reply.headers if name == "x-twice"] == ["a", "b"]


FAULTS = {
    "drip": "timeout",
    "drip_head": "timeout",
    "hang": "timeout",
    "reset": "connect",
    "shut": "protocol",
    "torn": "protocol",
    "garbage": "protocol",
    "huge": "too_large",
    "huge_chunked": "too_large",
    "zipped": "protocol",
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.items())
def test_every_fault_is_not_evaluated_with_its_reason(
    worlds: Worlds, server: FaultServer, fault: str, reason: str
) -> None:
    patience = 0.3 if reason == "timeout" else 5.0
    with pytest.raises(NotEvaluated) as caught:
        worlds.one(fetch(f"{server.url}/{fault}", timeout=patience))
    assert caught.value.reason == reason


@pytest.mark.parametrize("fault", [*FAULTS, "refused"])
def test_no_error_carries_body_or_key(worlds: Worlds, server: FaultServer, fault: str) -> None:
    url = "http://127.0.0.1:1/" if fault == "refused" else f"{server.url}/{fault}"
    with pytest.raises(NotEvaluated) as caught:
        worlds.one(fetch(url, timeout=0.3))
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in f"{error!r} {error} {vars(error)}"
        assert not hasattr(error, "request")
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/", "connect"),
        ("http://no-such-host.invalid/", "dns"),
        ("ftp://127.0.0.1/", "protocol"),
        ("http://x\n/", "protocol"),
        ("http://127.0.0.1:99999/", "protocol"),
    ],
)
def test_addresses_that_lead_nowhere(worlds: Worlds, url: str, reason: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        worlds.one(fetch(url))
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "effect", [fetch(f"http://{'a' * 70}.com/"), Fetch("GET", "http://x/", b"", (("a", "\u2026"),))]
)
def test_what_cannot_be_written_as_http_is_not_evaluated(worlds: Worlds, effect: Fetch) -> None:
    with pytest.raises(NotEvaluated):
        worlds.one(effect)


def test_a_server_without_tls_is_not_spoken_to_over_https(worlds: Worlds, server: FaultServer) -> None:
    with pytest.raises(NotEvaluated) as caught:
        worlds.one(fetch(server.url.replace("http:", "https:") + "/ok", attempts=3))
    assert caught.value.reason == "tls"


def test_a_reply_of_exactly_the_limit_is_read(worlds: Worlds, server: FaultServer) -> None:
    assert len(worlds.one(fetch(f"{server.url}/edge", limit=4096)).body) == 4096
    with pytest.raises(NotEvaluated):
        worlds.one(fetch(f"{server.url}/edge", limit=4095))


def test_a_redirect_is_an_answer_and_is_not_followed(worlds: Worlds, server: FaultServer) -> None:
    assert worlds.one(fetch(f"{server.url}/redirect", attempts=3)).status == 302
    assert (server.hits["redirect"], server.hits["ok"]) == (1, 0)


@pytest.mark.parametrize("path", ["second_time", "dated", "second_connection"])
def test_a_second_attempt_may_succeed(worlds: Worlds, server: FaultServer, path: str) -> None:
    assert worlds.one(fetch(f"{server.url}/{path}", attempts=2)).status == 200
    assert server.hits[path] == 2


@pytest.mark.parametrize(
    ("path", "hits"), [("error", 3), ("bad_request", 1), ("redirect", 1), ("much_later", 1), ("far_later", 1)]
)
def test_the_last_reply_is_the_answer(worlds: Worlds, server: FaultServer, path: str, hits: int) -> None:
    """Also when it is an error, and when Retry-After lies beyond the deadline."""
    status = {"error": 503, "bad_request": 400, "redirect": 302}.get(path, 429)
    assert worlds.one(fetch(f"{server.url}/{path}", attempts=3, timeout=20)).status == status
    assert server.hits[path] == hits


@pytest.mark.parametrize(("path", "hits"), [("reset", 3), ("torn", 3), ("huge", 1), ("zipped", 1)])
def test_only_broken_connections_are_tried_again(worlds: Worlds, server: FaultServer, path: str, hits: int) -> None:
    with pytest.raises(NotEvaluated):
        worlds.one(fetch(f"{server.url}/{path}", attempts=3, timeout=20))
    assert server.hits[path] == hits


def test_the_deadline_bounds_all_attempts_together(worlds: Worlds, server: FaultServer) -> None:
    """It ends with the last reply, or with a timeout where it fell into an attempt."""
    reply = worlds.drive(swallowing(fetch(f"{server.url}/error", attempts=1000, timeout=0.5)))
    assert reply is None or reply.status == 503
    assert 1 <= server.hits["error"] < 100


def test_connections_are_kept_and_cookies_are_not(worlds: Worlds, server: FaultServer) -> None:
    connections: list[Any] = []
    accept = server.get_request

    def counting() -> Any:
        connections.append(accept())
        return connections[-1]

    server.get_request = counting  # type: ignore[method-assign]
    replies = worlds.drive(asking_for([fetch(f"{server.url}/ok") for _ in range(4)]))
    assert [reply.status for reply in replies] == [200] * 4
    assert len(connections) == 1
    assert server.hits["cookies"] == 0
