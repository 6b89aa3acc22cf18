"""Law: every string is read, less the written list. A canary is planted in each leaf in turn."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from guardrail.verdict import Kind
from guardrail.wires import silent
from guardrail.wires.custom import Custom
from guardrail.wires.table import Media, Silent
from guardrail.wires.walk import Walker
from tests.support import plans
from tests.support.drive import EVENTS, JSON, Result, call
from tests.support.events import heard, sse
from tests.support.leaves import Path, leaves, objects, pattern, planted, with_key
from tests.wires.fixtures import ANSWERS, CUSTOM, REQUESTS, STREAMS

WORD = "c4n4ry"
SENTENCE = f"a {WORD} here"
PLAN = plans.plan(plans.Word(WORD))
ASK = b'{"model":"m","stream":true,"n":4,"messages":[{"role":"user","content":"hi"}]}'
Send = Callable[[Any], Result]


def send_request(tree: Any) -> Result:
    return call(PLAN, _spelled(json.dumps(tree).encode()), b"{}")


def send_answer(tree: Any) -> Result:
    return call(PLAN, ASK, _spelled(json.dumps(tree).encode()), headers=JSON)


def send_stream(tree: Any) -> Result:
    raw = _spelled(sse(*tree))
    return call(PLAN, ASK, raw, cuts=range(0, len(raw), 11), headers=EVENTS)


def _spelled(raw: bytes) -> bytes:
    """Half of the canaries with an escape in them, so that no reader of bytes would do."""
    return raw.replace(b"c4n4ry", b"c4n\\u0034ry") if len(raw) % 2 else raw


SENDERS: dict[str, tuple[dict[str, Any], Send, dict[str, Any]]] = {
    "request": (REQUESTS, send_request, silent.CHAT_REQUEST),
    "answer": (ANSWERS, send_answer, silent.CHAT_RESPONSE),
    "stream": (STREAMS, send_stream, silent.CHAT_RESPONSE),
}


def leaked(result: Result) -> bool:
    """Did the canary get to the one it was not meant for?"""
    if result.rows[-1].outcome != "refused":
        return True
    if result.head is not None and ("content-type", "text/event-stream") in result.head.headers:
        return any(WORD in text for text in heard(result.body).values()) or WORD.encode() in result.body
    return result.sent is not None and WORD.encode() in result.body


def unseen(name: str, value: str) -> list[tuple[str, str]]:
    """The leaves in which a canary got through: (fixture, path)."""
    fixtures, send, _ = SENDERS[name]
    return [
        (fixture, _pattern(name, path))
        for fixture, tree in fixtures.items()
        for path, _text in leaves(tree)
        if leaked(send(planted(tree, path, value)))
    ]


def _pattern(name: str, path: Path) -> str:
    return pattern(path[1:] if name == "stream" else path)


@pytest.mark.parametrize("name", SENDERS)
def test_a_sentence_is_read_wherever_it_stands_listed_or_not(name: str) -> None:
    assert unseen(name, SENTENCE) == []


@pytest.mark.parametrize("name", SENDERS)
def test_a_word_is_read_but_where_the_written_list_says_so(name: str) -> None:
    listed = SENDERS[name][2]
    got_through = {at for _, at in unseen(name, WORD)}
    assert got_through - set(listed) == set()
    assert got_through, "the list is for something"


@pytest.mark.parametrize("name", SENDERS)
def test_a_word_under_a_key_nobody_knows_is_read(name: str) -> None:
    fixtures, send, _ = SENDERS[name]
    for fixture, tree in fixtures.items():
        for path in objects(tree):
            for value in (WORD, [WORD], {"deep": [{"er": WORD}]}):
                assert not leaked(send(with_key(tree, path, "unknown", value))), (fixture, path)


@pytest.mark.parametrize("name", SENDERS)
@pytest.mark.parametrize("key", [SENTENCE, f"a\t{WORD}", f"{WORD}@example.org", f"a\u00a0{WORD}", "x" * 70 + WORD])
def test_a_key_that_reads_like_text_is_read(name: str, key: str) -> None:
    fixtures, send, _ = SENDERS[name]
    for fixture, tree in fixtures.items():
        for path in list(objects(tree))[:6]:
            assert not leaked(send(with_key(tree, path, key, 1))), (fixture, path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("request", Kind.DEFINITION),
        ("request", Kind.TOOL_RESULT),
        ("request", Kind.REASONING),
        ("request", Kind.OTHER),
        ("answer", Kind.TOOL_CALL),
        ("answer", Kind.REASONING),
        ("stream", Kind.REASONING),
        ("stream", Kind.ASSISTANT),
    ],
)
def test_the_checker_has_teeth(name: str, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """A walker that leaves one kind of text out is found out."""
    honest = Walker._leaf

    def blind(self: Walker, *args: Any) -> None:
        before = len(self.pieces)
        honest(self, *args)
        self.pieces[before:] = [piece for piece in self.pieces[before:] if piece.segment.kind is not kind]
        for key in [key for key, segment in self.segments.items() if segment.kind is kind]:
            del self.segments[key]

    monkeypatch.setattr(Walker, "_leaf", blind)
    assert unseen(name, SENTENCE)


def test_every_entry_of_the_list_says_why() -> None:
    for entry in (*silent.CHAT_REQUEST.values(), *silent.CHAT_RESPONSE.values()):
        assert isinstance(entry, (Silent, Media))
        assert entry.modality if isinstance(entry, Media) else len(entry.reason) > 10


def test_a_listed_value_that_is_overlong_is_read() -> None:
    tree = {**REQUESTS["plain"], "model": "x" * 300 + WORD}
    assert not leaked(send_request(tree))


def test_links_are_read_and_encoded_media_are_recorded_as_not_evaluated() -> None:
    def image(url: str) -> Result:
        part = {"type": "image_url", "image_url": {"url": url}}
        return send_request({"messages": [{"role": "user", "content": [part]}]})

    assert not leaked(image(f"https://example.org/?q={WORD}"))
    assert not leaked(image(f"draw a {WORD}"))
    passed = image("data:image/png;base64,iVBORw0KGgo=")
    assert passed.sent is not None
    assert passed.rows[-1].outcome == "not_evaluated"
    assert [(gap.reason, gap.where) for gap in passed.rows[-1].not_evaluated] == [
        ("image", "messages[0].content[0].image_url.url")
    ]


ARGUMENTS = {
    "plain": '{"q": "a c4n4ry"}',
    "escaped": '{"q": "a c4n\\u0034ry"}',
    "in a key": '{"c4n\\u0034ry": 1}',
    "deep": '{"q": [{"r": ["c4n\\u0034ry"]}]}',
    "a bare string": '"c4n\\u0034ry"',
    "a list": '["c4n\\u0034ry"]',
    "no brace": '{"q": "c4n\\u0034ry"',
    "NaN": '{"n": NaN, "q": "c4n\\u0034ry"}',
    "a key twice": '{"q": "", "q": "c4n\\u0034ry"}',
    "lone surrogate": '{"s": "\\ud800", "q": "c4n\\u0034ry"}',
    "no JSON": "search for c4n4ry",
    "JSON and more": '{"q": 1} {"q": "c4n\\u0034ry"}',
}


@pytest.mark.parametrize("spelling", ARGUMENTS)
def test_arguments_are_read_as_a_reader_of_them_would(spelling: str) -> None:
    text = ARGUMENTS[spelling]
    calls = [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"index": 1, "id": "c2", "type": "function", "function": {"name": "f", "arguments": text}},
    ]
    message = {"role": "assistant", "tool_calls": calls}
    assert not leaked(send_request({"messages": [message]}))
    assert not leaked(send_answer({"choices": [{"index": 0, "message": message}]}))
    for place in range(1, len(text)):
        parts = [
            {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 1, "function": {"arguments": part}}]}}]}
            for part in (text[:place], text[place:])
        ]
        result = send_stream(parts)
        assert not leaked(result)
        assert "arguments" not in result.body.decode(), "no part of a refused call reaches the caller"


@pytest.mark.parametrize(
    "body",
    [
        b'{"m":"c4n\\u0034ry"}',
        b'{"m":"c4n4ry","n":1}',
        b'"c4n\\u0034ry"',
        b'["c4n\\u0034ry"]',
        b'{"m":NaN,"n":"c4n\\u0034ry"}',
        b'{"s":"\\ud800","n":"c4n\\u0034ry"}',
        b"c4n4ry",
        b'  {"m":"c4n\\u0034ry"}',
        b"4 c4n4ry",
    ],
)
@pytest.mark.parametrize("media", ["", "application/json", "text/plain", "application/vnd.x+json"])
def test_bodies_of_no_known_api_are_read_as_any_reader_would(body: bytes, media: str) -> None:
    """Apps parse JSON whatever the media type says, and leniently (threats T12, T13)."""
    headers = (("content-type", media),) if media else ()
    result = call(PLAN, body, b"", request_headers=headers, path="/ask")
    assert result.sent is None
    if media in ("", "text/plain"):
        assert leaked(call(PLAN, b"hello", body, headers=headers, request_headers=(), path="/ask")) is False


@pytest.mark.parametrize(
    "raw",
    [
        b"data: c4n4ry\n\n",
        b"data: c4n\n\ndata: 4ry\n\n",
        b'data: "c4n\\u0034ry"\n\n',
        b'data: "c4n"\n\ndata: "4ry"\n\n',
        b'data: {"t":"c4n"}\n\ndata: {"t":"4ry"}\n\n',
        b'data: ["c4n\\u0034ry"]\n\n',
        b": c4n4ry\n\n",
        b"event: c4n4ry\ndata: x\n\n",
        b"id: c4n4ry\ndata: x\n\n",
        b'data: {"c4n4ry is here":1}\n\n',
        b"data: {c4n4ry\n\n",
        b"data: 4ry\ndata: c4n4ry",
    ],
)
def test_event_streams_of_no_known_api_are_read(raw: bytes) -> None:
    for place in range(len(raw)):
        result = call(PLAN, b"{}", raw, cuts=[place], headers=EVENTS, path="/ask")
        assert result.rows[-1].outcome == "refused"
        assert WORD.encode() not in result.body


@pytest.mark.parametrize("raw", [b": c4n4ry\n\n", b"event: c4n4ry\ndata: {}\n\n", b'data: "c4n4ry"\n\n'])
def test_what_stands_beside_a_chat_stream_is_read(raw: bytes) -> None:
    result = call(PLAN, ASK, raw + sse({"choices": []}), headers=EVENTS)
    assert result.rows[-1].outcome == "refused"
    assert WORD.encode() not in result.body


def test_an_app_of_ones_own_is_read_whole() -> None:
    """The paths say whose text it is; what they do not name is read all the same."""
    wire = Custom("/chat", {Kind.USER: ["$.turns[*].text"]}, {Kind.ASSISTANT: ["$.reply.text"]})
    plan = plans.plan(plans.Word(WORD), wires=(wire,))
    for path, _ in leaves(CUSTOM["request"]):
        assert call(plan, json.dumps(planted(CUSTOM["request"], path, WORD)).encode(), path="/chat").sent is None
    for path, _ in leaves(CUSTOM["answer"]):
        tree = planted(CUSTOM["answer"], path, WORD)
        for body, headers in ((json.dumps(tree).encode(), JSON), (sse(tree, done=False), EVENTS)):
            result = call(plan, b"{}", body, headers=headers, path="/chat")
            assert result.rows[-1].outcome == "refused"
            assert WORD.encode() not in result.body
