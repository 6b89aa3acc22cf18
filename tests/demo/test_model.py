from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from guardrail.demo.model import demo_model
from guardrail.demo.server import served

PARIS = "The capital of France is Paris."
ASK: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    """OpenAI's own client is the judge of what it is sent."""
    with (
        served(demo_model(delay=0)) as origin,
        openai.OpenAI(base_url=f"{origin}/v1", api_key="none", max_retries=0) as made,
    ):
        yield made


def test_whole(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="m", messages=ASK)
    assert (done.object, done.model) == ("chat.completion", "m")
    assert [(c.index, c.finish_reason, c.message.content) for c in done.choices] == [(0, "stop", PARIS)]
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens > 10


def test_the_same_again(client: openai.OpenAI) -> None:
    first, second = (client.chat.completions.create(model="m", messages=ASK) for _ in range(2))
    assert first.choices == second.choices
    assert first.id != second.id


def test_several_choices(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="m", messages=ASK, n=3)
    assert [choice.index for choice in done.choices] == [0, 1, 2]
    texts = dict.fromkeys(range(3), "")
    for chunk in client.chat.completions.create(model="m", messages=ASK, n=3, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert set(texts.values()) == {PARIS}


def test_streamed(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="m", messages=ASK, stream=True))
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == PARIS
    assert [chunk.choices[0].finish_reason for chunk in chunks][-2:] == [None, "stop"]
    assert all(chunk.usage is None for chunk in chunks)
    assert len(chunks) > 5


def test_streamed_with_usage(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="m", messages=ASK)
    options: Any = {"include_usage": True}
    *chunks, last = client.chat.completions.create(model="m", messages=ASK, stream=True, stream_options=options)
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert (last.usage, last.choices) == (whole.usage, [])


def test_the_stream_ends_with_done(client: openai.OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(model="m", messages=ASK, stream=True) as response:
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert all(json.loads(line.removeprefix("data: ")) for line in lines[:-1])


def test_fewer_tokens(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model="m", messages=ASK, max_completion_tokens=2)
    assert done.choices[0].finish_reason == "length"
    assert PARIS.startswith(done.choices[0].message.content or "?")
    assert done.usage is not None
    assert done.usage.completion_tokens == 2


def test_content_in_parts(client: openai.OpenAI) -> None:
    parts: Any = [{"role": "user", "content": [{"type": "text", "text": "tell me"}, {"type": "text", "text": "more"}]}]
    done = client.chat.completions.create(model="m", messages=parts)
    assert done.choices[0].message.content == "You said: tell me more"


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["demo"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"messages": []}',
        b'{"messages": ["hi"]}',
        b'{"messages": [{}], "n": 0}',
        b'{"messages": [{}], "n": true}',
        b'{"messages": [{}], "max_tokens": 0}',
    ],
)
def test_what_is_no_request(body: bytes, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.post("/chat/completions", cast_to=object, content=body)
    assert error.value.type == "invalid_request_error"
