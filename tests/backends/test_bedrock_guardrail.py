from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from guardrail.backends.bedrock_guardrail import CARD, MAX_IMAGE
from guardrail.backends.bedrock_names import CONFIDENCE, FILTERS, KNOWN, PII
from guardrail.backends.dialect import UNNAMED, Question, Side
from guardrail.errors import NotEvaluated
from guardrail.policy import taxonomy

from .fakes import bedrock_guardrail as fake
from .fakes.bedrock_guardrail import BASE, applied, asked, found, judge

SIDES: tuple[Side, ...] = ("input", "output")
LOW, MEDIUM, HIGH = CONFIDENCE["LOW"], CONFIDENCE["MEDIUM"], CONFIDENCE["HIGH"]


def picture(mark: str = "", kind: str = "png") -> str:
    held = base64.b64encode(b"\x89PNG " + mark.encode()).decode()
    return f"data:image/{kind};base64,{held}"


@pytest.mark.parametrize(
    ("category", "side"),
    [(name, side) for name in fake.MEANS for side in SIDES if side == "input" or name not in fake.INPUT_ONLY],
)
def test_each_category_alone_is_found(category: str, side: Side) -> None:
    said = judge(f"a text about [{category}]", side)
    assert found(said) == {category}
    assert {name for name, score in said.scores.items() if score} == {category}
    assert said.scores[category] == 1.0
    assert said.unseen == (frozenset() if side == "input" else {"prompt_injection"})


def test_a_clean_text_gives_nothing() -> None:
    said = judge("a text")
    assert found(said) == set()
    assert not any(said.scores.values())
    assert {*FILTERS.values(), *fake.PII, "custom/fiduciary-advice", UNNAMED} <= set(said.scores)
    assert (said.unseen, said.spans, said.model) == (frozenset(), {}, f"{fake.GUARDRAIL}:{fake.VERSION}")


def test_prompt_attacks_are_not_looked_for_in_what_models_write() -> None:
    said = judge("a text [prompt_injection]", "output")
    assert found(said) == set()
    assert "prompt_injection" not in said.scores
    assert said.unseen == {"prompt_injection"}
    assert judge("a text", "output", ignore=frozenset({"PROMPT_ATTACK"})).unseen == frozenset()


def test_it_is_a_dialect_and_its_names_are_ours() -> None:
    dialect = fake.dialect(BASE)
    assert dialect.categories == dialect.card.categories
    assert set(fake.MEANS) | {UNNAMED, "custom/ungrounded", "custom/irrelevant"} <= dialect.categories
    assert (dialect.batch, dialect.slow, dialect.model) == (1, True, f"{fake.GUARDRAIL}:{fake.VERSION}")
    assert (CARD.verified, CARD.extra, sorted(CARD.modalities)) == ("document", "bedrock", ["image", "text"])
    for name in dialect.categories:
        assert taxonomy.known(name) or taxonomy.CUSTOM_NAME.fullmatch(name)


def test_the_names_are_those_of_the_service_model() -> None:
    model = fake.service_model()
    assert set(FILTERS) == set(model.shape_for("GuardrailContentFilterType").enum)
    assert set(CONFIDENCE) == set(model.shape_for("GuardrailContentFilterConfidence").enum)
    assert set(PII) == set(model.shape_for("GuardrailPiiEntityType").enum)
    assert set(model.shape_for("GuardrailContextualGroundingFilterType").enum) <= KNOWN
    assert set(model.shape_for("GuardrailManagedWordType").enum) <= KNOWN


