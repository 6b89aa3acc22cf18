from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from guardrail.cli.main import main
from guardrail.store.recorder import Recorder
from guardrail.verdict import Action, Decision, Finding, Gap, Outcome

NAMES = ["id", "action", "outcome", "text", "findings", "not_evaluated", "policy", "policy_hash", "would", "models"]
MORE = ["time", "door", "wire", "route", "status", "ended", "spent"]
ONE = Decision(
    id="0" * 32,
    action=Action.REDACT,
    outcome=Outcome.CHANGED,
    text=None,
    findings=(Finding("personal/card", 1.0, 0, 19, "personal"),),
    not_evaluated=(),
    policy="default",
    policy_hash="f" * 64,
    time=1_700_000_000.25,
    door="gateway",
    wire="openai.chat",
    route="POST /v1/chat/completions",
    status=200,
)
HOSTILE = (
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "line\nline",
    "over\rwritten",
    "back\b\b\bspace",
    "\x00",
    "\x7f",
    "\u202eright to left",
    "\u2066isolate",
    "\u2028separator",
    "\ufeffmark",
    "\U000e0041tag",
    "=cmd()",
    "<script>",
    '"quote"},{',
    "世界",
    "e\u0301",
)


def kept(folder: Path, decisions: Sequence[Decision]) -> str:
    url = f"sqlite:///{folder / 'kept.db'}"
    recorder = Recorder(url)
    for decision in decisions:
        recorder.submit(decision).result(10)
    recorder.close()
    return url


def many(count: int) -> list[Decision]:
    return [replace(ONE, id=f"{n:032x}", time=ONE.time + n) for n in range(count)]


def test_json_has_the_published_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "show", "--json", "--log", kept(folder, [ONE])]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == NAMES + MORE
    assert said["time"] == "2023-11-14T22:13:20.250Z"
    assert {name: said[name] for name in NAMES} == ONE.public()
    assert [said[name] for name in MORE[1:]] == [
        "gateway",
        "openai.chat",
        "POST /v1/chat/completions",
        200,
        "complete",
        None,
    ]


def test_the_latest_come_last(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = kept(folder, many(5))
    main(["log", "show", "--json", "--limit", "2", "--log", url])
    said = [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert said == [f"{3:032x}", f"{4:032x}"]


def test_the_table(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    observed = replace(
        ONE,
        id="1" * 32,
        time=ONE.time + 1,
        action=Action.ALLOW,
        would=Action.REFUSE,
        findings=(),
        not_evaluated=(Gap("harm", "timeout"), Gap("harm", "timeout")),
        outcome=Outcome.NOT_EVALUATED,
    )
    main(["log", "show", "--log", kept(folder, [ONE, observed])])
    head, first, second = (re.split(r"  +", line) for line in capsys.readouterr().out.splitlines())
    assert head == ["time", "action", "outcome", "status", "ended", "route", "found", "id"]
    assert first == [
        "2023-11-14T22:13:20Z",
        "redact",
        "changed",
        "200",
        "complete",
        "POST /v1/chat/completions",
        "personal/card",
        "0" * 32,
    ]
    assert second[1:3] == ["would refuse", "not_evaluated"]
    assert second[6] == "not evaluated (harm: timeout)"


@pytest.mark.parametrize("columns", [80, 100, 132])
def test_the_table_fits_the_terminal(
    columns: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    main(["log", "show", "--log", kept(folder, many(3))])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert max(map(len, lines)) <= columns
    assert all("redact" in line and "2023-11-14T22:13:2" in line for line in lines[1:])


def test_where_there_is_no_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "show"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, "no log there yet" in shown.err) == ("", True)
    assert list(folder.iterdir()) == []
    assert main(["log", "show", "--log", "none"]) == 2


@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_limit_that_is_none(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["log", "show", "--limit", limit])
    assert end.value.code == 2


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_in_any_field_is_harmless(
    hostile: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    row = replace(
        ONE,
        id=f"id {hostile}",
        text=f"text {hostile}",
        findings=(Finding(f"custom/{hostile}", 1.0, 0, 1, hostile),),
        not_evaluated=(Gap(hostile, hostile, hostile),),
        policy=hostile,
        wire=hostile,
        route=hostile,
        ended=hostile,
    )
    url = kept(folder, [row])
    main(["log", "show", "--log", url])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    main(["log", "show", "--json", "--log", url])
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert out[:-1].isprintable()
    said = json.loads(out)
    expected = {**row.public(), "route": row.route, "ended": row.ended}
    assert {name: said[name] for name in expected} == expected
