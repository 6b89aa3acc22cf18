"""Servers and load generators as processes of their own: started, pinned to a core, measured, ended."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from .machine import ROOT

_READY = "listening on "
_PATIENCE = 20
"""Seconds a server has to end by itself."""


@contextlib.contextmanager
def servers(each: Sequence[Sequence[str]], core: int | None, errors: IO[bytes]) -> Iterator[list[tuple[str, int]]]:
    """Run ``python -m words...`` for each, wait for their lines "listening on URL", give URLs and process ids; end
    them."""
    running: list[subprocess.Popen[str]] = []
    try:
        for words in each:
            command = [sys.executable, "-m", *words]
            running.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True))
            pin(running[-1].pid, core)
        addresses = []
        for process, words in zip(running, each, strict=True):
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith(_READY):
                raise RuntimeError(f"`python -m {' '.join(words)}` did not start; see {errors.name}")
            addresses.append((line.removeprefix(_READY).strip(), process.pid))
        yield addresses
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


@contextlib.contextmanager
def server(words: Sequence[str], core: int | None, errors: IO[bytes]) -> Iterator[tuple[str, int]]:
    """One of them."""
    with servers([words], core, errors) as addresses:
        yield addresses[0]


def output(words: Sequence[str], timeout: float) -> str:
    """What ``python words...`` prints. Raises CalledProcessError, with its errors on ours."""
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=timeout, check=True
    ).stdout


def pin(pid: int, core: int | None) -> None:
    """Keep a process (0: this one) on one core, where the system can; what it starts later stays there too."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {core})


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process so far, user and system (proc(5), fields 14 and 15).

    nan where the system does not say.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return math.nan
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int | str = "self") -> float:
    """Resident memory in MB (10^6 bytes); nan where the system does not say."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return math.nan
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmRSS:")), math.nan)
