"""``use: judge`` of a reasoning model, over a real connection: what it refuses is not sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guardrail import Guard, Outcome
from guardrail.errors import PolicyError
from guardrail.policy.load import load
from tests.backends.fakes.judge import KEY, REASONER
from tests.backends.fakes.loopback import Fake, served

POLICY = """
guardrail: 1
checks:
  it: {{use: judge, url: {url}/v1, api_key: {key}, model: {model}{more}}}
input: [it]
rules:
  - {{when: violence, do: refuse}}
"""


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with served("judge") as fake:
        yield fake


def policy(folder: Path, more: str, url: str = "http://127.0.0.1:1") -> Path:
    path = folder / "p.yaml"
    path.write_text(POLICY.format(url=url, key=KEY, model=REASONER, more=more), encoding="utf-8")
    return path


def outcome(source: Path, text: str) -> str:
    guard = Guard.from_policy(source, log="none")
    try:
        return guard.check(text).outcome
    finally:
        guard.close()


def test_no_temperature_is_sent_and_the_bound_by_its_new_name(tmp_path: Path, model: Fake) -> None:
    source = policy(tmp_path, ", reasoning: true, body: {reasoning_effort: low}", model.base)
    assert outcome(source, "a text about [violence]") is Outcome.REFUSED
    assert outcome(source, "a text about nothing") is Outcome.ALLOWED
    for body in model.bodies():
        assert not {"temperature", "max_tokens"} & body.keys()
        assert (body["max_completion_tokens"] > 8000, body["reasoning_effort"]) == (True, "low")


def test_asked_as_any_other_it_is_not_evaluated(tmp_path: Path, model: Fake) -> None:
    assert outcome(policy(tmp_path, "", model.base), "a text about nothing") is Outcome.NOT_EVALUATED
    assert {"temperature", "max_tokens"} <= model.bodies()[0].keys()


def test_a_key_of_the_judges_own_is_the_policys_mistake(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"p\.yaml:4.*`body` has temperature") as caught:
        Guard.from_policy(policy(tmp_path, ", body: {temperature: 1, user: canary}"), log="none")
    assert "canary" not in str(caught.value)


def test_what_may_hold_a_key_is_in_no_representation(tmp_path: Path) -> None:
    loaded = load(policy(tmp_path, ", body: {user: canary}"), env={})
    assert "canary" not in repr(loaded) + repr(loaded.spec)
