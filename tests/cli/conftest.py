"""The command as a process of its own, and as a call."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0  # seconds; only a failing test waits as long
Start = Callable[..., "Served"]


class Served:
    """A running ``guardrail serve``."""

    def __init__(self, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "guardrail.cli", "serve", "--port", "0", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(stream, name), daemon=True)
            for name, stream in (("out", self.process.stdout), ("err", self.process.stderr))
        ]
        self.out: list[str] = []
        for reader in self._readers:
            reader.start()
        self.url = self.said("listening on ").removeprefix("listening on ")

    def _read(self, stream: Iterator[str], name: str) -> None:
        for line in stream:
            if name == "out":
                self.out.append(line.rstrip("\n"))
            self._lines.put(line.rstrip("\n"))
        if name == "err":
            self._lines.put(None)

    def said(self, word: str) -> str:
        """The next line, on either stream, with this word in it."""
        seen: list[str] = []
        while (line := self._next()) is not None:
            seen.append(line)
            if word in line:
                return line
        self.end()
        pytest.fail(f"never said {word!r}, but:\n" + "\n".join(seen))

    def _next(self) -> str | None:
        """None: it has ended, or takes too long."""
        try:
            return self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            return None

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends it, and gives its exit status."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return status

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts gateways, each in a folder of its own unless told which, and ends them with the module."""
    running: list[Served] = []

    def run(*arguments: str, folder: Path | None = None, env: dict[str, str] | None = None) -> Served:
        served = Served(folder or tmp_path_factory.mktemp("served"), *arguments, env=env)
        running.append(served)
        return served

    yield run
    for served in running:
        served.end()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, and no log named by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GUARDRAIL_LOG", raising=False)
    return tmp_path


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """``guardrail`` as a process that runs to its end."""

    def run(*arguments: str, folder: Path, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "guardrail.cli", *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            input=stdin,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    return run
