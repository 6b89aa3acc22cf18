"""Problems of checks that put others together: members that are not there, circles, fail modes nobody follows.

Works on what fits the spec, and reports nothing about what was left out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from ..errors import Problem
from . import spec
from .anycheck import ModelCheck, OnErrorBy
from .combination import CombinedCheck
from .explain import Fitted
from .tree import Node


def reached(policy: spec.Policy, names: Iterable[str]) -> set[str]:
    """Those checks, and all that they put together."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            check = policy.checks.get(name)
            ahead += check.of if isinstance(check, CombinedCheck) else ()
    return found


def in_order(policy: spec.Policy) -> list[str]:
    """The checks that put others together, each after those it puts together. Without those in a circle."""
    done: list[str] = []
    ahead = [name for name, check in policy.checks.items() if isinstance(check, CombinedCheck)]
    while True:
        ready = [name for name in ahead if not _members(policy, name) & set(ahead)]
        if not ready:
            return done
        done += ready
        ahead = [name for name in ahead if name not in ready]


def problems(fitted: Fitted, root: Node) -> Iterator[Problem]:
    """Every problem across keys."""
    policy = fitted.policy
    names = {*policy.checks, *fitted.lost_checks}
    sound = set(in_order(policy))
    for name, check in policy.checks.items():
        if not isinstance(check, CombinedCheck):
            continue
        for n, member in enumerate(check.of):
            if member not in names:
                near = get_close_matches(member, names, 1)
                remedy = f"Did you mean `{near[0]}`?" if near else "Define it under checks."
                where = root.at(["checks", name, "of", n]).where
                yield Problem(where, f"the check `{name}` puts together `{member}`, which does not exist", remedy)
        if name not in sound:
            where = root.at(["checks", name, "of"]).where
            yield Problem(where, f"the check `{name}` is a part of itself", "Take one of the circle out of `of`.")
    yield from _nexts(policy, root)


def _nexts(policy: spec.Policy, root: Node) -> Iterator[Problem]:
    """`next` where nobody comes next."""
    followed = {
        member
        for check in policy.checks.values()
        if isinstance(check, CombinedCheck) and check.use == "first"
        for member in check.of[:-1]
    }
    parts = {member for check in policy.checks.values() if isinstance(check, CombinedCheck) for member in check.of}
    for name, check in policy.checks.items():
        if not isinstance(check, ModelCheck):
            continue
        said = check.on_error
        words = (said.input, said.output) if isinstance(said, OnErrorBy) else (said,)
        listed = name in policy.input or name in policy.output
        if {"flag", "allow"} & set(words) and name in parts and not listed:
            where = root.at(["checks", name, "on_error"]).where
            what = f"the check `{name}` is a part of another, whose own `on_error` says what comes of a failure"
            yield Problem(where, what, "Take on_error away here, and write it there.")
        if "next" in words and (name not in followed or listed):
            where = root.at(["checks", name, "on_error"]).where
            what = f"the check `{name}` has `on_error: next`, and no other is asked after it"
            remedy = "Put it before another under `of` of a check with use: first, and list that one instead."
            yield Problem(where, what, remedy)


def _members(policy: spec.Policy, name: str) -> set[str]:
    check = policy.checks[name]
    return {member for member in check.of if member in policy.checks} if isinstance(check, CombinedCheck) else set()
