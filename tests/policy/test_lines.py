"""A policy that is read again asks its services no more than it did before: budgets, breakers and counts go on."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrail import Guard
from guardrail.policy.compile import load_plan
from guardrail.policy.lines import Lines
from tests.backends.plain import Server, serving

SERVICE = """{{use: http, url: "{url}", api_key: "{key}", body: {{texts: ["{{text}}"]}}, scores: {{violence: $.violence}},
        rate: {rate}, breaker: 2, attempts: 1, cache: never, timeout: {timeout}{more}}}"""
POLICY = f"""
guardrail: 1
name: {{name}}
checks:
  it: {SERVICE}
{{others}}
input: [{{listed}}]
rules:
  - {{{{when: violence, do: {{do}}}}}}
"""
COMBINED = {
    "listed": "all",
    "others": """
  other: {{use: http, url: "http://127.0.0.1:1", body: {{text: "{{text}}"}}, scores: {{violence: $.violence}}}}
  all: {{use: first, of: [it, other]}}""",
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        made.reply = lambda _: (200, {"violence": 0.1})
        yield made


def written(path: Path, server: Server, **changed: Any) -> Path:
    said = {
        "name": "first",
        "key": "key-0123456789",
        "rate": "3 requests/hour",
        "timeout": "2s",
        "more": "",
        "others": "",
    }
    said |= {"url": server.url, "listed": "it", "do": "refuse"}
    said |= changed
    path.write_text(POLICY.format(**{**said, "others": said["others"].format(**said)}))
    return path


@pytest.fixture
def path(tmp_path: Path, server: Server) -> Path:
    return written(tmp_path / "policy.yaml", server)


@pytest.fixture
def guard(path: Path) -> Iterator[Guard]:
    made = Guard.from_policy(path, log="none")
    yield made
    made.close()


def reasons(guard: Guard, *texts: str) -> list[str]:
    return [gap.reason for text in texts for gap in guard.check(text).not_evaluated]


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"name": "second"}, "over_budget"), ({"do": "flag", "timeout": "3s"}, "over_budget"), (COMBINED, "connect")],
)
def test_reading_a_policy_again_gives_no_more_requests(
    guard: Guard, path: Path, server: Server, changed: dict[str, str], why: str
) -> None:
    assert reasons(guard, "a", "b") == []
    written(path, server, **changed)
    guard.reload()
    assert reasons(guard, "c") == []
    guard.reload()
    assert reasons(guard, "d", "e") == [why, why]
    assert len(server.asked) == 3
    assert guard.stats()["backends"]["it"]["requests"] == 3


def test_a_service_that_is_left_alone_is_left_alone_still(guard: Guard, path: Path, server: Server) -> None:
    server.reply = lambda _: (500, {})
    assert reasons(guard, "a", "b") == ["status", "status"]
    written(path, server, name="second")
    guard.reload()
    assert reasons(guard, "c") == ["open"]
    assert guard.stats()["backends"]["it"]["opened"] == 1
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "changed", [{"key": "key-9876543210"}, {"rate": "4 requests/hour"}, {"more": ", concurrency: 2"}]
)
def test_another_account_or_other_terms_begin_anew(
    guard: Guard, path: Path, server: Server, changed: dict[str, str]
) -> None:
    assert reasons(guard, "a", "b", "c", "d") == ["over_budget"]
    written(path, server, **changed)
    guard.reload()
    assert reasons(guard, "e") == []


def test_two_checks_of_one_service_keep_each_its_own_line(path: Path, server: Server) -> None:
    written(path, server, listed="it, twin", others=f"  twin: {SERVICE}")
    before = load_plan(path, env={})
    after = load_plan(path, env={}, lines=before.lines)
    lines = [[plan.backends[name].asked.line for name in ("it", "twin")] for plan in (before, after)]  # type: ignore[attr-defined]
    assert lines[0] == lines[1]
    assert lines[0][0] is not lines[0][1]


def test_plans_of_the_past_are_not_kept(path: Path) -> None:
    plan = load_plan(path, env={})
    first = weakref.ref(plan.lines)
    for _ in range(3):
        plan = load_plan(path, env={}, lines=plan.lines)
    gc.collect()
    assert first() is None
    assert isinstance(plan.lines, Lines)
