"""What it costs to be there: import, the default policy, the first check; each in a fresh process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .measure import Effort, middle, progress
from .processes import output
from .rows import Aim, Row

_SCRIPT = """
import sys, time
def resident():
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmRSS:"))
    except OSError:
        return float("nan")
before, began = resident(), time.perf_counter()
import guardrail
imported, after = time.perf_counter(), resident()
heavy = sorted({"httpx", "httpx2", "numpy", "sqlalchemy", "pydantic"} & set(sys.modules))
again = time.perf_counter()
from guardrail import Guard, GuardrailMiddleware, guard, transports
named = time.perf_counter()
made = Guard.from_policy("default", log="none")
compiled = time.perf_counter()
made.check("A first text, to have everything loaded.")
checked = time.perf_counter()
import json
print(json.dumps({"import": imported - began, "names": named - again, "policy": compiled - named,
                  "first": checked - compiled, "heavy": heavy, "before": before, "after": after, "work": resident()}))
"""
_NAMES = {
    "import": "import guardrail",
    "names": "then the first use of all doors' names",
    "policy": 'then Guard.from_policy("default")',
    "first": "then the first check, which loads the model",
}
_AIMS = {"import": Aim(80.0)}


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    progress("import: fresh processes")
    _fresh()  # so that compiled files and the page cache are there
    runs = [_fresh() for _ in range(effort.processes)]
    for key, name in _NAMES.items():
        times = [run[key] * 1e3 for run in runs]
        notes = {"heavy modules": ", ".join(runs[0]["heavy"]) or "none"} if key == "import" else {}
        yield Row("import", name, "ms", middle(times), None, "", _AIMS.get(key), notes, {"guarded": times})
    before = [run["before"] for run in runs]
    for key, name in (("after", "memory after the import"), ("work", "memory after the first check")):
        sizes = [run[key] for run in runs]
        yield Row(
            "import",
            name,
            "MB",
            middle(sizes),
            middle(before),
            "bare Python",
            samples={"guarded": sizes, "bare": before},
        )


def _fresh() -> dict[str, Any]:
    run: dict[str, Any] = json.loads(output(["-c", _SCRIPT], timeout=60))
    return run
