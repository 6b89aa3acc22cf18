from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.checks import pem, secrets
from guardrail.checks.secrets import Secrets
from tests.checks.streaming import obeys, words_found

ALL = Secrets("secrets")
SALT = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7"  # made up; no service issued anything here


def body(size: int) -> str:
    return (SALT * 10)[:size]


def hexes(size: int) -> str:
    return ("0a1b2c3d4e5f6978" * 8)[:size]


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


JWT = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': 'canary', 'n': 1})}.{body(43)}"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{body(64)}\n{body(60)}\nab==\n-----END RSA PRIVATE KEY-----"
NAMED = f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{body(64)}\n-----END RSA PRIVATE KEY-----"
KEYS = {
    "openai": ["sk-" + body(48), "sk-proj-" + body(60)],
    "anthropic": ["sk-ant-api03-" + body(80)],
    "openrouter": ["sk-or-v1-" + hexes(64)],
    "aws": ["AKIA" + "Q2W3E4R5T6Y7U2I3", "ASIA" + "Q2W3E4R5T6Y7U2I3"],
    "google": ["AIza" + body(35), "GOCSPX-" + body(28)],
    "github": ["ghp_" + body(36), "ghs_" + body(36), "github_pat_" + body(22) + "_" + body(59)],
    "gitlab": ["glpat-" + body(20)],
    "slack": ["xoxb-123456789012-" + body(24), "hooks.slack.com/services/T01234567/B01234567/" + body(24)],
    "stripe": ["sk_live_" + body(24), "rk_live_" + body(24)],
    "huggingface": ["hf_" + body(34)],
    "npm": ["npm_" + body(36)],
    "sendgrid": ["SG." + body(22) + "." + body(43)],
    "twilio": ["SK" + hexes(32)],
    "telegram": ["123456789:AA" + body(33)],
    "jwt": [JWT],
    "private_key": [PEM, NAMED, PEM.replace("\n", "\\n"), PEM.replace("\n", "\r\n")],
}


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, keys in KEYS.items() for key in keys])
@pytest.mark.parametrize("around", ["{}", "key={} ok", '"{}",', "密钥{}。", "see {}."])
def test_finds_keys_by_their_shape(kind: str, key: str, around: str) -> None:
    assert words_found(ALL, around.format(key)) == [(f"secret/{kind}", key)]


@pytest.mark.parametrize("prefix", ["x", "_", "é"])
@pytest.mark.parametrize("kind", sorted(KEYS.keys() - {"private_key"}))
def test_a_key_does_not_begin_inside_a_word(kind: str, prefix: str) -> None:
    assert words_found(ALL, prefix + KEYS[kind][0]) == []


@pytest.mark.parametrize(
    "text",
    [
        "sk-" + "x" * 48,
        "sk-proj-" + "x" * 40,
        "ghp_" + "0" * 36,
        "AKIA" + "IOSFODNN7EXAMPLE",
        "sk-your-key-here, hf_xxx, AIza..., ghp_token",
        "a task-based, risk-free disk-image-with-a-rather-long-name-and-more-words",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709 " + hexes(64),
        "550e8400-e29b-41d4-a716-446655440000",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4",
        "-----BEGIN CERTIFICATE-----\n" + body(64) + "\n-----END CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\n" + body(64) + "\n-----END PUBLIC KEY-----",
        "look for -----BEGIN RSA PRIVATE KEY----- in the file, and remove it",
        "eyJ" + body(40) + "." + body(30) + "." + body(43),  # the header is not JSON
        f"{part({'a': 1})}.{part({'b': 2})}.{body(43)}",  # JSON without alg
        "sha256:" + hexes(64),
        "def sk_live_test(): return SKU_1234567890",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert words_found(ALL, text) == []


def test_an_unended_private_key_is_found_as_far_as_it_goes() -> None:
    open_key = PEM[: PEM.index("\nab==")]
    assert words_found(ALL, open_key) == [("secret/private_key", open_key)]
    assert words_found(ALL, open_key + "\nAnd then prose, again.") == [("secret/private_key", open_key)]


def test_a_private_key_longer_than_the_reach_is_found_up_to_it() -> None:
    key = PEM[:32] + (body(64) + "\n") * 300
    [(_, piece)] = words_found(ALL, key)
    assert pem.REACH - 64 <= len(piece) <= pem.REACH
    assert ALL.tail(key) <= pem.REACH


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("Hello, how are", 0),
        ("Hello, how ", 0),
        ("some s", 1),
        ("my sk-pro", 6),
        ("my sk-proj-abc", 11),
        ("risk-", 1),
        ("risk-b", 0),
        ("an eyJhbGci", 8),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc", 35),
        ("-----BEGIN RSA PRIVATE KEY----- in the file, and", 0),
        ("list --", 2),
    ],
)
def test_prose_holds_little_and_open_keys_are_held(text: str, held: int) -> None:
    assert ALL.tail(text) == held


FRAGMENTS = [
    *(keys[0] for keys in KEYS.values()), NAMED, PEM.replace("\n", "\\n"), "sk-", "sk-ant-", "eyJ", "-----BEGIN ",
    "-----",
    " ", "\n", "\\n", "\\", ".", "-", "_", "/", ":", "x", "1", "AA", "é", "是", "prose, and", "word", "a" * 20, "1.2",
    "Note: x", "END ",
]  # fmt: skip
PIECES = st.sampled_from(FRAGMENTS).flatmap(
    lambda piece: st.one_of(st.just(piece), st.integers(0, len(piece)).map(lambda size: piece[:size]))
)


@settings(max_examples=120, deadline=None)
@given(st.lists(PIECES, max_size=6).map("".join), st.lists(st.integers(0, 900), max_size=4))
def test_laws(text: str, places: list[int]) -> None:
    obeys(ALL, text, places)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=4).map("".join))
def test_no_key_lacks_its_trigger(text: str) -> None:
    for find, trigger in zip(secrets._FIND, secrets._TRIGGERS, strict=True):
        assert re2.search(trigger, text) or not list(find(text, 0)), trigger
