"""Azure Prompt Shields: what is asked, and what is read out of what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.azure_shield import ATTACK, CARD, AzurePromptShields
from guardrail.backends.dialect import Dialect, Question, ToolSided
from guardrail.backends.remote import Remote
from guardrail.checks.protocol import OfTools
from tests.backends.fakes import Asked
from tests.backends.fakes import azure_shield as fake
from tests.backends.fakes.exchange import HELLO, EveryService, Exchange, asked, holds, replies, told

URL = "https://canary.cognitiveservices.azure.com"
GIVEN = Question(("one canary", "two canary"))
CLEAN: Any = {
    "userPromptAnalysis": {"attackDetected": False},
    "documentsAnalysis": [{"attackDetected": False}, {"attackDetected": False}],
}
"""The quickstart's example, with nothing found, for two documents."""


def shield(**settings: Any) -> AzurePromptShields:
    return AzurePromptShields(url=URL, api_key=fake.KEY, **settings)


DIALECT = fake.dialect(URL)
PAGES = shield(documents=True)
DIALECTS: list[Dialect] = [PAGES, DIALECT]
QUESTIONS = [HELLO, Question(("hello",), "output")]
EXCHANGE = Exchange(fake.answer, DIALECT, CLEAN)
said, reason, unsent = EXCHANGE.said, EXCHANGE.reason, EXCHANGE.unsent
changed, without = EXCHANGE.changed, EXCHANGE.without


class TestAsEveryService(EveryService):
    exchange = EXCHANGE


def test_a_prompt_goes_as_the_prompt() -> None:
    query = DIALECT.query(HELLO)
    assert (query.method, query.url) == ("POST", f"{URL}/contentsafety/text:shieldPrompt?api-version=2024-09-01")
    assert dict(query.headers) == {"ocp-apim-subscription-key": fake.KEY, "content-type": "application/json"}
    assert json.loads(query.body) == {"userPrompt": "hello canary", "documents": []}


def test_what_others_wrote_goes_as_documents() -> None:
    """The model's own text, and every text of a shield for what tools and retrieval gave."""
    assert json.loads(DIALECT.query(Question(("a",), "output")).body) == {"userPrompt": "", "documents": ["a"]}
    assert json.loads(PAGES.query(GIVEN).body) == {"userPrompt": "", "documents": ["one canary", "two canary"]}


def test_what_tools_gave_goes_as_documents_by_the_same_line() -> None:
    backend = Remote(DIALECT, timeout=7.0).on("output")
    assert isinstance(DIALECT, ToolSided)
    assert isinstance(backend, OfTools)
    apart = backend.of_tools()
    assert json.loads(apart.asked.dialect.query(Question(("a", "b"))).body)["documents"] == ["a", "b"]
    assert (apart.name, apart.side, apart.timeout, apart.asked.dialect.batch) == (backend.name, "output", 7.0, 5)
    assert apart.categories == {ATTACK}
    assert apart.asked.line is backend.asked.line
    assert backend.on("input").of_tools().asked is apart.asked
    assert DIALECT.batch == 1


def test_where_all_are_documents_nothing_is_apart() -> None:
    backend = Remote(PAGES).on("input")
    assert PAGES.of_tools() is PAGES
    assert backend.of_tools() is backend
    assert (apart := Remote(DIALECT).on("input").of_tools()).of_tools() is apart


def test_its_card_says_what_it_can() -> None:
    assert CARD.categories == DIALECT.categories == set(fake.MEANS)
    assert (CARD.scores, CARD.longest, DIALECT.points) == ("flags", 10_000, None)
    assert (DIALECT.batch, PAGES.batch, PAGES.batch_chars) == (1, 5, 10_000)


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_attack_is_found_on_both_sides(side: Any, dialect: Dialect) -> None:
    (scores,) = said(dialect, Question((f"a text about [{ATTACK}]",), side))
    assert (scores.scores, scores.flags, scores.unseen) == ({}, {ATTACK: True}, frozenset())
    assert said(dialect, Question(("hello",), side))[0].flags == {ATTACK: False}


