"""The chat wire: what it adds and counts, and how its notices look."""

from __future__ import annotations

import json

import pytest

from guardrail.http import Head, Request, header
from guardrail.wires.openai.chat import Chat
from guardrail.wires.protocol import Body, Notice
from tests.support.drive import EVENTS, JSON
from tests.support.events import content, finishes, trees

CHAT = Chat()
SAID = Notice("Not here.", "content_refused", "d1", answer=True)
WRONG = Notice("Too many.", "rate_limited", "d2", status=429, retry_after=7)


def asked(text: str) -> Body:
    return CHAT.request(text.encode(), Request("POST", "/chat/completions", JSON))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("{}", {"max_completion_tokens": 100}),
        ('{"max_tokens":50}', {"max_tokens": 50}),
        ('{"max_tokens":500}', {"max_tokens": 100}),
        ('{"max_tokens":500,"max_completion_tokens":7}', {"max_tokens": 100, "max_completion_tokens": 7}),
        ('{"max_tokens":1e9}', {"max_tokens": 100}),
        ('{"max_tokens":"500"}', {"max_tokens": 100}),
        ('{"max_tokens":null}', {"max_tokens": None, "max_completion_tokens": 100}),
        ('{"max_tokens":[1]}', {"max_tokens": 100}),
    ],
)
def test_the_answer_is_capped(given: str, sent: dict[str, object]) -> None:
    body = asked(given)
    CHAT.limit_output(body, 100)
    assert json.loads(body.body()) == sent


@pytest.mark.parametrize("given", ["[]", "1", "null", '"x"'])
def test_a_body_that_is_no_object_is_left_alone(given: str) -> None:
    body = asked(given)
    CHAT.limit_output(body, 100)
    CHAT.forward(body, "user", "u")
    assert body.body() == given.encode()
    assert CHAT.messages(body) == 0
    assert CHAT.render(body, SAID).head is not None


def test_a_name_is_put_for_the_provider() -> None:
    body = asked('{"user":"somebody","a":1.0}')
    CHAT.forward(body, "user", "u-1")
    assert body.body() == b'{"user":"u-1","a":1.0}'


@pytest.mark.parametrize(("given", "count"), [('{"messages":[{},{}]}', 2), ('{"messages":{}}', 0), ("{}", 0)])
def test_messages_are_counted(given: str, count: int) -> None:
    assert CHAT.messages(asked(given)) == count


@pytest.mark.parametrize(
    ("given", "choices"),
    [
        ("{}", 1),
        ('{"n":3}', 3),
        ('{"n":0}', 1),
        ('{"n":-2}', 1),
        ('{"n":1000000}', 1),
        ('{"n":"3"}', 1),
        ('{"n":2.0}', 1),
    ],
)
def test_a_refusal_has_as_many_choices_as_were_asked_for(given: str, choices: int) -> None:
    assert len(json.loads(CHAT.render(asked(given), SAID).body)["choices"]) == choices
    streamed = asked(given[:-1] + (',"stream":true}' if len(given) > 2 else '"stream":true}'))
    assert len(finishes(CHAT.render(streamed, SAID).body)) == choices


@pytest.mark.parametrize("stream", ["1", '"true"', "false", "null"])
def test_only_true_asks_for_a_stream(stream: str) -> None:
    assert json.loads(CHAT.render(asked(f'{{"stream":{stream}}}'), SAID).body)["object"] == "chat.completion"


def test_an_error_looks_like_the_apis_own() -> None:
    for body in (None, asked('{"stream":true}')):
        release = CHAT.render(body, WRONG)
        assert release.head is not None
        assert (release.head.status, release.end) == (429, True)
        assert header(release.head.headers, "retry-after") == "7"
        assert json.loads(release.body)["error"] == {
            "message": "Too many.",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limited",
            "decision_id": "d2",
        }


def test_a_broken_stream_does_not_look_like_a_refusal() -> None:
    codec = CHAT.stream(None, Head(200, EVENTS))
    assert codec is not None
    (tree,) = trees(codec.fail(WRONG))
    assert tree["error"]["code"] == "rate_limited"
    assert content(codec.refuse(SAID)) == "Not here."
