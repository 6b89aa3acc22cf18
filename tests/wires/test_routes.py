"""Spellings of one path land on one place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.http import Headers, Request
from guardrail.wires.openai.chat import Chat
from guardrail.wires.router import Router
from guardrail.wires.routes import carries_body, exactly_under, is_harmless, plain, under

SPELLINGS = [
    "/v1/chat/completions",
    "/v1/chat/completions/",
    "//v1//chat///completions",
    "/V1/Chat/COMPLETIONS",
    "/v1/./chat/completions",
    "/v1/x/../chat/completions",
    "/v1/chat%2Fcompletions",
    "/v1/chat%252Fcompletions",
    "/v1/%63hat/completions",
    "/v1;a=b/chat;x/completions",
    "/v1/chat/completions;v=1",
    "\\v1\\chat\\completions",
    "/v1/x/..;/chat/completions",
    "/v1/x/%2e%2e/chat/completions",
    "v1/chat/completions",
    "/v1/chat/completions?a=b",
    "/v1/chat/completions#top",
    "/../v1/chat/completions",
    "/v1/chat/completions/x/..",
    "/v1/chat/completions/.",
]


def claimed(method: str, path: str) -> bool:
    return Router([Chat()]).find(Request(method, path, ())) is not None


@pytest.mark.parametrize("path", SPELLINGS)
def test_one_place(path: str) -> None:
    assert plain(path) == "/v1/chat/completions"
    assert claimed("POST", path)


@given(st.lists(st.sampled_from(["/", "..", ".", ";x", "a", "B", "%2e", "%2F", "?", "#", "\\", "..;"]), max_size=9))
def test_the_plain_spelling_is_plain(parts: list[str]) -> None:
    once = plain("/" + "".join(parts))
    assert plain(once) == once
    assert "//" not in once
    assert ".." not in once.split("/")


@pytest.mark.parametrize(
    "path", ["/v1/completions", "/v1/chat/completionsx", "/v1/xchat/completions", "/", "/chat/completions/x"]
)
def test_other_places(path: str) -> None:
    assert not claimed("POST", path)


@pytest.mark.parametrize(
    "path",
    [
        "/openai/deployments/d/chat/completions",
        "/api/v1/chat/completions",
        "/chat/completions",
        "/models/chat/completions",
    ],
)
def test_servers_that_speak_it_elsewhere(path: str) -> None:
    assert claimed("POST", path)
    assert not claimed("GET", path)


@pytest.mark.parametrize(
    "path",
    [
        "/health/../v1/chat",
        "/health/..;/v1/chat",
        "/health?/../v1/chat",
        "/health%3f/../v1/chat",
        "/health;/../v1/chat",
        "/health/%2e%2e/v1/chat",
        "/health/%252e%252e/v1/chat",
        "/health#/../v1/chat",
        "/health\\..\\v1\\chat",
        "/healthy",
    ],
)
def test_a_way_out_of_a_folder_is_not_below_it(path: str) -> None:
    assert not exactly_under(path, ("/health",))


@pytest.mark.parametrize("path", ["/x/../health", "//health", "/HEALTH", "/%68ealth", "/health;a", "health"])
def test_another_spelling_of_a_folder_is_not_exactly_below_it(path: str) -> None:
    assert under(path, ("/health",))
    assert not exactly_under(path, ("/health",))


@pytest.mark.parametrize("path", ["/health", "/health/", "/health/live", "/health/a/../b", "/health/LIVE"])
def test_exactly_below(path: str) -> None:
    assert all(exactly_under(path, (prefix,)) for prefix in ("/health", "/health/", "health", "/"))
    assert not exactly_under(path, ("/other", "/heal"))


@pytest.mark.parametrize("path", ["/health/../v1/chat", "/health/%2e%2e/v1/chat", "/x/../health"])
def test_below_in_one_spelling_is_below(path: str) -> None:
    assert under(path, ("/health",))


def test_a_long_path_of_steps_up_is_spelled_step_by_step() -> None:
    assert plain("/a" * 100_000 + "/.." * 99_999) == "/a"
    assert plain("/../.." * 5000 + "/b") == "/b"


def test_below() -> None:
    assert under("/health", ("/health/",))
    assert under("/HEALTH/live", ("/health",))
    assert under("/anything", ("/",))
    assert not under("/", ("/health",))


BODIES: list[Headers] = [
    (("content-length", "1"),),
    (("content-length", "0"), ("content-length", "5")),
    (("content-length", "what"),),
    (("transfer-encoding", "chunked"),),
]


def test_lists_of_models_are_harmless() -> None:
    assert is_harmless(Request("GET", "/v1/models", ()))
    assert is_harmless(Request("HEAD", "/v1/models/gpt-5", (("content-length", "0"),)))
    assert not is_harmless(Request("POST", "/v1/models", ()))
    assert not is_harmless(Request("GET", "/v1/files", ()))


@pytest.mark.parametrize("headers", BODIES)
def test_nothing_with_a_body_is_harmless(headers: Headers) -> None:
    assert not is_harmless(Request("GET", "/v1/models", headers))


@pytest.mark.parametrize("headers", BODIES)
@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "ODD"])
def test_any_method_may_carry_a_body(method: str, headers: Headers) -> None:
    assert carries_body(Request(method, "/", headers))
    assert not carries_body(Request(method, "/", (("content-length", "0"),)))
    assert not carries_body(Request(method, "/", ()))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "QUERY"])
def test_some_methods_are_for_bodies(method: str) -> None:
    assert carries_body(Request(method, "/", ()))
