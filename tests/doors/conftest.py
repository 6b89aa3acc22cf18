"""A scripted model on loopback, and policies with canary words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from guardrail import Guard

from .servers import Model, serving

POLICY = """
guardrail: 1
name: canaries
checks:
  bad:    {use: words, words: [forbidden, zap word], category: custom/bad}
  ticket: {use: patterns, patterns: ['\\bTICKET-\\d{6}\\b'], category: custom/ticket}
  personal: {use: personal-data}
input:  [bad, ticket, personal]
output: [bad, ticket, personal]
rules:
  - {when: custom/bad, do: refuse}
  - {when: custom/ticket, do: redact}
  - {when: personal/card, do: redact}
  - {when: personal, do: flag}
"""


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def upstream(model: Model) -> Iterator[str]:
    with serving(model.app()) as url:
        yield url


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def log(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'decisions.db'}"


@pytest.fixture
def guard_(policy: Path, log: str) -> Iterator[Guard]:
    guard = Guard.from_policy(policy, log=log)
    yield guard
    guard.close()
