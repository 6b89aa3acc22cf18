"""``guardrail serve`` as a process on a core of its own, under 16 clients, beside its bare upstream."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .machine import cores
from .measure import Effort, middle, progress
from .model import CANARY_PIECES, LEAKY, PATH, requests, said
from .processes import output, resident_mb, server
from .rows import Aim, Row

CLIENTS = 16
_AIMS = {
    "answers": Aim(2_000.0, "786, the best peer", "at least"),
    "streams": Aim(170.0, "8, the best peer without a leak (89 with)", "at least"),
}
_GUARDED = {
    "no log": ("exact", "none"),
    "logged to SQLite": ("exact", "sqlite"),
    "exact and local, logged to SQLite": ("local", "sqlite"),
}
_PROXY = "proxy alone, policy skips all"


@dataclass(frozen=True, slots=True)
class _Server:
    name: str
    url: str
    pid: int
    proxy_only: bool = False


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:
    usable = cores()
    beside, own = (usable[0], usable[1]) if len(usable) > 1 else (None, None)
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context((folder / "gateway.stderr").open("wb"))
        progress("gateway: starting the bare upstream and the gateways")
        url, pid = stack.enter_context(server(["bench.stub"], beside, errors))
        stub = _Server("bare", url, pid)
        guarded = []
        for n, (name, (policy, log)) in enumerate({_PROXY: ("skipped", "none"), **_GUARDED}.items()):
            where = f"sqlite:///{folder / f'gateway-{n}.db'}" if log == "sqlite" else log
            words = ["guardrail.cli", "serve", "--upstream", stub.url, "--policy", str(policies[policy])]
            words += ["--log", where, "--port", "0"]
            url, pid = stack.enter_context(server(words, own, errors))
            guarded.append(_Server(name, url, pid, name == _PROXY))
        leaks = {one.name: _leaks(one.url) for one in guarded}
        for what in ("answers", "streams"):
            points: dict[str, list[dict[str, Any]]] = {one.name: [] for one in (stub, *guarded)}
            for n in range(effort.rounds):
                for one in (stub, *guarded):
                    progress(f"gateway: {what}, round {n + 1} of {effort.rounds}, {one.name}")
                    points[one.name].append(_point(one, stub, effort, what, beside))
            yield _bare(points["bare"], what)
            for one in guarded:
                leak = None if what == "answers" else "yes" if leaks[one.name] else "none"
                yield _row(one, points[one.name], points["bare"], what, leak)


def _point(one: _Server, stub: _Server, effort: Effort, what: str, core: int | None) -> dict[str, Any]:
    words = ["-m", "bench.load", one.url, "--clients", str(CLIENTS), "--seconds", str(effort.load_seconds)]
    words += ["--warm", str(effort.warm_seconds), "--pid", str(one.pid), "--beside", str(stub.pid)]
    words += ["--stream"] if what == "streams" else []
    words += ["--core", str(core)] if core is not None else []
    point: dict[str, Any] = json.loads(output(words, timeout=effort.load_seconds + effort.warm_seconds + 60))
    if point["wrong"] or not point["done"]:
        raise RuntimeError(f"{one.name}: {point['wrong']} wrong {what}, {point['done']} right ones")
    return point


def _bare(points: list[dict[str, Any]], what: str) -> Row:
    rates = [point["per_second"] for point in points]
    notes: dict[str, str | float | None] = {
        "p50 ms": middle([point["p50_ms"] for point in points]),
        "p99 ms": middle([point["p99_ms"] for point in points]),
    }
    return Row("gateway", f"bare upstream, {what}", "per s", middle(rates), None, "", None, notes, {"bare": rates})


def _row(one: _Server, points: list[dict[str, Any]], bare: list[dict[str, Any]], what: str, leak: str | None) -> Row:
    def of(key: str) -> float:
        return middle([point[key] for point in points])

    rates, beside = ([point["per_second"] for point in side] for side in (points, bare))
    notes: dict[str, str | float | None] = {
        "p50 ms": of("p50_ms"),
        "p99 ms": of("p99_ms"),
        "CPU ms": of("cpu_ms"),
        "its core busy": f"{of('busy'):.0%}",
        "the other core busy": f"{of('beside_busy'):.0%}",
        "MB": resident_mb(one.pid),
        "leak": leak,
    }
    if what == "streams":
        notes["first byte ms"] = of("first_byte_ms")
    aim = None if one.proxy_only or "local" in one.name else _AIMS[what]
    samples = {
        "guarded": rates,
        "bare": beside,
        "p50_ms": [point["p50_ms"] for point in points],
        "p99_ms": [point["p99_ms"] for point in points],
        "cpu_ms": [point["cpu_ms"] for point in points],
    }
    return Row(
        "gateway", f"{what}, {one.name}", "per s", middle(rates), middle(beside), "bare stub", aim, notes, samples
    )


def _leaks(url: str) -> bool:
    """Does any piece of the refused word leave, when the model says it over several frames?"""
    body = requests(stream=True, model=LEAKY)[0]
    request = urllib.request.Request(url + PATH, body, {"content-type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=20) as answer:
        text = "".join(said(answer.read()))
    return any(piece.strip() in text for piece in CANARY_PIECES)
