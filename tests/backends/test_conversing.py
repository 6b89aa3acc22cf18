"""Whether a backend says that it judges a reply beside its prompt, and whether what it sends bears that out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from guardrail.backends.combined import Combined, Member
from guardrail.backends.dialect import OneSided
from guardrail.backends.fms import FMS, Api
from guardrail.backends.moderation import Moderation
from guardrail.backends.only import Only
from guardrail.backends.remote import Remote, RemoteBackend
from guardrail.checks.protocol import Backend, Conversing
from guardrail.errors import NotEvaluated

from .fakes.loopback import Fake, served
from .plain import Loop, Threads
from .test_contract import SERVICES

PROMPT, REPLY = "what would the canary say", "nothing at all"
CONVERSING = {"mistral", "llama_guard", "shieldgemma", "nemotron", "granite_guardian", "qwen3guard", "judge"}


@pytest.fixture(params=[Threads, Loop], ids=["threads", "loop"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Threads | Loop]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made = request.param()
    yield made
    made.close()


def remote(fake: Fake) -> Remote:
    return Remote(fake.module.dialect(fake.base), timeout=30.0)


def heard(fake: Fake) -> list[bytes]:
    """What the service was sent since it was last looked at."""
    bodies = [asked.body for asked in fake.asked]
    fake.asked.clear()
    return bodies


def ask(world: Threads | Loop, backend: Backend, *texts: str) -> Any:
    (said,) = world.all(backend.moderate(texts))
    assert not isinstance(said, Exception), said
    return said


@pytest.mark.parametrize("name", SERVICES)
def test_a_prompt_is_sent_by_those_that_say_so_and_beside_a_reply_only(world: Threads | Loop, name: str) -> None:
    with served(name) as fake:
        dialect = fake.module.dialect(fake.base)
        for side in ("output", "input"):
            if isinstance(dialect, OneSided) and not dialect.judges(side):
                continue
            backend = remote(fake).on(side)
            assert backend.converses == (side == "output" and name in CONVERSING)
            ask(world, backend.answering(PROMPT), REPLY)
            sent = heard(fake)
            assert sent
            assert [PROMPT.encode() in body for body in sent] == [backend.converses] * len(sent)
            assert all(REPLY.encode() in body for body in sent)


@pytest.mark.parametrize("name", sorted(CONVERSING))
def test_a_reply_to_another_prompt_is_another_question(world: Threads | Loop, name: str) -> None:
    with served(name) as fake:
        backend = remote(fake).on("output")
        for prompt, asked in [(PROMPT, True), ("another", True), (PROMPT, False), ("", True), ("", False)]:
            ask(world, backend.answering(prompt), REPLY)
            assert bool(heard(fake)) == asked


def test_what_it_shares_it_shares(world: Threads | Loop) -> None:
    with served("llama_guard") as fake:
        backend = remote(fake).on("output")
        told = backend.answering(PROMPT)
        assert isinstance(told, RemoteBackend)
        assert (told.asked, told.categories, told.points) == (backend.asked, backend.categories, backend.points)
        assert told.answering(PROMPT) is told
        ask(world, told, REPLY)
        assert backend.stats() == told.stats()
        heard(fake)
        ask(world, backend, REPLY)
        assert [PROMPT.encode() in body for body in heard(fake)] == [False]
        assert "canary" not in repr(told)
        assert told.on("input").prompt == ""


@pytest.mark.parametrize("manner", ["any", "all", "first", "weighted"])
def test_of_several_those_that_converse_are_told(world: Threads | Loop, manner: Any) -> None:
    with served("llama_guard") as guard, served("openai") as deaf:
        one, two = remote(guard).on("input"), remote(deaf).on("input")
        whole = Combined(manner, [Member("one", Only(one, frozenset({"hate"}))), Member("two", two)])
        assert not whole.converses
        replies = whole.on("output")
        assert isinstance(replies, Conversing)
        assert replies.converses
        ask(world, replies.answering(PROMPT), REPLY)
        assert [PROMPT.encode() in body for body in heard(guard)] == [True]
        assert not any(PROMPT.encode() in body for body in heard(deaf))
        alone = Combined(manner, [Member("two", two)]).on("output")
        assert not alone.converses
        assert alone.answering(PROMPT) is alone
        assert Only(two, frozenset({"hate"})).answering(PROMPT).converses is False


def test_every_window_of_a_long_reply_stands_beside_the_prompt(world: Threads | Loop) -> None:
    with served("llama_guard") as fake:
        check = Moderation("harm", remote(fake).on("output"), {})
        assert check.converses
        world.all(check.ask(["a word or two. " * 600], PROMPT))
        sent = heard(fake)
        assert len(sent) > 1
        assert all(PROMPT.encode() in body for body in sent)


@pytest.mark.parametrize(("api", "converses"), [("contents", False), ("generation", True), ("chat", True)])
def test_a_detector_converses_where_its_endpoint_does(world: Threads | Loop, api: Api, converses: bool) -> None:
    with served("fms") as fake:
        dialect = FMS(url=fake.base, detector=fake.module.DETECTOR, api=api)
        backend = Remote(dialect, timeout=30.0).on("output")
        assert backend.converses == converses
        ask(world, backend.answering(PROMPT), REPLY)
        assert [PROMPT.encode() in body for body in heard(fake)] == [converses]
        if api == "generation":
            (said,) = world.all(backend.moderate([REPLY]))
            assert isinstance(said, NotEvaluated)
            assert said.reason == "blind"
