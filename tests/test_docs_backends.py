"""docs/backends.md: its policies load, its table names every backend, its example keeps the contract."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from guardrail import Guard
from guardrail.backends.catalogue import entries

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/backends.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
def test_its_policies_load(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    guard = Guard.from_policy(path, log="none")
    assert guard.plan.backends
    guard.close()


def test_every_backend_is_named_in_it() -> None:
    assert [entry.word for entry in entries() if entry.card is not None and f"`{entry.word}`" not in TEXT] == []


def test_the_example_works_in_a_policy_and_keeps_the_contract() -> None:
    guard = Guard.from_policy(ROOT / "examples/backend/policy.yaml", log="none")
    assert guard.check("WHERE IS MY SOUP").action.word == "flag"
    assert guard.check("Where is my soup?").action.word == "allow"
    guard.close()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", "examples/backend"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "9 passed" in done.stdout
