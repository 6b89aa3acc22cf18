"""The README's own words: its Python runs, its policy loads, its commands exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from guardrail import Guard
from guardrail.policy.plan import Patience

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_examples_run(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", blocks("yaml"))
def test_policy_examples_load(text: str, tmp_path: Path) -> None:
    path = tmp_path / "my-app.yaml"
    path.write_text(text, encoding="utf-8")
    guard = Guard.from_policy(path, log="none")
    assert guard.check("say foo").outcome == "refused"
    assert guard.check("see TICKET-123456").text == "see [redacted]"


STREAMS = (ROOT / "docs/streams.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"^```yaml\n(.*?)^```", STREAMS, re.MULTILINE | re.DOTALL))
def test_policies_about_streams_load(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    path = tmp_path / "my-app.yaml"
    path.write_text(text, encoding="utf-8")
    plan = Guard.from_policy(path, log="none").plan
    assert plan.patience == Patience()
    if "restore" in text:
        assert plan.reversible
    if "buffer" in text:
        streaming = plan.output.streaming
        assert streaming.hold
        assert streaming.after is not None
        assert [m.name for m in streaming.after.moderators] == ["service"]


def test_commands_exist() -> None:
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    commands = {tuple(shlex.split(line)[:2]) for line in lines if line.startswith("guardrail ")}
    assert commands == {("guardrail", "serve"), ("guardrail", "check"), ("guardrail", "log")}
    for _, command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "guardrail.cli", command, "--help"],
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0


def test_files_it_points_to_exist() -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_figures_are_the_last_run_s() -> None:
    from bench import readme

    assert readme.written(README) == README
