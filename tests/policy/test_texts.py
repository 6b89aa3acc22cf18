"""Refusal texts: there in every language, filled in literally, in the language a caller likes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.policy.texts import Texts, choose_language, shipped

TEMPLATES = ("default", "crisis", "review", "limited", "identity", "bad_request", "too_large", "unavailable")
LANGUAGES = ("en", "es", "fr", "de", "pt", "hi", "ar", "zh", "ja")


def test_the_templates_that_ship() -> None:
    assert sorted(shipped()) == sorted(TEMPLATES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_exists_in_every_language_with_its_slots(template: str, language: str) -> None:
    text = shipped()[template][language]
    slots = {"{id}"} if template != "bad_request" else set()
    slots |= {"crisis": {"{resource}"}, "limited": {"{retry_after}"}}.get(template, set())
    assert all(text.count(slot) == 1 for slot in slots)
    assert text.count("{") == len(slots)
    filled = Texts().render(template, language, id="d-1", retry_after=30)
    assert "{" not in filled
    assert ("d-1" in filled) is ("{id}" in slots)
    assert language == "en" or filled != Texts().render(template, "en", id="d-1", retry_after=30)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_crisis_text_names_whom_to_turn_to(language: str) -> None:
    own = Texts(crisis_resource="call 555-0100").render("crisis", language, id="x")
    assert "call 555-0100" in own
    assert Texts().render("crisis", language, id="x") != own


@pytest.mark.parametrize(
    "text",
    [
        "{x.__class__}",
        "{id.__class__}",
        "{0}",
        "{}",
        "{{id}}",
        "%s %(id)s",
        "{id!r}",
        "${HOME}",
        "{id:>10}",
        "{unknown}",
        "\\1 \\g<0>",
    ],
)
def test_what_is_not_exactly_a_slot_stays_as_written(text: str) -> None:
    rendered = Texts({"default": {"en": text}}).render("default", "en", id="ID")
    assert rendered == text.replace("{id}", "ID")


@given(st.text(), st.text())
def test_slot_values_are_never_read_as_slots(id: str, resource: str) -> None:
    text = "{id}|{resource}"
    rendered = Texts({"t": {"en": text}}).render("t", "en", id=id or "-", resource=resource or "-")
    assert rendered == f"{id or '-'}|{resource or '-'}".strip()


def test_a_line_without_its_value_is_left_out() -> None:
    rendered = Texts().render("limited", "en")
    assert "again in" not in rendered
    assert "Reference" not in rendered
    assert rendered


def test_a_text_is_never_emptied_for_want_of_a_value() -> None:
    assert Texts({"default": {"en": "No. {id}"}}).render("default", "en") == "No."


def test_an_own_text_replaces_the_shipped_one_in_its_language_only() -> None:
    texts = Texts({"default": {"en": "Nope."}})
    assert texts.render("default", "en") == "Nope."
    assert texts.render("default", "de", id="x") == Texts().render("default", "de", id="x")
    assert texts.render("review", "en", id="x") == Texts().render("review", "en", id="x")


def test_what_does_not_exist_falls_back() -> None:
    texts = Texts({"sale": {"de": "Nein."}}, language="de")
    assert texts.render("sale", "fr") == "Nein."
    assert texts.render("nothing-such", "fr", id="x") == Texts().render("default", "fr", id="x")
    assert texts.render("default", "sv", id="x") == Texts().render("default", "de", id="x")
    assert Texts(language="sv").render("default", "sv", id="x") == Texts().render("default", "en", id="x")
    assert "fr" not in texts.languages("sale")
    assert texts.languages("sale") == ("de",)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("pt-BR", "pt"),
        ("zh-Hans-CN", "zh"),
        ("zh-Hant-x-private", "zh"),
        ("fr;q=0.5, de;q=0.9", "de"),
        ("fr, de", "fr"),
        ("sv, fr;q=0.1", "fr"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("de;q=0", "en"),
        ("de-AT;q=0", "en"),
        ("de-AT, de;q=0", "en"),
        ("*", "en"),
        ("*;q=0.5, ja;q=0.1", "ja"),
        ("de-;q=0.8, ja", "ja"),
        ("de;q=2, ja;q=0.1", "ja"),
        ("de;q=x, ja;q=0.1", "ja"),
        ("de;q=0.5;q=1, ja;q=0.1", "ja"),
        (",,;;q=,fr", "fr"),
        ("deu-nonsense-toolongsubtag, es", "es"),
        ("fr ; q=0.3 , es ; q=0.4", "es"),
        ("x" * 5000 + ",de", "en"),
    ],
)
def test_the_language_a_caller_likes_best(accept: str | None, expected: str) -> None:
    assert choose_language(accept, "en", LANGUAGES) == expected


def test_without_a_match_the_policy_decides() -> None:
    assert choose_language("sv", "de-AT", LANGUAGES) == "de"
    assert choose_language("sv", "no", LANGUAGES) == "en"
    assert choose_language("sv", "no", ("fr",)) == "fr"
    assert choose_language("pt-BR", "en", ("en", "pt", "PT-br")) == "PT-br"


@given(st.text(), st.sets(st.sampled_from(LANGUAGES), min_size=1))
def test_any_header_gives_an_available_language(accept: str, available: set[str]) -> None:
    assert choose_language(accept, "en", sorted(available)) in available
