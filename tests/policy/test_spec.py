"""The spelling of single values, and the schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from guardrail.policy import schema, services, spec, units

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("written", "size"),
    [("10MiB", 10 * 2**20), ("64kB", 64_000), ("64 KB", 64_000), ("1.5kB", 1500), ("2G", 2 * 10**9), ("7", 7), (9, 9)],
)
def test_sizes(written: object, size: int) -> None:
    assert units.size(written) == size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("2s", 2.0), ("500ms", 0.5), ("1m", 60.0), ("1.5 s", 1.5), (3, 3.0), (0.25, 0.25), ("4", 4.0)],
)
def test_durations(written: object, seconds: float) -> None:
    assert units.duration(written) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("written", "count", "seconds"),
    [
        ("60 requests/minute", 60, 60),
        ("1 request/second", 1, 1),
        ("9 requests/hour", 9, 3600),
        ("9 requests/day", 9, 86400),
    ],
)
def test_rates(written: str, count: int, seconds: int) -> None:
    rate = units.rate(written)
    assert (rate.count, rate.seconds) == (count, seconds)


def policy(**parts: Any) -> spec.Policy:
    return spec.Policy.model_validate({"guardrail": 1, **parts})


@pytest.mark.parametrize(
    "parts",
    [
        {"caps": {"body": "10 MiBs"}},
        {"caps": {"body": -1}},
        {"caps": {"body": "2GiB"}},
        {"caps": {"body": True}},
        {"caps": {"chars": True}},
        {"caps": {"chars": 0}},
        {"caps": {"messages": "many"}},
        {"limits": [{"per": "user", "take": "60/minute"}]},
        {"limits": [{"per": "user", "take": "0 requests/minute"}]},
        {"limits": [{"per": "team", "take": "6 requests/minute"}]},
        {"rules": [{"when": "harm", "do": "allow"}]},
        {"rules": [{"when": [], "do": "flag"}]},
        {"rules": [{"when": "harm", "do": "refuse", "at_least": 0}]},
        {"rules": [{"when": "harm", "do": "refuse", "at_least": 1.01}]},
        {"rules": [{"when": "harm", "do": "refuse", "at_least": True}]},
        {"rules": [{"when": "harm", "do": "refuse", "at_least": float("nan")}]},
        {"rules": [{"when": "harm", "do": "refuse", "at_least": 0.5, "point": "strict"}]},
        {"rules": [{"when": "harm", "do": "refuse", "mask": "x"}]},
        {"rules": [{"when": "harm", "do": "flag", "say": "crisis"}]},
        {"checks": {"Bad_Name": {"use": "secrets"}}},
        {"checks": {"a": {"use": "secrets", "on": ["users"]}}},
        {"checks": {"a": {"use": "secrets", "on": []}}},
        {"checks": {"a": {"use": "words", "category": "custom/a"}}},
        {"checks": {"a": {"use": "words", "words": ["  "], "category": "custom/a"}}},
        {"checks": {"a": {"use": "words", "words": ["b"], "category": "a"}}},
        {"checks": {"a": {"use": "words", "words": ["b"], "category": "custom/A b"}}},
        {"checks": {"a": {"use": "patterns", "patterns": [], "category": "custom/a"}}},
        {"checks": {"a": {"use": "personal-data", "entities": ["passport"]}}},
        {"checks": {"a": {"use": "openai"}}},
        {"checks": {"a": {"use": "openai", "api_key": "two words"}}},
        {"checks": {"a": {"use": "openai", "api_key": "k", "timeout": "0s"}}},
        {"checks": {"a": {"use": "openai", "api_key": "k", "url": "ftp://x"}}},
        {"checks": {"a": {"use": "openai", "api_key": "k", "url": "https://u:p@x/"}}},
        {"checks": {"a": {"use": "openai", "api_key": "k", "url": "https://x:99999/"}}},
        {"identity": {"from": ["cookie"]}},
        {"identity": {"from": [{"header": "x-user"}]}},
        {"identity": {"from": [{"header": "x-user", "trusted": []}]}},
        {"identity": {"from": [{"header": "x-user", "trusted": ["10.0.0.0/99"]}]}},
        {"identity": {"from": [{"header": "x user", "trusted": ["10.0.0.0/8"]}]}},
        {"identity": {"secret": "short"}},
        {"identity": {"forward": "user"}},
        {"paths": {"skip": ["static"]}},
        {"refusals": {"language": "english!"}},
        {"refusals": {"texts": {"default": {"en": ""}}}},
        {"custom": [{"path": "/chat"}]},
        {"custom": [{"path": "/chat", "request": {"user": ["message"]}}]},
        {"custom": [{"path": "/chat", "request": {"somebody": ["$.message"]}}]},
        {"unclaimed": "block"},
        {"nonsense": 1},
    ],
)
def test_what_does_not_fit_is_refused(parts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        policy(**parts)


def test_the_whole_spelling_is_understood() -> None:
    whole = policy(
        name="my-app",
        paths={"skip": ["/static"]},
        checks={
            "words": {"use": "words", "words": ["foo"], "category": "custom/w", "on": ["user", "tool_result"]},
            "tickets": {"use": "patterns", "patterns": [r"\bT-\d{6}\b"], "category": "custom/t", "longest": 200},
            "remote": {"use": "openai", "api_key": "k" * 20, "timeout": "2s", "on_error": "flag"},
        },
        rules=[{"when": "custom/t", "do": "redact", "mask": "[ticket]"}],
        identity={"from": [{"header": "X-User-Id", "trusted": ["10.0.0.1"]}, "scope", "api-key"], "secret": "s" * 16},
        limits=[{"per": "key", "take": "5 requests/second"}],
        custom=[{"path": "/chat", "request": {"user": ["$.message", "$.a[*]['b c'][0]"]}}],
    )
    header = whole.identity.sources[0]
    assert isinstance(header, spec.HeaderSource)
    assert (header.header, header.trusted) == ("x-user-id", ("10.0.0.1/32",))
    assert whole.identity.sources[1:] == ("scope", "api-key")
    assert whole.rules[0].when == ("custom/t",)
    remote = whole.checks["remote"]
    assert isinstance(remote, services.OpenAICheck)
    assert remote.api_key.get_secret_value() == "k" * 20
    assert "k" * 20 not in repr(whole)
    assert "s" * 16 not in repr(whole)


def test_the_published_schema_is_the_one_of_these_types() -> None:
    path = REPOSITORY / "docs" / "policy.schema.json"
    assert path.read_text(encoding="utf-8") == schema.text(), "run: python -m guardrail.policy.schema > " + str(path)


def test_every_key_in_the_schema_is_described() -> None:
    published = spec.json_schema()
    parts = [published, *(part for name, part in published["$defs"].items() if name != "Kind")]
    bare = [key for part in parts for key, value in part["properties"].items() if not value.get("description")]
    assert [key for key in bare if key != "use"] == []
