"""What the tests of the decision log share: how a decision is made, and a log's URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrail.store.recorder import Recorder
from guardrail.verdict import Action, Decision, Outcome

Make = Callable[..., Decision]


@pytest.fixture
def make() -> Make:
    def make(id: str = "one", **others: Any) -> Decision:
        values = {
            "action": Action.ALLOW,
            "outcome": Outcome.ALLOWED,
            "text": None,
            "findings": (),
            "not_evaluated": (),
            "policy": "my-app",
            "policy_hash": "0" * 64,
            "time": 1_700_000_000.25,
        }
        return Decision(id=id, **(values | others))

    return make


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/log.db"


@pytest.fixture
def recorder(url: str) -> Iterator[Recorder]:
    recorder = Recorder(url)
    yield recorder
    recorder.close(10)
