"""The embedded model alone: CPU a text by tier and length, throughput in batches, load time, memory, size.

One thread. Beside each length stands the fast tier on the same texts; the plain word model of a library
is compared for quality in the model card, not here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from guardrail.local import LocalModeration, calibration, encoder, fast

from .checks import calls_of
from .measure import Effort, middle, progress, quantile, turn_by_turn
from .processes import output
from .rows import Aim, Row
from .texts import prose

_LENGTHS = (60, 500, 4_000, 32_000)
_TIERS: dict[str, str | None] = {"fast": "fast", "accurate": "accurate", "cascade": None}
_BATCH, _BATCHED = 64, 200
_SCRIPT = """
import sys, time, json
def resident():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmRSS:"))
from guardrail.local import LocalModeration
import numpy
began, before = time.perf_counter(), resident()
model = LocalModeration(*sys.argv[1:])
model.tiers
loaded = time.perf_counter()
model.score(["A first text, to have everything loaded. You fool."])
print(json.dumps({"load": loaded - began, "first": time.perf_counter() - loaded, "memory": resident() - before}))
"""


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    models = {name: LocalModeration(tier) for name, tier in _TIERS.items()}
    medians: dict[tuple[str, int], float] = {}
    for length in _LENGTHS:
        progress(f"local: {length:,} characters")
        texts = prose(length)
        functions = {name: calls_of(partial(_one, model), texts) for name, model in models.items()}
        taken = turn_by_turn(functions, effort, clock=time.thread_time)
        for name, samples in taken.items():
            values = [seconds * 1e3 for seconds in samples]
            medians[name, length] = middle(values)
            aim = Aim(1.0) if (name, length) == ("fast", 500) else None
            notes: dict[str, str | float | None] = {"p95": quantile(values, 0.95)}
            if name == "cascade":
                notes["encoder asked"] = f"{_asked(models[name], texts)} of {len(texts)} texts"
            beside = [seconds * 1e3 for seconds in taken["fast"]]
            yield Row(
                "local",
                f"{length:,} characters, {name}",
                "ms CPU",
                middle(values),
                middle(beside),
                "the fast tier",
                aim,
                notes,
                {"guarded": values, "bare": beside},
            )
    for name in _TIERS:
        grown = medians[name, 32_000] / medians[name, 4_000]
        yield Row(
            "local", f"32,000 characters beside 4,000, {name}", "times", grown, 8.0, "8 times the text", Aim(10.0)
        )
    for name, model in models.items():
        progress(f"local: batches, {name}")
        batch = [text for text in prose(_BATCHED) for _ in range(_BATCH)][:_BATCH]
        taken = turn_by_turn({name: partial(_batches, model, batch)}, effort)
        rates = [_BATCH / seconds for seconds in taken[name]]
        yield Row("local", f"batches of {_BATCH} texts of {_BATCHED} characters, {name}", "texts/s", middle(rates))
    yield from _loaded(effort)
    sizes = {
        "fast": fast.ARTIFACT.stat().st_size,
        "accurate": encoder.GRAPH.stat().st_size + encoder.TOKENIZER.stat().st_size,
    }
    for name, limit in (("fast", 7.0), ("accurate", 18.0)):
        yield Row("local", f"size in the wheel, {name}", "MB", sizes[name] / 1e6, None, "", Aim(limit))
    about = calibration.FILE.stat().st_size
    yield Row(
        "local", "size in the wheel, both and what they say of themselves", "MB", (sum(sizes.values()) + about) / 1e6
    )


def _batches(model: LocalModeration, batch: list[str], count: int) -> None:
    for _ in range(count):
        model.score(batch)


def _one(model: LocalModeration, text: str) -> None:
    model.score([text])


def _asked(model: LocalModeration, texts: list[str]) -> int:
    return sum(found.tier == calibration.ACCURATE for found in model.tiers.score(texts))


def _loaded(effort: Effort) -> Iterator[Row]:
    for name, tier in _TIERS.items():
        progress(f"local: loading, {name}")
        words = [tier] if tier else []
        runs: list[dict[str, Any]] = [
            json.loads(output(["-c", _SCRIPT, *words], timeout=60)) for _ in range(effort.processes + 1)
        ][1:]
        times = [run["load"] * 1e3 for run in runs]
        yield Row("local", f"loading, {name}", "ms", middle(times), None, "", Aim(300.0), {}, {"guarded": times})
        yield Row("local", f"memory when loaded and used, {name}", "MB", middle([run["memory"] for run in runs]))