@pytest.mark.parametrize("side", SIDES)
def test_the_request_is_the_documented_one(side: Side) -> None:
    query = fake.dialect(f"{BASE}/").query(Question(("zwei \U0001f600",), side))
    assert query.method == "POST"
    assert query.url == (
        f"{BASE}/guardrail/arn:aws:bedrock:us-east-1:123456789012:guardrail%2Fgr0canary1/version/3/apply"
    )
    assert json.loads(query.body) == {
        "source": side.upper(),
        "content": [{"text": {"text": "zwei \U0001f600"}}],
        "outputScope": "FULL",
    }
    assert {name for name, _ in query.headers} == {
        "authorization",
        "content-type",
        "x-amz-date",
        "x-amz-security-token",
    }


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"region": "US East"}, "region"),
        ({"region": "evil.example/"}, "region"),
        ({"guardrail": "../x"}, "guardrail"),
        ({"guardrail": ""}, "guardrail"),
        ({"version": "0"}, "version"),
        ({"version": "latest"}, "version"),
        ({"ignore": frozenset({"HATRED"})}, "HATRED.*Known are:.*HATE"),
        ({"topics": ["\u7a0e"]}, "letter"),
        ({"api_key": "\n"}, "API key"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        fake.guardrail(BASE, **options)


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("HATE", {"hate"}),
        ("EMAIL", {"personal/email"}),
        ("PROFANITY", {"custom/profanity"}),
        ("contentPolicy", set(FILTERS.values())),
        ("topicPolicy", {"custom/topic", "custom/fiduciary-advice"}),
        ("wordPolicy", {"custom/word", "custom/profanity"}),
        ("sensitiveInformationPolicy", {*fake.PII, "custom/regex", "custom/ticket"}),
    ],
)
def test_what_is_ignored_is_not_heard(name: str, gone: set[str]) -> None:
    dialect = fake.guardrail(BASE, ignore=frozenset({name}))
    assert dialect.categories.isdisjoint(gone)
    assert dialect.points is not None
    assert set(dialect.points["balanced"]) == dialect.categories == dialect.card.categories
    text = " ".join(f"[{category}]" for category in gone)
    said = judge(f"{text} [violence]", ignore=frozenset({name}))
    assert found(said) == {"violence"} - gone
    assert gone.isdisjoint({*said.scores, *said.unseen})
    # That the guardrail stepped in is explained by what is not listened to.
    assert not found(judge(text, ignore=frozenset({name})))


def test_two_names_of_one_category_are_ignored_one_by_one() -> None:
    dialect = fake.guardrail(BASE, ignore=frozenset({"PASSWORD"}))
    assert "secret" in dialect.categories
    assert found(judge("[secret]", ignore=frozenset({"PASSWORD"}))) == {"secret"}


def test_the_operating_points_are_levels_of_confidence() -> None:
    points = fake.dialect(BASE).points
    assert points is not None
    assert [points[point]["hate"] for point in ("lenient", "balanced", "strict")] == [HIGH, MEDIUM, LOW]
    assert {points[point]["personal/email"] for point in points} == {1.0}
    levels = [CONFIDENCE[name] for name in ("NONE", "LOW", "MEDIUM", "HIGH")]
    assert levels == sorted(set(levels))
    for point, least in (("lenient", "HIGH"), ("balanced", "MEDIUM"), ("strict", "LOW")):
        passed = [name for name in CONFIDENCE if CONFIDENCE[name] >= points[point]["violence"]]
        assert passed[0] == least


@pytest.mark.parametrize("mark", ["", "[violence]"])
@pytest.mark.parametrize("texts", [(), ("a [personal/email]",)])
@pytest.mark.parametrize("kind", ["png", "jpeg", "jpg"])
def test_an_image_goes_with_the_text_beside_it(kind: str, texts: tuple[str, ...], mark: str) -> None:
    dialect = fake.dialect(BASE)
    question = Question(texts, image=picture(mark, kind))
    body = json.loads(dialect.query(question).body)
    assert body["content"][-1]["image"]["format"] == ("png" if kind == "png" else "jpeg")
    said = applied(dialect, question)
    assert found(said) == {name for name in ("violence", "personal/email") if name in f"{mark}{texts}"}
    assert said.unseen == dialect.categories - set(FILTERS.values()) - {UNNAMED}


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("https://example.com/canary.png", "blind"),
        ("data:image/gif;base64,R0lGOD", "blind"),
        ("data:image/webp;base64,UklGR", "blind"),
        ("data:text/plain;base64,YQ==", "blind"),
        ("canary", "blind"),
        ("data:image/png;base64,canary!", "malformed"),
        ("data:image/png;base64,", "malformed"),
        ("data:image/png,YQ==", "malformed"),
        ("data:image/png;base64," + "A" * (MAX_IMAGE * 4 // 3 + 8), "too_large"),
    ],
)
def test_what_is_no_image_for_it_is_not_sent(image: str, why: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        fake.dialect(BASE).query(Question((), image=image))
    assert caught.value.reason == why
    assert "canary" not in str(caught.value)


def test_the_largest_image_is_sent() -> None:
    image = "data:image/png;base64," + base64.b64encode(b"x" * MAX_IMAGE).decode()
    assert fake.answer(asked(fake.dialect(BASE).query(Question((), image=image)))).status == 200


def test_what_is_no_single_text_is_not_sent() -> None:
    for question in (Question(()), Question(("a", "b")), Question(("canary \ud800",))):
        with pytest.raises(NotEvaluated) as caught:
            fake.dialect(BASE).query(question)
        assert caught.value.reason == "malformed"
        assert "canary" not in str(caught.value)


def test_no_key_is_shown() -> None:
    dialect = fake.dialect(BASE)
    assert "canary" not in repr(dialect.query(Question(("canary",)))).replace("gr0canary1", "")
