"""Readers that do not keep up, at a gateway whose upstream offers as much as it can: the memory this takes.

Each case has a gateway of its own, so that none profits from what another one left free.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .fleet import ALONE, PROXY, Fleet, answered, body, fleet
from .measure import Effort, progress
from .model import PATH
from .paced import READ, Script
from .processes import resident_mb
from .rows import Row
from .strategies import KINDS, Kind, strategy

_HOW = {"stops": "a reader that stops", "slow": "a reader of 64 KiB a second"}
_KINDS: tuple[Kind, ...] = ("exact", "remote")
_EVERY = 0.02
"""Seconds between two looks at the memory."""


def rows(effort: Effort, policies: dict[str, Path], folder: Path) -> Iterator[Row]:  # noqa: ARG001 - as all suites
    hows = list(_HOW) if effort.wide else ["slow"]
    progress("stalled: starting the gateways")
    with fleet(folder, "stalled", lambda service: _policies(service, hows)) as ships:
        before = _memory(ships)
        peak, got = _watched(effort, ships)
        added = {name: max(peak[name] - before[name], 0.0) for name in before}
        for name, gateway in ships.gateways.items():
            if b"[DONE]" not in answered(gateway.url, Script(tokens=3)):
                raise RuntimeError(f"the gateway does not answer any more ({name})")
    for how in hows:
        alone = added[_name(PROXY, how)]
        for kind in _KINDS:
            name = _name(KINDS[kind], how)
            notes = {"read MB": got[name] / 1e6, "offered MB": effort.flood / 1e6, "before": before[name]}
            yield Row("stalled", f"{name}, memory added at most", "MB", added[name], alone, PROXY, None, notes)


def _policies(service: str, hows: list[str]) -> dict[str, Mapping[str, Any]]:
    each = {PROXY: ALONE} | {KINDS[kind]: strategy(kind, "window", service) for kind in _KINDS}
    return {_name(called, how): policy for called, policy in each.items() for how in hows}


def _name(called: str, how: str) -> str:
    return f"{called}, {_HOW[how]}"


def _memory(ships: Fleet) -> dict[str, float]:
    return {name: resident_mb(gateway.pid) for name, gateway in ships.gateways.items()}


def _watched(effort: Effort, ships: Fleet) -> tuple[dict[str, float], dict[str, int]]:
    """The most memory each gateway had, and the bytes its reader got."""
    progress(f"stalled: {len(ships.gateways)} readers, {effort.still:.3g} s")
    peak, got = _memory(ships), dict.fromkeys(ships.gateways, 0)
    with contextlib.ExitStack() as stack:
        readers = {
            name: stack.enter_context(_asked(gateway.url, effort.flood)) for name, gateway in ships.gateways.items()
        }
        for name, reader in readers.items():
            got[name] = _begun(reader)
        began, reads = time.perf_counter(), 0
        while (passed := time.perf_counter() - began) < effort.still:
            if passed >= reads:
                for name, reader in readers.items():
                    if name.endswith(_HOW["slow"]):
                        got[name] += len(reader.recv(READ))
                reads += 1
            for name, size in _memory(ships).items():
                peak[name] = max(peak[name], size)
            time.sleep(_EVERY)
    return peak, got


def _begun(reader: socket.socket) -> int:
    """Read until text comes; the bytes read."""
    seen = b""
    while b"data: " not in seen:
        if not (part := reader.recv(READ)):
            raise RuntimeError("a flood was ended before it had begun")
        seen += part
    return len(seen)


@contextlib.contextmanager
def _asked(url: str, flood: int) -> Iterator[socket.socket]:
    parts = urlsplit(url)
    data = body(Script(flood=flood))
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(data)}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=20) as reader:
        reader.sendall(head.encode() + data)
        yield reader
