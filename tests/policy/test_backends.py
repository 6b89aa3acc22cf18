"""Checks that ask services, in a policy: what they make, what is wrong with them, and what comes of their failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrail.backends.catalogue import DIALECTS
from guardrail.backends.combined import Combined
from guardrail.backends.only import Only
from guardrail.backends.remote import RemoteBackend
from guardrail.checks.protocol import Counted
from guardrail.errors import PolicyError
from guardrail.policy.compile import load_plan
from guardrail.policy.load import load
from guardrail.policy.plan import Plan
from guardrail.policy.services import ServiceCheck
from guardrail.policy.spec import CHECKS
from guardrail.verdict import Action

URL = "http://127.0.0.1:1"
OPTIONS: dict[str, str] = {
    "openai": "api_key: sk-test-0123456789abcdef",
    "mistral": "api_key: sk-test-0123456789abcdef",
    "azure": f"url: {URL}, api_key: key-0123456789",
    "azure-shield": f"url: {URL}, api_key: key-0123456789",
    "model-armor": "template: projects/p/locations/europe-west4/templates/t, api_key: token-0123456789",
    "bedrock": "region: eu-central-1, guardrail: abcdef123456",
    "presidio": f"url: {URL}",
    "fms": f"url: {URL}, detector: toxic, means: {{toxic: toxicity}}",
    "http": f"url: {URL}, body: {{text: '{{text}}'}}, scores: {{violence: $.violence}}",
    "llama-guard": f"url: {URL}/v1, ignore: [S6]",
    "shieldgemma": f"url: {URL}/v1",
    "nemotron": f"url: {URL}/v1",
    "granite-guardian": f"url: {URL}/v1",
    "qwen3guard": f"url: {URL}/v1",
    "gpt-oss-safeguard": f"url: {URL}/v1, policy: Say 1 for rudeness and 0 otherwise, category: custom/rude",
    "judge": f"url: {URL}/v1, model: some-model",
}


def plan(tmp_path: Path, checks: str, *, when: str = "harm", more: str = "") -> Plan:
    path = tmp_path / "p.yaml"
    listed = checks.strip().split(":")[0]
    more = more or f"input: [{listed}]\noutput: [{listed}]"
    path.write_text(f"guardrail: 1\nchecks:\n  {checks.strip()}\n{more}\nrules:\n  - {{when: {when}, do: refuse}}\n")
    return load_plan(path, env={})


def wrong(tmp_path: Path, checks: str, **options: Any) -> str:
    with pytest.raises(PolicyError) as caught:
        plan(tmp_path, checks, **options)
    return str(caught.value)


def test_every_service_of_the_specification_has_a_dialect_and_an_example_here() -> None:
    services = {word for word, kind in CHECKS.items() if issubclass(kind, ServiceCheck)}
    assert services == set(DIALECTS) == set(OPTIONS)


@pytest.mark.parametrize("word", sorted(OPTIONS))
def test_every_service_is_made_from_a_policy(tmp_path: Path, word: str) -> None:
    when = {
        "presidio": "personal",
        "fms": "toxicity",
        "azure-shield": "prompt_injection",
        "gpt-oss-safeguard": "custom/rude",
    }
    made = plan(tmp_path, f"it: {{use: {word}, {OPTIONS[word]}}}", when=when.get(word, "harm"))
    backend = made.backends["it"]
    assert isinstance(backend, RemoteBackend)
    assert isinstance(backend, Counted)
    assert backend.remote
    assert backend.categories
    assert made.hash not in str(backend.__dict__)


@pytest.mark.parametrize("word", sorted(OPTIONS))
def test_no_error_about_a_service_shows_its_key(tmp_path: Path, word: str) -> None:
    """Also where something else is wrong with it."""
    said = wrong(
        tmp_path,
        f"it: {{use: {word}, {OPTIONS[word]}, timeout: soon, api_key: 'sk canary zq7x'}}".replace(
            "api_key: sk-test-0123456789abcdef, ", ""
        )
        .replace("api_key: key-0123456789, ", "")
        .replace("api_key: token-0123456789, ", ""),
    )
    assert "zq7x" not in said
    assert "duration" in said


def test_the_servicess_own_mistakes_are_the_policys(tmp_path: Path) -> None:
    said = wrong(tmp_path, f"it: {{use: llama-guard, url: {URL}/v1, ignore: [S66]}}")
    assert "p.yaml:3" in said
    assert "S1" in said


def test_a_rule_that_no_backend_can_meet_and_a_backend_that_no_rule_is_about(tmp_path: Path) -> None:
    azure = f"it: {{use: azure, url: {URL}, api_key: key-0123456789}}"
    said = wrong(tmp_path, azure, when="[sexual, illicit]")
    assert "no listed check can find `illicit`" in said
    assert "it judges hate, self-harm, sexual, violence" in said
    assert "no rule is about what the check `it` finds" in wrong(tmp_path, azure, when="personal/email")


def test_only_wanted_categories_are_heard(tmp_path: Path) -> None:
    made = plan(
        tmp_path, "it: {use: openai, api_key: sk-test-0123456789abcdef, categories: [sexual, hate/threatening]}"
    )
    backend = made.backends["it"]
    assert isinstance(backend, Only)
    assert backend.categories == {"sexual", "sexual/minors", "hate/threatening"}
    said = wrong(tmp_path, "it: {use: openai, api_key: sk-test-0123456789abcdef, categories: [prompt_injection]}")
    assert "`categories` has nothing that openai judges" in said


def test_a_fail_mode_for_each_direction(tmp_path: Path) -> None:
    made = plan(
        tmp_path, "it: {use: openai, api_key: sk-test-0123456789abcdef, on_error: {input: flag, output: allow}}"
    )
    assert (made.input.on_error, made.output.on_error) == ({"it": Action.FLAG}, {"it": Action.ALLOW})


PAIR = f"""
  quick: {{use: local, tier: fast}}
  deep: {{use: openai, api_key: sk-test-0123456789abcdef, url: {URL}/v1/moderations}}
