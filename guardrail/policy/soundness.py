"""What only the made checks can tell of a policy: rules nobody can meet, points nobody has, masks that would not do.

Knows checks, backends and rules as they are made. What is known without making them is said by ``audit``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..checks.patterns import Patterns
from ..checks.protocol import Backend, Scanner, Sided
from ..errors import Problem
from . import audit
from .backends import told
from .load import Loaded
from .rules import mask_for
from .services import OpenAIInlineCheck
from .taxonomy import categories_of
from .vault import placeholder


class Soundness:
    """The problems and remarks of a policy whose checks are made, by the names of the checks."""

    def __init__(self, loaded: Loaded, scanners: Mapping[str, Scanner], backends: Mapping[str, Backend]) -> None:
        self._loaded, self._spec = loaded, loaded.spec
        self._scanners, self._backends = scanners, backends
        self._found: list[Problem] = []

    def problems(self) -> list[Problem]:
        """What keeps the policy from being used."""
        self._found = []
        self._judged(self._backends)
        self._points(self._backends)
        self._masks(self._scanners, set(self._backends))
        self._overlap(self._backends)
        self._inline()
        return self._found

    def _say(self, path: Sequence[str | int], what: str, remedy: str) -> None:
        self._found.append(Problem(self._loaded.locate(path), what, remedy))

    def _judged(self, backends: Mapping[str, Backend]) -> None:
        """What a rule is about must be something that a listed check can find, and what a model finds must have a
        rule. What is known without making a backend was said by ``audit``."""
        policy = self._spec
        listed = [name for name in dict.fromkeys((*policy.input, *policy.output)) if name in policy.checks]
        opaque = [name for name in listed if audit.produced(policy.checks[name]) is None]
        if any(name not in backends for name in opaque) or not opaque:
            return
        can = {c for name in listed for c in (backends[name].categories if name in backends else ())}
        can |= {c for name in listed if (found := audit.produced(policy.checks[name])) for c in found}
        for n, rule in zip(self._loaded.rules, policy.rules, strict=True):
            if self._loaded.places.at(("rules", n)).file != self._loaded.origin[0]:
                continue  # an inherited rule may be about more than this policy's checks find
            for i, when in enumerate(rule.when):
                if not categories_of(when, can) and not (when.startswith("secret") and "secret" in can):
                    what = f"no listed check can find `{when}`"
                    known = "; ".join(f"{name} judges {told(backends[name])}" for name in opaque)
                    self._say(("rules", n, "when", i), what, f"Take it away, or add a check that does: {known}.")
        for name in policy.output:
            asked: object = backends.get(name)
            if isinstance(asked, Sided) and not asked.on("output").categories:
                what = f"the check `{name}` judges nothing of what a model writes"
                self._say(("output",), what, "List it under input only.")
        for name in opaque:
            if not any(categories_of(rule.when, backends[name].categories) for rule in policy.rules):
                what = f"no rule is about what the check `{name}` finds"
                self._say(("checks", name), what, f"Add a rule for {told(backends[name])}.")

    def _overlap(self, backends: Mapping[str, Backend]) -> None:
        """What runs beside the upstream call must be far away, and must change nothing that was sent."""
        word = self._spec.overlap
        far = {name: b for name, b in backends.items() if b.remote and name in self._spec.input}
        if word == "none":
            return
        if not far:
            what = f"`overlap: {word}` has nothing to overlap: no input check asks a service"
            self._say(("overlap",), what, "Write overlap: none, or list such a check under input.")
        for n, rule in zip(self._loaded.rules, self._spec.rules, strict=True):
            for name, backend in far.items():
                if rule.do == "redact" and categories_of(rule.when, backend.categories):
                    what = f"this rule masks what check `{name}` finds, and it cannot mask what was sent already"
                    self._say(("rules", n, "do"), what, "Use do: flag, review or refuse, or overlap: none.")

    def _inline(self) -> None:
        """The request's field for a moderation beside the answer takes one model."""
        for name in self._beside()[1:]:
            what = f"`{name}` is a second check `use: openai-inline`, and a request can ask for one"
            self._say(("checks", name), what, "List one of them only; it may stand under input and output.")

    def _beside(self) -> list[str]:
        """The listed checks that are judged by what comes with an answer."""
        names = dict.fromkeys((*self._spec.input, *self._spec.output))
        return [name for name in names if isinstance(self._spec.checks.get(name), OpenAIInlineCheck)]

    def _points(self, backends: Mapping[str, Backend]) -> None:
        """A named point must exist in every model check whose findings the rule is about."""
        for n, rule in zip(self._loaded.rules, self._spec.rules, strict=True):
            for name, backend in backends.items():
                if rule.point is None or not categories_of(rule.when, backend.categories):
                    continue
                if backend.points is None and rule.point != "balanced":
                    what = f"check `{name}` ({backend.name}) has no operating point `{rule.point}`"
                    self._say(
                        ("rules", n, "point"), what, "Use point: balanced (the service's own decision), or at_least."
                    )

    def _masks(self, scanners: Mapping[str, Scanner], models: set[str]) -> None:
        """A mask must be plain, and must not be found by a check again; a model has no span to mask."""
        listed = {*self._spec.input, *self._spec.output}
        for n, rule in zip(self._loaded.rules, self._spec.rules, strict=True):
            if rule.do != "redact":
                continue
            where = ("rules", n, "mask") if rule.mask is not None else ("rules", n)
            if rule.mask is not None:
                if not rule.mask.isprintable() or not rule.mask.strip():
                    self._say(
                        where,
                        "the mask is empty or has control characters",
                        "Use plain visible text, such as [redacted].",
                    )
                for name, scanner in scanners.items():
                    if name in listed and scanner.scan(rule.mask):
                        self._say(
                            where, f"check `{name}` would find the mask itself", "Choose a mask that no check finds."
                        )
            exact = {c for name, s in scanners.items() if name in listed for c in s.categories}
            if rule.restore:
                masks = [rule.mask] if rule.mask else [mask_for(c) for c in categories_of(rule.when, exact)]
                for name, scanner in scanners.items():
                    if name in listed and any(scanner.scan(placeholder(mask, 1)) for mask in masks):
                        what = f"check `{name}` would find the name that stands for what is masked"
                        self._say(where, what, "Choose a mask whose numbered form, such as [email-1], no check finds.")
            if models & listed and not categories_of(rule.when, exact):
                what = "a model says that a text is harmful, not which of its words, so there is nothing to mask"
                self._say(("rules", n, "do"), what, "Use do: flag, review or refuse.")

    def remarks(self) -> Iterator[Problem]:
        """What is right and may surprise."""
        policy, scanners = self._spec, self._scanners
        if policy.overlap != "none" and policy.mode == "observe":
            what = f"`overlap: {policy.overlap}` does nothing in mode observe: requests never wait there"
            yield Problem(self._loaded.locate(("overlap",)), what, "It takes effect with mode: enforce.")
        if policy.mode == "observe":
            for name in self._beside():
                what = f"`{name}` asks for nothing in mode observe, which changes no request"
                remedy = "What callers ask for themselves is read; all else is not evaluated until mode: enforce."
                yield Problem(self._loaded.locate(("checks", name)), what, remedy)
        for n, rule in zip(self._loaded.rules, policy.rules, strict=True):
            asked = {c for name, s in scanners.items() if name in policy.input for c in s.categories}
            if rule.restore and not categories_of(rule.when, asked):
                what = "nothing that this rule masks is read in requests, so `restore` has nothing to put back"
                remedy = "List a check that finds it under input, or take restore away."
                yield Problem(self._loaded.locate(("rules", n, "restore")), what, remedy)
        for name, check in policy.checks.items():
            if check.stream == "after" and name in policy.output:
                what = f"what check `{name}` finds in a stream is only recorded (`stream: after`), whatever a rule does"
                remedy = "Whole answers are held to the rules; window and buffer hold streams to them too."
                yield Problem(self._loaded.locate(("checks", name, "stream")), what, remedy)
        for name, scanner in scanners.items():
            if not isinstance(scanner, Patterns) or name not in self._spec.output:
                continue
            where = self._loaded.locate(("checks", name, "patterns"))
            bounded = self._spec.checks[name].longest  # type: ignore[union-attr]
            for place in (*scanner.open_ended, *scanner.waiting):
                what = f"pattern {place} of check `{name}` can match more text than a stream holds back"
                does = "an answer waits while such a match is open, and past 4,096 characters for its end"
                remedy = "Bound it, such as {1,200} for +."
                if place in scanner.waiting:
                    does, remedy = "it is judged when the text is complete", "Take ^ $ \\A \\z out, or let it wait."
                elif bounded is not None:
                    does = f"matches longer than its `longest` ({bounded}) may be missed in a stream"
                yield Problem(where, f"{what}: {does}", remedy)