def test_the_second_of_five_documents_is_not_lost() -> None:
    five = Question(("a", "b [prompt_injection]", "c", "d", "e"))
    assert [one.flags for one in said(PAGES, five)] == [{ATTACK: text[0] == "b"} for text in five.texts]


def test_an_attack_in_the_empty_prompt_is_none_in_a_document() -> None:
    body = changed("userPromptAnalysis", "attackDetected", to=True)
    assert [one.flags for one in PAGES.read(GIVEN, told(body))] == [{ATTACK: False}] * 2
    assert DIALECT.read(HELLO, told(body))[0].flags == {ATTACK: True}


@pytest.mark.parametrize("analysis", [{}, [], 1, "false", {"attackDetected": "false"}, {"attackDetected": 0}])
def test_what_is_no_analysis_is_malformed(analysis: Any) -> None:
    assert reason(changed("userPromptAnalysis", to=analysis)) == "malformed"
    assert reason(changed("documentsAnalysis", 1, to=analysis), GIVEN, dialect=PAGES) == "malformed"
    assert reason(changed("documentsAnalysis", to={"0": analysis}), GIVEN, dialect=PAGES) == "malformed"


def test_what_is_missing_is_never_clean() -> None:
    assert reason(without("userPromptAnalysis")) == "malformed"
    assert reason(without("documentsAnalysis"), GIVEN, dialect=PAGES) == "malformed"
    assert reason(without("documentsAnalysis", 0), GIVEN, dialect=PAGES) == "malformed"
    assert reason(CLEAN, Question(("a",), "output")) == "malformed"
    assert reason(changed("documentsAnalysis", to=[]), GIVEN, dialect=PAGES) == "empty"


def test_the_limits_are_the_documented_ones() -> None:
    assert fake.answer(asked(DIALECT.query(Question(("\U0001f600" * 10_000,))))).status == 200
    assert fake.answer(asked(PAGES.query(Question(("a" * 2_000,) * 5)))).status == 200
    assert unsent(Question(("a" * 10_001,))) == unsent(Question(("a" * 10_001,), "output")) == "too_large"
    assert unsent(Question(("a" * 2_001,) * 5), PAGES) == "too_large"
    assert unsent(Question(("a",) * 6), PAGES) == unsent(Question(()), PAGES) == "malformed"
    assert unsent(Question(("a", "b"))) == unsent(Question(())) == "malformed"


def test_an_image_is_not_sent() -> None:
    assert unsent(Question((), image="data:image/png;base64,Y2FuYXJ5")) == "blind"


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="none of: attackDetected"):
        shield(ignore=frozenset({"canary"}))
    with pytest.raises(ValueError, match="leaves nothing"):
        shield(ignore=frozenset({"attackDetected"}))
    with pytest.raises(ValueError, match="API key"):
        AzurePromptShields(url=URL, api_key=" ")


def test_the_fake_refuses_what_the_document_does() -> None:
    query = DIALECT.query(HELLO)
    assert fake.answer(asked(AzurePromptShields(url=URL).query(HELLO))).status == 401
    for body in (
        {"userPrompt": "a"},
        {"userPrompt": "a", "documents": [1]},
        {"userPrompt": "a", "documents": ["b"] * 6},
    ):
        sent = Asked("POST", asked(query).path, dict(query.headers), json.dumps(body).encode())
        assert fake.answer(sent).status == 400


WORDS = ["userPromptAnalysis", "documentsAnalysis", "attackDetected"]


@given(replies(CLEAN, WORDS), st.sampled_from(QUESTIONS), st.sampled_from(DIALECTS))
def test_any_reply_is_read_as_one_scores_a_text_or_not_at_all(body: Any, question: Question, dialect: Dialect) -> None:
    holds(dialect, question, body)