"""


def test_checks_that_are_put_together_need_not_be_listed(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        f"harm: {{use: first, of: [quick, deep], unsure: {{low: 0.2, high: 0.8}}}}{PAIR}",
        more="input: [harm]\noutput: [harm]",
    )
    backend = made.backends["harm"]
    assert isinstance(backend, Combined)
    assert [member.name for member in backend.members] == ["quick", "deep"]
    assert backend.between == (0.2, 0.8)
    assert [moderator.name for moderator in made.output.moderators] == ["harm", "harm"]  # what tools gave is apart
    assert set(made.backends) == {"harm", "quick", "deep"}


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ("harm: {use: any, of: [quick, dep]}" + PAIR, "Did you mean `deep`?"),
        ("harm: {use: any, of: [quick, harm]}" + PAIR, "the check `harm` is a part of itself"),
        ("harm: {use: any, of: [quick, quick]}" + PAIR, "names a check twice"),
        ("harm: {use: any, of: [quick]}" + PAIR, "needs at least 2"),
        (
            "harm: {use: any, of: [quick, w]}" + PAIR + "  w: {use: words, words: [x], category: custom/x}",
            "asks no model",
        ),
        ("harm: {use: all, of: [quick, deep], unsure: {}}" + PAIR, "only `use: first` has"),
        ("harm: {use: all, of: [quick, deep], weights: {quick: 2}}" + PAIR, "only `use: weighted` has"),
        ("harm: {use: weighted, of: [quick, deep], weights: {dep: 2}}" + PAIR, "not under `of`"),
        ("harm: {use: local, on_error: next}", "no other is asked after it"),
        (
            "harm: {use: any, of: [quick, last]}" + PAIR + "  last: {use: local, on_error: {output: flag}}",
            "whose own `on_error` says what comes of a failure",
        ),
        ("harm: {use: first, of: [quick, last]}" + PAIR + "  last: {use: local, on_error: next}", "no other is asked"),
    ],
)
def test_what_cannot_be_put_together_is_said(tmp_path: Path, checks: str, said: str) -> None:
    assert said in wrong(tmp_path, checks, more="input: [harm]")


def test_next_is_a_word_for_those_that_another_follows(tmp_path: Path) -> None:
    quick = "quick: {use: local, tier: fast, on_error: next}"
    checks = f"harm: {{use: first, of: [quick, last]}}\n  {quick}\n  last: {{use: local, tier: fast}}"
    assert plan(tmp_path, checks, more="input: [harm]").input.on_error == {"harm": Action.REFUSE}


PLUGIN = "it: {{use: python, backend: '{}'}}"


def test_a_backend_of_ones_own_by_dotted_path(tmp_path: Path) -> None:
    made = plan(tmp_path, "it: {use: python, backend: 'guardrail.local.backend:LocalBackend', options: {tier: fast}}")
    assert made.backends["it"].name == "local"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("tests.policy.broken:Thing", "cannot be imported: RuntimeError"),
        ("nowhere.at_all:Thing", "cannot be imported"),
        ("guardrail.local.backend:Nothing", "has no `Nothing`"),
        ("builtins:dict", "is no backend"),
        ("guardrail.backends.judge:Judge", "failed as it was made"),
        ("not-registered", "no package has an entry point"),
    ],
)
def test_what_is_no_backend_is_said(tmp_path: Path, path: str, said: str) -> None:
    assert said in wrong(tmp_path, PLUGIN.format(path))


def test_a_rule_about_what_the_local_model_is_not_listened_to_about_is_said(tmp_path: Path) -> None:
    assert "no listed check can find" in wrong(tmp_path, "it: {use: local, categories: [violence]}", when="sexual")


def test_all_of_a_policys_models_have_the_time_that_they_are_given(tmp_path: Path) -> None:
    guard = f"it: {{use: llama-guard, url: {URL}/v1, timeout: 30s}}"
    assert plan(tmp_path, guard).input.deadline > 30
    assert plan(tmp_path, "it: {use: local, tier: fast}").input.deadline == 10
    two = f"harm: {{use: first, of: [it, other]}}\n  {guard}\n  {guard.replace('it:', 'other:')}"
    assert plan(tmp_path, two, more="input: [harm]").input.deadline > 60


def test_a_check_that_judges_nothing_of_replies_is_said_however_it_is_wrapped(tmp_path: Path) -> None:
    jailbreak = f"{{use: granite-guardian, url: {URL}/v1, criteria: [jailbreak], categories: [prompt_injection]}}"
    assert "judges nothing of what a model writes" in wrong(tmp_path, f"it: {jailbreak}", when="prompt_injection")
    both = f"it: {{use: all, of: [a, b]}}\n  a: {jailbreak}\n  b: {jailbreak}"
    assert "judges nothing of what a model writes" in wrong(
        tmp_path, both, when="prompt_injection", more="input: [it]\noutput: [it]"
    )


def test_what_may_hold_a_key_is_in_no_representation(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "guardrail: 1\nchecks:\n"
        f"  it: {{use: http, url: {URL}, headers: {{x-key: canary}}, body: {{k: canary}}, scores: {{violence: $.v}}}}\n"
        "  own: {use: python, backend: 'a.b:c', options: {key: canary}}\n"
        "input: [it, own]\nrules: [{when: harm, do: refuse}]\n"
    )
    loaded = load(tmp_path / "p.yaml", env={})
    assert "canary" not in repr(loaded) + repr(loaded.spec)
