"""Apps of people's own: JSON paths, and refusals in the app's own form."""

from __future__ import annotations

import json

import pytest

from guardrail.http import Request
from guardrail.verdict import Kind
from guardrail.wires.custom import Custom, steps
from guardrail.wires.protocol import Notice
from guardrail.wires.router import Router

SAID = Notice("Not here.", "content_refused", "d1", answer=True)


@pytest.mark.parametrize(
    ("path", "read"),
    [
        ("$", ()),
        ("$.a", ("a",)),
        ("$.a-b.c", ("a-b", "c")),
        ("$.a[*].b", ("a", "[*]", "b")),
        ("$[0]", ("[*]",)),
        ("$['a b'].c", ("a b", "c")),
    ],
)
def test_paths(path: str, read: tuple[str, ...]) -> None:
    assert steps(path) == read


@pytest.mark.parametrize("path", ["", "a", "$a", "$.", "$..a", "$.a[", "$.a[?(@.b)]", "$.a[-1]", "$.a b", "$['a'"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"\$|read"):
        steps(path)


def kinds(wire: Custom, tree: object) -> dict[str, str]:
    return {
        segment.text: str(segment.kind)
        for segment in wire.request(json.dumps(tree).encode(), Request("POST", "/c", ())).segments
    }


def test_the_paths_say_whose_text_it_is_and_the_rest_is_the_users() -> None:
    wire = Custom("/c", {Kind.SYSTEM: ["$.prompt"], Kind.TOOL_RESULT: ["$.docs[*].text"]}, {})
    tree = {"prompt": "p", "docs": [{"text": "d", "title": "t"}], "x": {"y": "z"}}
    found = kinds(wire, tree)
    assert found.pop("title\nx\ny\n") == "definition"  # the names of unknown fields, for exact checks
    assert found == {"p": "system", "d": "tool_result", "t": "user", "z": "user"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("$.reply", {"reply": "Not here."}),
        ("$.a.b", {"a": {"b": "Not here."}}),
        ("$.a[0].b", {"a": [{"b": "Not here."}]}),
        ("$", "Not here."),
    ],
)
def test_a_refusal_stands_where_the_answer_would(path: str, body: object) -> None:
    release = Custom("/c", {}, {Kind.ASSISTANT: [path]}).render(None, SAID)
    assert json.loads(release.body) == body


def test_without_a_path_a_refusal_is_plain_text() -> None:
    assert Custom("/c", {}, {}).render(None, SAID).body == b"Not here."


def test_it_claims_its_route_and_no_other() -> None:
    router = Router((), [Custom("/api/Chat", {}, {})])
    for method, path in (("POST", "/api/chat/"), ("PUT", "//api/%63hat")):
        assert router.find(Request(method, path, ())) is not None
    for method, path in (("GET", "/api/chat"), ("POST", "/api/chat/x")):
        assert router.find(Request(method, path, ())) is None
