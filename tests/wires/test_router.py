"""Which wire format claims a request: by the end of its path, however it is spelled."""

from __future__ import annotations

import pytest

from guardrail.http import Request
from guardrail.wires.operation import Operation
from guardrail.wires.router import Router


class Versioned(Operation):
    """Claims by a header."""

    def mine(self, request: Request) -> bool:
        return ("x-version", "2") in request.headers


MESSAGES = Operation("messages", ["POST v/messages", "GET v/messages/{id}"])
COUNT = Operation("count", ["POST v/messages/count"])
VERB = Operation("verb", ["POST models/{model}:generate", "POST v/things/{name*}/run"])
FILES = Operation("files", ["* v/files"])
FILES_TOO = Versioned("files too", ["POST v/files"])
OWN = Operation("own", ["POST /chat"])
ROUTER = Router([MESSAGES, COUNT, VERB, FILES_TOO, FILES], [OWN])


def found(method: str, path: str, *headers: tuple[str, str]) -> str | None:
    match = ROUTER.find(Request(method, path, headers))
    return None if match is None else f"{match.wire.name}{'' if match.sure else '?'}"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/messages", "messages"),
        ("POST", "/mounted/here/v1beta1/messages", "messages"),
        ("POST", "/openai/messages/", "messages"),
        ("POST", "/V1//Messages", "messages"),
        ("POST", "/v1%2Fmessages", "messages"),
        ("POST", "/messages", "messages?"),
        ("POST", "/app/messages", None),
        ("PUT", "/v1/messages", None),
        ("GET", "/v1/messages/m_1", "messages"),
        ("GET", "/messages/m_1", "messages?"),
        ("POST", "/v1/messages/count", "count"),
        ("POST", "/v1/messages/m_1", None),
        ("POST", "/v1beta/models/m-1:generate", "verb"),
        ("POST", "/x/y/models/m-1:GENERATE", "verb"),
        ("POST", "/models/m-1", None),
        ("POST", "/v1/things/a/run", "verb"),
        ("POST", "/v1/things/a/b:0/c/run", "verb"),
        ("POST", "/v1/things/run", None),
        ("POST", "/chat", "own"),
        ("POST", "//chat/", "own"),
        ("POST", "/x/chat", None),
        ("DELETE", "/v1/files", "files"),
        ("POST", "/", None),
        ("POST", "", None),
    ],
)
def test_a_route(method: str, path: str, name: str | None) -> None:
    assert found(method, path) == name


def test_two_formats_with_one_route_are_told_apart_by_headers() -> None:
    assert found("POST", "/v1/files", ("x-version", "2")) == "files too"
    assert found("POST", "/v1/files") == "files"
