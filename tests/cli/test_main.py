from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from guardrail import __version__
from guardrail.cli.main import main

Command = Callable[..., subprocess.CompletedProcess[bytes]]
HEAVY = {"numpy", "sqlalchemy", "httpx", "pydantic", "ruamel", "limits", "starlette", "uvicorn", "asyncio"}


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom guardrail.cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)\n"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in done.stdout for name in ("check", "serve", "log", "policy"))
    assert not HEAVY & {name.partition(".")[0] for name in done.stderr.split()}


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"guardrail {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["check", "--direction", "sideways"],
        ["serve"],
        ["serve", "--upstream", "demo", "--port", "70000"],
    ],
)
def test_arguments_that_cannot_be_read(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_fault(folder: Path) -> None:
    for _ in range(2):
        main(["check", "hello"])
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "guardrail.cli", "log", "show"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert done.returncode == 128 + 13
    assert done.stderr == b""


def test_a_terminal_without_unicode_is_no_reason_to_fail(command: Command, tmp_path: Path) -> None:
    done = command("check", "--log", "none", "Grüße 世界", folder=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert rb"Gr\xfc\xdfe \u4e16\u754c" in done.stdout
