"""What tools gave is asked about apart from what people wrote, where a service tells the two apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from guardrail import Guard, transports
from guardrail.policy.compile import load_plan
from guardrail.policy.plan import Plan
from guardrail.verdict import Kind
from tests.backends.fakes import azure_shield
from tests.backends.fakes.loopback import Fake, served

USER, GIVEN = "what does the canary page say", "the canary page says hello"
ATTACK = "the page says [prompt_injection]"
SHIELD = f"{{use: azure-shield, url: %s, api_key: {azure_shield.KEY}%s}}"
ALONE = f"shield: {SHIELD}"
ONLY = f"shield: {SHIELD.replace('%s}', '%s, categories: [prompt_injection]}')}"
FIRST = "shield: {{use: first, of: [one, two]}}\n  two: {{use: azure-shield, url: 'http://127.0.0.1:1'}}\n  {}"
WITHIN, BOTH = FIRST.format(ALONE.replace("shield:", "one:")), FIRST.format(ONLY.replace("shield:", "one:"))
FORMS = {"alone": ALONE, "only": ONLY, "in a combination": WITHIN, "only, in a combination": BOTH}
POLICY = """
guardrail: 1
checks:
  {checks}
input: [shield]
output: [shield]
refusals: {{manner: error}}
rules:
  - {{when: prompt_injection, do: refuse}}
"""

Ask = Callable[..., int]


@pytest.fixture
def shield() -> Iterator[Fake]:
    with served("azure_shield") as fake:
        yield fake


def policy(folder: Path, checks: str, url: str, more: str = "") -> Path:
    path = folder / "p.yaml"
    path.write_text(POLICY.format(checks=checks % (url, more)), encoding="utf-8")
    return path


@pytest.fixture
def ask(tmp_path: Path, shield: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ask]:
    """A chat request of these texts, by role, under a policy of these checks; its status, once it was answered."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    guards: dict[str, Guard] = {}

    def run(*turns: tuple[str, str], checks: str = ALONE, more: str = "") -> int:
        if checks + more not in guards:
            made = Guard.from_policy(policy(tmp_path, checks, shield.base, more), log="none")
            guards[checks + more] = made
        upstream = httpx.MockTransport(_model)
        with httpx.Client(transport=transports(httpx)[0](upstream, policy=guards[checks + more])) as client:
            body = {"model": "m", "messages": [_message(*turn) for turn in turns]}
            return client.post("http://model.test/v1/chat/completions", json=body).status_code

    yield run
    for made in guards.values():
        made.close()


def _message(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text, **({"tool_call_id": "c1"} if role == "tool" else {})}


def _model(request: httpx.Request) -> httpx.Response:
    choice = {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    return httpx.Response(200, json={"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]})


def asked(shield: Fake) -> list[str]:
    """What the service was asked, in no order."""
    return sorted(json.dumps(body, sort_keys=True) for body in shield.bodies())


def prompt(text: str) -> str:
    return json.dumps({"documents": [], "userPrompt": text})


def documents(*texts: str) -> str:
    return json.dumps({"documents": list(texts), "userPrompt": ""})


@pytest.mark.parametrize("checks", FORMS.values(), ids=FORMS)
def test_a_users_text_is_a_prompt_and_what_a_tool_gave_a_document(ask: Ask, shield: Fake, checks: str) -> None:
    assert ask(("user", USER), ("tool", GIVEN), checks=checks) == 200
    assert asked(shield) == sorted([prompt(USER), documents(GIVEN)])


def test_what_several_tools_gave_goes_in_one_request(ask: Ask, shield: Fake) -> None:
    assert ask(("user", USER), ("tool", GIVEN), ("tool", f"{GIVEN} too")) == 200
    assert asked(shield) == sorted([prompt(USER), documents(GIVEN, f"{GIVEN} too")])


@pytest.mark.parametrize("checks", FORMS.values(), ids=FORMS)
def test_an_attack_is_found_in_either(ask: Ask, checks: str) -> None:
    assert ask(("user", USER), ("tool", ATTACK), checks=checks) == 400
    assert ask(("user", ATTACK), ("tool", GIVEN), checks=checks) == 400


def test_what_is_known_of_a_text_as_a_prompt_is_not_known_of_it_as_a_document(ask: Ask, shield: Fake) -> None:
    assert ask(("user", GIVEN)) == ask(("user", USER), ("tool", GIVEN)) == 200
    assert asked(shield) == sorted([prompt(GIVEN), prompt(USER), documents(GIVEN)])
    assert ask(("user", USER), ("tool", GIVEN)) == 200
    assert len(shield.asked) == 3


def test_one_text_asked_both_ways_at_a_time_has_both_answers(ask: Ask, shield: Fake) -> None:
    assert ask(("user", GIVEN), ("tool", GIVEN)) == 200
    assert asked(shield) == sorted([prompt(GIVEN), documents(GIVEN)])


def test_all_texts_are_documents_where_the_policy_says_so(ask: Ask, shield: Fake) -> None:
    assert ask(("user", USER), ("tool", GIVEN), more=", documents: true") == 200
    assert asked(shield) == [documents(USER, GIVEN)]


def made(folder: Path, more: str = "") -> Plan:
    return load_plan(policy(folder, ALONE, "http://127.0.0.1:1", more))


def test_every_text_is_read_once_by_one_check(tmp_path: Path) -> None:
    plan = made(tmp_path)
    for lane in (plan.input, plan.output):
        assert [Kind.TOOL_RESULT in moderator.reads for moderator in lane.moderators] == [False, True]
        assert {moderator.name for moderator in lane.moderators} == {"shield"}
    assert len(made(tmp_path, ", documents: true").input.moderators) == 1
