"""What the figures were taken on: machine, load, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_LIBRARIES = (
    "ahocorasick-rs",
    "google-re2",
    "httptools",
    "httpx",
    "httpx-aiohttp",
    "msgspec",
    "numpy",
    "openai",
    "pydantic",
    "sqlalchemy",
    "starlette",
    "uvicorn",
    "uvloop",
)


def facts() -> dict[str, Any]:
    """Read before anything is measured: the load average is that of the machine without the bench."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}",
        "model": _model(),
        "cores": os.cpu_count(),
        "cores usable": len(cores()),
        "load average": load(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


def quiet(load_average: list[float]) -> bool:
    """Was the machine idle enough for figures to be quoted? (Half a core's worth of other work.)"""
    return bool(load_average) and load_average[0] <= 0.5


def load() -> list[float]:
    return [round(value, 2) for value in os.getloadavg()] if hasattr(os, "getloadavg") else []


def cores() -> list[int]:
    """The cores this process may use; empty where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def _commit() -> str:
    try:
        head = _git("rev-parse", "--verify", "--quiet", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain") else "") if head else "none"
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, capture_output=True, text=True, timeout=10, check=False
    ).stdout.strip()


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
