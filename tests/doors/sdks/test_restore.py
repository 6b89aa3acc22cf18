"""What was masked in a prompt comes back to the SDK's caller, whole and streamed, in text and in arguments."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from .dialect import Dialect, Script
from .place import CHAT, MESSAGES, RESPONSES, Place, colours, hows, standing, ways
from .spoken import spoken

pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")

EMAIL, OTHER = "zork@example.org", "grue@example.net"
PROMPT = f"Write to {EMAIL}, not to {OTHER}."
POLICY = """
guardrail: 1
name: restoring
checks:
  personal: {use: personal-data, entities: [email]}
input:  [personal]
output: [personal]
rules:
  - {when: personal/email, do: redact, restore: true}
"""
SCRIPT = Script(
    ("I wrote to [", "emai", "l-1], as y", "ou [asked]; [email-2", "] was left out."),
    tool=('{"to": "[em', 'ail-1]", "not": ["[email-2]", "[email-3]"], ', '"n": 1}'),
)


@pytest.fixture(scope="module")
def restoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with standing(tmp_path_factory.mktemp("restoring"), POLICY) as made:
        yield made


@colours
@hows
@ways([CHAT, RESPONSES, MESSAGES])
def test_the_caller_reads_what_it_wrote_and_the_model_does_not(
    restoring: Place, dialect: Dialect, door: str, colour: str, how: str
) -> None:
    heard = restoring.ask(dialect, door, colour, how, PROMPT, SCRIPT)
    assert heard.error is None
    asked = json.dumps(restoring.upstream.asked)
    assert "Write to [email-1], not to [email-2]." in asked
    assert EMAIL not in asked
    assert OTHER not in asked
    said = spoken(dialect.name, heard.chunks)
    assert said.told["text 0"] == f"I wrote to {EMAIL}, as you [asked]; {OTHER} was left out."
    assert said.called() == {"to": EMAIL, "not": [OTHER, "[email-3]"], "n": 1}
    for where, repeats in said.repeated.items():
        assert set(repeats) == {said.told[where]}, where


@colours
@hows
@ways([CHAT, MESSAGES], ["client", "gateway"])
def test_an_address_of_the_model_s_own_is_masked_all_the_same(
    restoring: Place, dialect: Dialect, door: str, colour: str, how: str
) -> None:
    script = Script(
        (
            "Ask frobozz@exam",
            "ple.com or [email-1]",
        )
    )
    heard = restoring.ask(dialect, door, colour, how, PROMPT, script)
    said = spoken(dialect.name, heard.chunks)
    assert said.told["text 0"] == f"Ask [email] or {EMAIL}"
