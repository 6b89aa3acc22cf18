"""Which wire format claims a request: one tree over all routes, read from the end of the path.

A route is written as ``POST v/responses/{id}``: literal steps, ``{name}`` for one step, ``{name*}``
for one or more, and a first step ``v`` for what stands before an API's own words (a version, or
``openai``). What stands before that (a mount, a deployment) does not matter: apps and gateways put
APIs under prefixes of their own. Paths are compared in their plain spelling (threats T07, T30).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from ..http import Request
from .protocol import Wire
from .routes import plain

_VERSION = re.compile(r"v\d+[a-z0-9.]*|openai|beta")
_STEP = re.compile(r"\{(\w+)(\*?)\}")


class Routed(Wire, Protocol):
    """A wire format that names its routes: ``METHOD path``; ``*`` is any method."""

    routes: tuple[str, ...]
    sure: bool

    def mine(self, request: Request) -> bool:
        """Of two wire formats with the same route, whose request is it? (By its headers.)"""
        ...


@dataclass(frozen=True, slots=True)
class Match:
    """``sure``: the path leaves no doubt. Else (``/responses`` at the root of an app) the body decides."""

    wire: Wire
    sure: bool = True


@dataclass(slots=True)
class _Node:
    names: dict[str, _Node] = field(default_factory=dict)
    one: _Node | None = None
    many: _Node | None = None
    version: _Node | None = None
    claims: list[tuple[str, Routed]] = field(default_factory=list)


class Router:
    """All wire formats in force. ``own`` are those of exact paths (``custom``), asked first."""

    def __init__(self, wires: Iterable[Routed], own: Iterable[Routed] = ()) -> None:
        self.wires = tuple(wires)
        self.own: dict[str, list[tuple[str, Routed]]] = {}
        for wire in own:
            for route in wire.routes:
                method, _, path = route.partition(" ")
                self.own.setdefault(plain(path), []).append((method, wire))
        self._root = _Node()
        for wire in self.wires:
            for route in wire.routes:
                self._add(route, wire)

    def _add(self, route: str, wire: Routed) -> None:
        method, _, path = route.partition(" ")
        steps = path.split("/")
        last, colon, verb = steps[-1].rpartition(":")
        if colon:
            steps[-1:] = [last, f":{verb}"]
        node = self._root
        for n, step in enumerate(reversed(steps)):
            match = _STEP.fullmatch(step)
            if match is not None:
                if match[2]:
                    node.many = node = node.many or _Node()
                else:
                    node.one = node = node.one or _Node()
            elif step == "v" and n == len(steps) - 1:
                node.version = node = node.version or _Node()
            else:
                node = node.names.setdefault(step.lower(), _Node())
        node.claims.append((method, wire))

    def find(self, request: Request) -> Match | None:
        """The wire format of a request; None where no API here has such a route."""
        path = plain(request.path)
        for method, wire in self.own.get(path, ()):
            if method in ("*", request.method):
                return Match(wire)
        found = self._root
        steps = path[1:].split("/") if len(path) > 1 else []
        if steps and ":" in steps[-1]:
            name, _, verb = steps[-1].rpartition(":")
            best = self._walk(found, [*steps[:-1], name, f":{verb}"], request)
            if best is not None:
                return best
        return self._walk(found, steps, request)

    def _walk(self, node: _Node, steps: list[str], request: Request) -> Match | None:
        """The claim that says most of the path: literal steps before open ones, longer before shorter."""
        if steps:
            last, rest = steps[-1], steps[:-1]
            below = node.names.get(last)
            if below is not None and (match := self._walk(below, rest, request)) is not None:
                return match
            if node.one is not None and (match := self._walk(node.one, rest, request)) is not None:
                return match
            if node.many is not None:
                for n in range(len(steps) - 1, -1, -1):
                    if (match := self._walk(node.many, steps[:n], request)) is not None:
                        return match
        if node.version is not None:
            if steps and _VERSION.fullmatch(steps[-1]):
                if (wire := _claim(node.version, request)) is not None:
                    return Match(wire, wire.sure)
            elif not steps and (wire := _claim(node.version, request)) is not None:
                return Match(wire, sure=False)
        wire = _claim(node, request)
        return Match(wire, wire.sure) if wire is not None else None


def _claim(node: _Node, request: Request) -> Routed | None:
    candidates = [wire for method, wire in node.claims if method in ("*", request.method)]
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    return next((wire for wire in candidates if wire.mine(request)), candidates[-1])
