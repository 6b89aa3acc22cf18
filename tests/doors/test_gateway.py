"""The gateway: what reaches the upstream, what never does, and what operators see."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from guardrail import Decision, Guard, LogError
from guardrail.admit.identity import Identity
from guardrail.doors.gateway import TEST_STRING, gateway
from guardrail.doors.proxy import Proxy
from tests.support import plans

from .driver import BAD, CHAT, JSON, Inner, canaries, chat, guarding, post
from .raw import ask_raw
from .servers import Model, serving


@pytest.fixture
def guarded() -> tuple[Guard, list[Decision]]:
    return guarding()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20, headers={"accept-encoding": "identity"}) as made:
        yield made


# -- operators -------------------------------------------------------------------------------------


def test_it_says_that_it_lives() -> None:
    answer = post(gateway(guarding()[0], Inner()), path="/healthz", method="GET", headers=())
    assert (answer.status, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("observe", [False, True])
@pytest.mark.parametrize(("category", "ready"), [(plans.REFUSED, True), (plans.MASKED, False), (plans.FLAGGED, False)])
def test_it_is_ready_while_the_test_string_is_refused(category: str, ready: bool, observe: bool) -> None:
    guard, rows = guarding(plans.plan(plans.Word(TEST_STRING, category), observe=observe))
    answer = post(gateway(guard, Inner()), path="/readyz", method="GET", headers=())
    assert (answer.status, answer.json()["ready"]) == ((200, True) if ready else (503, False))
    assert answer.json()["mode"] == ("observe" if observe else "enforce")
    assert bool(answer.json()["problems"]) != ready
    assert rows == []


def test_it_is_ready_again_with_a_policy_that_refuses_it() -> None:
    guard, _ = guarding(plans.plan(plans.Word(TEST_STRING, plans.FLAGGED)))
    app = gateway(guard, Inner())
    assert post(app, path="/readyz", method="GET", headers=()).status == 503
    guard.plan = plans.plan(plans.Word(TEST_STRING))
    assert post(app, path="/readyz", method="GET", headers=()).status == 200


def test_metrics_can_be_read_and_name_nobody() -> None:
    guard, rows = guarding(canaries(identity=Identity(("scope",), b"k" * 32)))
    app = gateway(guard, Inner())
    for text in ("hello", BAD, "hello"):
        post(app, chat(text), CHAT, user=type("User", (), {"identity": "alice"})())
    post(app, b"{", CHAT)
    answer = post(app, path="/metrics", method="GET", headers=())
    text = answer.body.decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    counts = {
        s.labels["outcome"]: s.value for s in families["guardrail_decisions"].samples if s.name.endswith("_total")
    }
    assert counts == {"allowed": 2, "refused": 2}
    assert families["guardrail_policy"].samples[0].labels["policy"] == "test"
    assert families["guardrail_log_errors"].samples[0].value == 0
    assert "bad_request" in text
    assert "alice" not in text
    assert not any(row.user and row.user in text for row in rows)
    assert "hello" not in text


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("path", ["/", "/v1/unheard/of", "/v1/nothing", "/docs"])
def test_routes_that_nobody_reads_are_refused_with_a_row(method: str, path: str) -> None:
    inner, (guard, rows) = Inner(), guarding()
    answer = post(gateway(guard, inner), {"a": "hello"}, path, method=method)
    assert (answer.status, answer.json()["error"]["code"]) == (404, "unknown_route")
    assert inner.scopes == []
    assert [(row.door, row.ended) for row in rows] == [("gateway", "bad_request")]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-5", "/models"])
def test_lists_of_models_pass(path: str) -> None:
    inner, (guard, rows) = Inner((b'{"data": []}',)), guarding()
    assert post(gateway(guard, inner), path=path, method="GET", headers=()).json() == {"data": []}
    assert rows == []


def test_its_lifespan_opens_the_log_and_closes_what_it_holds(model: Model, upstream: str, guard_: Guard) -> None:
    proxy = Proxy(upstream)
    with serving(gateway(guard_, proxy)) as url:
        assert httpx.post(url + CHAT, content=chat("hello"), headers=dict([JSON])).status_code == 200
        assert proxy._transport is not None
    with pytest.raises(LogError):
        guard_.open_log()


# -- one path, one reading (threat T07) ------------------------------------------------------------

SPELLINGS = [
    "/v1/chat/completions",
    "/v1/chat/completions/",
    "/v1/chat/completions//",
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/chat//completions",
    "/V1/Chat/Completions",
    "/v1%2Fchat/completions",
    "/v1/chat%2fcompletions",
    "/v1%252Fchat/completions",
    "/v1%5cchat%5ccompletions",
    r"/v1\chat\completions",
    "/./v1/chat/completions",
    "/v1/./chat/completions",
    "/x/../v1/chat/completions",
    "/v1/x/../chat/completions",
    "/v1/chat/completions/.",
    "/v1/chat/completions/x/..",
    "/v1/%2e%2e/v1/chat/completions",
    "/v1/%2e/chat/completions",
    "/v1/chat/c%6fmpletions",
    "/%76%31/chat/completions",
    "/v1/chat/completions;x=1",
    "/v1;x/chat/completions",
    "/v1/chat/completions?a=b",
    "/v1/chat/completions?/v1/models",
    "/v1/chat/completions#x",
    "/v1/chat/completions%23x",
    "/v1/chat/completions%3fx",
    "/v1/chat/completions%00",
    "/v1/models/../chat/completions",
    "/v1/models/%2e%2e/chat/completions",
    "/v1/models",
    "/v1/chat/completions/models",
    "/healthz/../v1/chat/completions",
    "/metrics/v1/chat/completions",
    "v1/chat/completions",
    "http://elsewhere/v1/chat/completions",
    "http://elsewhere//v1/chat/completions",
    "/v1/chat/completions%20",
    "*",
]


@pytest.mark.parametrize("parser", ["h11", "httptools"])
def test_no_spelling_of_a_path_leads_past_the_guard(
    parser: str, model: Model, upstream: str, guarded: tuple[Guard, list[Decision]]
) -> None:
    guard, _ = guarded
    with serving(gateway(guard, Proxy(upstream)), http=parser) as url:
        for spelling in SPELLINGS:
            for method in ("POST", "PUT"):
                got = ask_raw(url, spelling, chat(f"so {BAD}"), method)
                assert BAD.encode() not in got, spelling
        assert model.bodies == []
        assert b"Hello there." in ask_raw(url, CHAT, chat("hello"))


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_method_cannot_be_changed_by_a_header(
    name: str, model: Model, upstream: str, guarded: tuple[Guard, list[Decision]]
) -> None:
    with serving(gateway(guarded[0], Proxy(upstream))) as url:
        assert b" 400 " in ask_raw(url, "/v1/files", b"", "GET", f"{name}: POST").split(b"\r\n")[0]
    assert model.headers == []
