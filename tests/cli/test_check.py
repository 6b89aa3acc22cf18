from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from guardrail.cli.main import main

Command = Callable[..., subprocess.CompletedProcess[bytes]]
NAMES = ["id", "action", "outcome", "text", "findings", "not_evaluated", "policy", "policy_hash", "would", "models"]
CARD = "my card is 4111 1111 1111 1111"
REFUSED = "GUARDRAIL-TEST-REFUSE"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(["check", "--log", "none", *arguments])
    shown = capsys.readouterr()
    assert shown.err == ""
    return status, shown.out


@pytest.mark.parametrize(
    ("text", "status", "action", "outcome"),
    [
        ("hello", 0, "allow", "allowed"),
        (CARD, 0, "redact", "changed"),
        (REFUSED, 1, "refuse", "refused"),
    ],
)
def test_json_has_the_published_names(
    text: str, status: int, action: str, outcome: str, capsys: pytest.CaptureFixture[str]
) -> None:
    got, out = run(capsys, "--json", text)
    assert got == status
    assert out.count("\n") == 1
    said = json.loads(out)
    assert list(said) == NAMES
    assert (said["action"], said["outcome"], said["policy"]) == (action, outcome, "default")


def test_the_table_has_the_same_names(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(capsys, CARD)
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert status == 0
    assert list(lines) == NAMES
    assert lines["text"] == "my card is [card]"
    assert lines["findings"] == "personal/card  1.00  11-30  personal"
    assert lines["would"] == "-"


def test_observe_never_fails(capsys: pytest.CaptureFixture[str]) -> None:
    status, out = run(capsys, "--json", "--policy", "observe", REFUSED)
    said = json.loads(out)
    assert (status, said["action"], said["would"], said["text"]) == (0, "allow", "refuse", REFUSED)


def test_direction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        "guardrail: 1\nchecks:\n  w: {use: words, words: [canary], category: custom/w}\n"
        "output: [w]\nrules: [{when: custom/w, do: refuse}]\n"
    )
    assert run(capsys, "--policy", str(policy), "a canary")[0] == 0
    assert run(capsys, "--policy", str(policy), "--direction", "output", "a canary")[0] == 1


def test_a_prompt_stands_beside_a_reply_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--direction", "output", "--prompt", "how are you", "fine")[0] == 0
    assert main(["check", "--prompt", "a canary", "fine"]) == 2
    said = capsys.readouterr().err
    assert "--direction output" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    ("mode", "on_error", "expected"),
    [("enforce", "refuse", 2), ("enforce", "flag", 2), ("enforce", "allow", 2), ("observe", "refuse", 0)],
)
def test_not_evaluated_is_trouble_where_it_is_enforced(
    mode: str,
    on_error: str,
    expected: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]  # closed again before anybody calls
    policy = tmp_path / "p.yaml"
    policy.write_text(
        f"guardrail: 1\nmode: {mode}\nchecks:\n"
        f"  far: {{use: openai, api_key: '${{A_KEY}}', url: 'http://127.0.0.1:{port}/v1/moderations', "
        f"timeout: 200ms, on_error: {on_error}}}\n"
        "input: [far]\nrules: [{when: harm, do: refuse}]\n"
    )
    monkeypatch.setenv("A_KEY", "sk-not-a-key-of-anybody")
    status, out = run(capsys, "--json", "--policy", str(policy), "hello")
    said = json.loads(out)
    assert status == expected
    assert said["outcome"] == "not_evaluated"
    assert said["not_evaluated"][0]["check"] == "far"


def test_standard_input(command: Command, folder: Path) -> None:
    for arguments in ([], ["-"]):
        done = command("check", "--json", *arguments, folder=folder, stdin=f"{CARD}\n".encode())
        assert done.returncode == 0
        assert json.loads(done.stdout)["text"] == "my card is [card]\n"
    assert (folder / "decisions.db").exists()


def test_standard_input_that_is_not_utf8(command: Command, tmp_path: Path) -> None:
    done = command("check", "--log", "none", folder=tmp_path, stdin=b"caf\xe9")
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr == b"guardrail: standard input is not UTF-8; convert it to UTF-8\n"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--policy", "no-such-policy", "hello"], "no policy of this name ships"),
        (["--policy", "./not-there.yaml", "hello"], "cannot be read"),
        (["--log", "nonsense", "hello"], "decision log"),
        (["--log", "sqlite:////proc/none/decisions.db", "hello"], "decision log"),
        (["\udcff"], "lone surrogate"),
    ],
)
def test_trouble_is_told_in_words(
    arguments: list[str], word: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("guardrail: ")
    assert word in shown.err
    assert "Traceback" not in shown.err


def test_nothing_in_the_output_moves_a_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a\x1b[2Jb\rc\nd\x07\x9b1m\u202ee\u2028f\x7fg\x00"
    for arguments in ([hostile], ["--json", hostile]):
        _, out = run(capsys, *arguments)
        assert all(line.isprintable() for line in out.splitlines())
    assert json.loads(out)["text"] == hostile
