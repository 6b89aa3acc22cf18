"""A backend that a package registers: found by its name, listed, and loaded when a policy names it and not before."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT

Run = Callable[..., subprocess.CompletedProcess[bytes]]

MODULE = """
import pathlib
from guardrail.checks.protocol import Scores

pathlib.Path("loaded").touch()


class Canary:
    name, categories = "canary", frozenset({"custom/canary"})
    points = {point: {"custom/canary": 0.5} for point in ("lenient", "balanced", "strict")}
    longest, stride, inline, remote = 1000, 200, 0, False

    def __init__(self, word):
        self.word = word

    def moderate(self, texts):
        yield from ()
        return [Scores({"custom/canary": float(self.word in text)}) for text in texts]
"""

POLICY = """
guardrail: 1
checks:
  it: {use: python, backend: %s, options: {word: tweet}}
input: [it]
rules:
  - {when: custom/canary, do: refuse}
"""


@pytest.fixture
def run(tmp_path: Path, command: Run) -> Run:
    """``guardrail`` where the package is installed: what an installer leaves of one, on the path."""
    site, work = tmp_path / "site", tmp_path / "work"
    about = site / "guardrail_canary-1.0.dist-info"
    about.mkdir(parents=True)
    work.mkdir()
    (site / "guardrail_canary.py").write_text(MODULE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: guardrail-canary\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[guardrail.backends]\ncanary = guardrail_canary:Canary\n")
    path = os.pathsep.join([str(ROOT), str(site)])

    def within(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return command(*arguments, folder=work, PYTHONPATH=path)

    return within


def policy(folder: Path, name: str = "canary") -> str:
    (folder / "p.yaml").write_text(POLICY % name)
    return str(folder / "p.yaml")


def test_a_policy_that_names_it_judges_by_it(run: Run, tmp_path: Path) -> None:
    check = ("check", "--log", "none", "--json", "--policy", policy(tmp_path))
    done = run(*check, "a canary will tweet")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (1, "refused"), done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["category"], finding["score"]) == ("custom/canary", 1.0)
    done = run(*check, "a canary will sing")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (0, "allowed"), done.stderr


def test_it_is_listed_and_not_loaded_for_that(run: Run, tmp_path: Path) -> None:
    done = run("backends")
    assert [line for line in done.stdout.decode().splitlines() if line.startswith("python: canary ")]
    listed = json.loads(run("backends", "--json").stdout)
    assert [one for one in listed if one["use"].startswith("python")] == [{"use": "python: canary", "installed": True}]
    assert run("check", "--log", "none", "hello").returncode == 0
    assert not (tmp_path / "work" / "loaded").exists()
    assert run("policy", "check", policy(tmp_path)).returncode == 0
    assert (tmp_path / "work" / "loaded").exists()


def test_a_name_that_nobody_registered_is_said_with_those_there_are(run: Run, tmp_path: Path) -> None:
    done = run("policy", "check", policy(tmp_path, "canaries"))
    assert done.returncode == 2
    assert "no package has an entry point `canaries`" in (said := (done.stdout + done.stderr).decode())
    assert "there are: canary" in said
    assert "p.yaml:4" in said
