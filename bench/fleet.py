"""What a suite of streams needs around it: a paced upstream, a slow moderation service, a gateway for each policy.

Gateways have a core of their own; all others share the other one with whoever reads.
"""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .machine import cores
from .model import PATH
from .paced import Script
from .processes import server, servers
from .service import SECONDS, direct
from .strategies import written

_WARM = Script(tokens=40)
Policies = Callable[[str], Mapping[str, Mapping[str, Any]]]
"""The policies of a suite by name, given the service's address."""
PROXY = "proxy alone"
ALONE = {"paths": {"skip": ["/v1"]}}
"""The policy of a proxy that guards nothing."""


@dataclass(frozen=True, slots=True)
class Gateway:
    url: str
    pid: int

    def not_evaluated(self) -> int:
        """Decisions so far in which a check had no answer."""
        with direct().open(f"{self.url}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        counts = [line.rpartition(" ")[2] for line in lines if line.startswith("guardrail_not_evaluated_total{")]
        return int(sum(map(float, counts)))


@dataclass(frozen=True, slots=True)
class Fleet:
    """``beside``: the core of those who read."""

    bare: str
    service: str
    gateways: Mapping[str, Gateway]
    beside: int | None


@contextlib.contextmanager
def fleet(folder: Path, suite: str, policies: Policies) -> Iterator[Fleet]:
    """All of them, warm."""
    usable = cores()
    beside, own = (usable[0], usable[1]) if len(usable) > 1 else (None, None)
    with contextlib.ExitStack() as stack:
        errors = stack.enter_context((folder / f"{suite}.stderr").open("wb"))
        service, _ = stack.enter_context(server(["bench.service", str(SECONDS)], beside, errors))
        bare, _ = stack.enter_context(server(["bench.paced"], beside, errors))
        named = policies(service)
        files = [written(folder, f"{suite}-{n}", policy) for n, policy in enumerate(named.values())]
        each = [
            ["guardrail.cli", "serve", "--upstream", bare, "--policy", str(path), "--log", "none", "--port", "0"]
            for path in files
        ]
        started = stack.enter_context(servers(each, own, errors))
        gateways = {name: Gateway(url, pid) for name, (url, pid) in zip(named, started, strict=True)}
        for gateway in gateways.values():
            for _ in range(3):
                answered(gateway.url, _WARM)
        yield Fleet(bare, service, gateways, beside)


def body(script: Script, prompt: str = "Tell me a story.") -> bytes:
    """A request for what a script says."""
    asked = {"model": script.name(), "stream": True, "messages": [{"role": "user", "content": prompt}]}
    return json.dumps(asked).encode()


def answered(url: str, script: Script) -> bytes:
    """The whole answer of one address."""
    request = urllib.request.Request(url + PATH, body(script), {"content-type": "application/json"})
    with direct().open(request, timeout=60) as answer:
        data: bytes = answer.read()
    return data
