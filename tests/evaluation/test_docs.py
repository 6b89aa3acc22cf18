"""docs/evaluation.md: its commands run on its own rows, and its policies load."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from guardrail.cli.main import main
from guardrail.evaluation.fairness import read_templates
from guardrail.evaluation.rows import COLUMNS

TEXT = (Path(__file__).parents[2] / "docs/evaluation.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_its_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (rows,) = blocks("jsonl")
    Path("data.jsonl").write_text(rows, encoding="utf-8")
    Path("own.yaml").write_text(blocks("yaml")[-1], encoding="utf-8")
    commands = [line.split("#")[0] for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 10
    for command in commands:
        status = main(shlex.split(command)[1:])
        shown = capsys.readouterr()
        assert status in (0, 1), (command, shown.err)
        assert not any(json.loads(row)["text"] in shown.out for row in rows.splitlines())
    assert {"my-policy.yaml", "report.html", "report.json"} <= {path.name for path in tmp_path.iterdir()}


def test_its_templates_and_names_are_those_of_the_code(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(blocks("yaml")[-1])
    assert read_templates(path).terms == ["northern", "southern"]
    assert all(f"`{name}`" in TEXT for name in COLUMNS)
    assert ", ".join(COLUMNS.values()) in TEXT.replace("\n", " ")
