from __future__ import annotations

from pathlib import Path

import pytest

from guardrail import Guard
from guardrail.cli.main import main


def test_a_policy_that_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "check", "strict"]) == 0
    assert capsys.readouterr().out == f"ok  strict  {Guard.from_policy('strict', log='none').plan.hash}\n"


def test_all_problems_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("guardrail: 1\nnonsense: true\nmode: sometimes\ninput: [absent]\n")
    assert main(["policy", "check", str(policy)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    for where in (":2:", ":3:"):
        assert f"{policy}{where}" in shown.err


def test_what_only_compiling_can_see(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        "guardrail: 1\nchecks:\n  w: {use: words, words: [canary], category: custom/w}\n"
        "input: [w]\nrules: [{when: custom/w, do: redact, mask: canary}]\n"
    )
    assert main(["policy", "check", str(policy)]) == 2
    assert "would find the mask itself" in capsys.readouterr().err
