"""From a loaded policy to a frozen plan. What can be done once is done here, not on the hot path.

Everything wrong with it is reported at once, each with its file and line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..backends.moderation import Moderation
from ..checks.disguised import Disguised
from ..checks.patterns import Patterns
from ..checks.personal import PersonalData
from ..checks.protocol import EVERYTHING, SPOKEN, Backend, Moderator, OfTools, Scanner
from ..checks.secrets import Secrets
from ..checks.words import Words
from ..errors import PolicyError, Problem
from ..verdict import Action, Kind
from ..wires.catalogue import router
from ..wires.custom import Custom
from . import spec
from .ai_text import AiTextCheck
from .lane import Lane
from .load import Loaded, in_order, read
from .plan import Caps, Patience, Plan, Recording, Scope
from .rules import Rule, Rules, mask_for
from .signals import WRITTEN, Signal
from .taxonomy import categories_of
from .texts import Texts
from .vault import placeholder

_AS_SAID = "Correct it as the message says."
_POSTURE = {"refuse": Action.REFUSE, "review": Action.REVIEW, "allow": Action.ALLOW}
_ON_ERROR = {"refuse": Action.REFUSE, "flag": Action.FLAG, "allow": Action.ALLOW}


def load_plan(source: str | Path, *, env: Mapping[str, str] = os.environ) -> Plan:
    """Load and compile a policy. Raises PolicyError with everything that is wrong with it."""
    return compiled(read(source, env=env))


def compiled(loaded: Loaded) -> Plan:
    """Raises PolicyError with the problems the loader found, and those only a compiler can see."""
    return _Compiler(loaded).plan()


class _Compiler:
    def __init__(self, loaded: Loaded) -> None:
        self._loaded, self._spec = loaded, loaded.spec
        self._problems: list[Problem] = list(loaded.problems)

    def plan(self) -> Plan:
        policy = self._spec
        backends = {name: made for name, check in policy.checks.items() if (made := self._backend(name, check))}
        scanners = {name: s for name, check in policy.checks.items() if (s := self._scanner(name, check)) is not None}
        signals = {name: told for name, check in policy.checks.items() if (told := self._signal(name, check))}
        rules = Rules([_rule(rule) for rule in policy.rules], {name: b.points for name, b in backends.items()})
        self._points(backends)
        self._masks(scanners, set(backends))
        self._overlap(backends)
        own = [self._custom(n, route) for n, route in enumerate(policy.custom)]
        if self._problems:
            raise PolicyError(in_order(self._problems, list(self._loaded.origin)))
        lanes = [
            self._lane(names, scanners, backends, signals, rules, whole=whole)
            for names, whole in ((policy.input, True), (policy.output, False))
        ]
        secret = policy.identity.secret.get_secret_value().encode() if policy.identity.secret is not None else None
        return Plan(
            name=self._loaded.name,
            hash=self._loaded.hash,
            input=lanes[0],
            output=lanes[1],
            texts=Texts(policy.refusals.texts, policy.refusals.language, policy.refusals.crisis_resource),
            observe=policy.mode == "observe",
            on_bug=_ON_ERROR[policy.on_bug],
            answer=policy.refusals.manner == "answer",
            scope=Scope(policy.unclaimed, policy.paths.skip, policy.paths.only),
            caps=Caps(policy.caps.body, policy.caps.chars, policy.caps.messages, policy.caps.output_tokens),
            recording=Recording(policy.record.text, secret, policy.record.on_error == "refuse"),
            identity=_identity(policy.identity, secret, bool(policy.limits)),
            limits=_limits(policy.limits),
            router=router(own),
            modalities={name: _POSTURE[word] for name, word in policy.modalities.model_dump().items()},
            references={name: _POSTURE[word] for name, word in policy.references.model_dump().items()},
            retell=policy.provider_refusals == "retell",
            websockets=policy.websockets,
            patience=Patience(**policy.streams.model_dump()),
            overlap=policy.overlap,
            reversible=any(rule.restore for rule in policy.rules),
            remarks=tuple(self._remarks(scanners)),
        )

    def _problem(self, path: Sequence[str | int], what: str, remedy: str) -> None:
        self._problems.append(Problem(self._loaded.locate(path), what, remedy))

    def _scanner(self, name: str, check: Any) -> Scanner | None:
        reads = frozenset(check.on) if check.on else EVERYTHING
        make: Callable[[], Scanner] | None = None
        if isinstance(check, spec.WordsCheck) and name in self._loaded.words:
            words = self._loaded.words[name]
            make = partial(Words, name, words, check.category, reads=reads, turned=self._undisguises(name))
        elif isinstance(check, spec.PatternsCheck):
            make = partial(Patterns, name, check.patterns, check.category, reads=reads, longest=check.longest)
        elif isinstance(check, spec.PersonalCheck):
            make = partial(PersonalData, name, check.entities, reads=reads)
        elif isinstance(check, spec.SecretsCheck):
            make = partial(Secrets, name, reads=reads)
        if make is None:
            return None
        try:
            return make()
        except ValueError as error:
            self._problem(("checks", name), f"check `{name}` cannot be made: {error}", _AS_SAID)
            return None

    def _undisguises(self, name: str) -> bool:
        """Whether this check reads disguised text as what it says."""
        own: bool | None = getattr(self._spec.checks[name], "readings", None)
        return self._spec.readings if own is None else own

    def _backend(self, name: str, check: Any) -> Backend | None:
        try:
            return backend_of(check)
        except (OSError, ValueError) as error:
            self._problem(("checks", name), f"check `{name}` cannot be made: {error}", _AS_SAID)
            return None

    def _signal(self, name: str, check: Any) -> Signal | None:
        try:
            return _signal(name, check)
        except (OSError, ValueError) as error:
            self._problem(("checks", name), f"check `{name}` cannot be made: {error}", _AS_SAID)
            return None

    def _overlap(self, backends: Mapping[str, Backend]) -> None:
        """What runs beside the upstream call must be far away, and must change nothing that was sent."""
        word = self._spec.overlap
        far = {name: b for name, b in backends.items() if b.remote and name in self._spec.input}
        if word == "none":
            return
        if not far:
            what = f"`overlap: {word}` has nothing to overlap: no input check asks a service"
            self._problem(("overlap",), what, "Write overlap: none, or list such a check under input.")
        for n, rule in zip(self._loaded.rules, self._spec.rules, strict=True):
            for name, backend in far.items():
                if rule.do == "redact" and categories_of(rule.when, backend.categories):
                    what = f"this rule masks what check `{name}` finds, and it cannot mask what was sent already"
                    self._problem(("rules", n, "do"), what, "Use do: flag, review or refuse, or overlap: none.")

    def _remarks(self, scanners: Mapping[str, Scanner]) -> Iterator[Problem]:
        policy = self._spec
        if policy.overlap != "none" and policy.mode == "observe":
            what = f"`overlap: {policy.overlap}` does nothing in mode observe: requests never wait there"
            yield Problem(self._loaded.locate(("overlap",)), what, "It takes effect with mode: enforce.")
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

    def _lane(
        self,
        names: Sequence[str],
        scanners: Mapping[str, Scanner],
        backends: Mapping[str, Backend],
        signals: Mapping[str, Signal],
        rules: Rules,
        *,
        whole: bool,
    ) -> Lane:
        """``whole``: every text of this lane comes whole, none is a stream."""
        moderators: list[Moderator] = []
        on_error: dict[str, Action] = {}
        for name in dict.fromkeys(names):
            backend = backends.get(name)
            if backend is None:
                continue
            check: Any = self._spec.checks[name]
            floors = {category: rules.floor(name, category) for category in (*backend.categories, "*")}
            reads = frozenset(check.on) if check.on else SPOKEN
            moderators += [
                Moderation(
                    name,
                    asked,
                    floors,
                    reads=kinds,
                    window=getattr(asked, "window", None),
                    readings=self._undisguises(name),
                )
                for asked, kinds in _paths(backend, reads)
            ]
            on_error[name] = _ON_ERROR[check.on_error]
        lane = tuple(
            Disguised(scanners[name], whole=whole, spelled=isinstance(scanners[name], Words | Patterns))
            if self._undisguises(name)
            else scanners[name]
            for name in dict.fromkeys(names)
            if name in scanners
        )
        words = {name: self._spec.checks[name].stream for name in dict.fromkeys(names)}
        strategies = {name: word for name, word in words.items() if word != "window"}
        told = tuple(signals[name] for name in dict.fromkeys(names) if name in signals)
        return Lane(lane, tuple(moderators), rules, on_error, strategies=strategies, signals=told)

    def _points(self, backends: Mapping[str, Backend]) -> None:
        """A named point must exist in every model check whose findings the rule is about."""
        for n, rule in zip(self._loaded.rules, self._spec.rules, strict=True):
            for name, backend in backends.items():
                if rule.point is None or not categories_of(rule.when, backend.categories):
                    continue
                if backend.points is None and rule.point != "balanced":
                    what = f"check `{name}` ({backend.name}) has no operating point `{rule.point}`"
                    self._problem(
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
                    self._problem(
                        where,
                        "the mask is empty or has control characters",
                        "Use plain visible text, such as [redacted].",
                    )
                for name, scanner in scanners.items():
                    if name in listed and scanner.scan(rule.mask):
                        self._problem(
                            where, f"check `{name}` would find the mask itself", "Choose a mask that no check finds."
                        )
            exact = {c for name, s in scanners.items() if name in listed for c in s.categories}
            if rule.restore:
                masks = [rule.mask] if rule.mask else [mask_for(c) for c in categories_of(rule.when, exact)]
                for name, scanner in scanners.items():
                    if name in listed and any(scanner.scan(placeholder(mask, 1)) for mask in masks):
                        what = f"check `{name}` would find the name that stands for what is masked"
                        self._problem(
                            where, what, "Choose a mask whose numbered form, such as [email-1], no check finds."
                        )
            if models & listed and not categories_of(rule.when, exact):
                what = "a model says that a text is harmful, not which of its words, so there is nothing to mask"
                self._problem(("rules", n, "do"), what, "Use do: flag, review or refuse.")

    def _custom(self, n: int, route: spec.CustomRoute) -> Custom:
        try:
            return Custom(route.path, route.request, route.response)
        except ValueError as error:
            self._problem(
                ("custom", n), f"a path of this route {error}", "Write it as $.message or $.messages[*].content."
            )
            return Custom(route.path, {}, {})


def backend_of(check: Any) -> Backend | None:
    if isinstance(check, spec.LocalCheck):
        from ..local.backend import LocalBackend

        try:
            return LocalBackend(check.tier)
        except ImportError as error:
            raise ValueError(str(error)) from None
    if isinstance(check, spec.OpenAICheck):
        from ..backends.openai import OpenAIModeration

        key = check.api_key.get_secret_value()
        return OpenAIModeration(key, url=check.url, model=check.model, timeout=check.timeout)
    return None


def _paths(backend: Backend, reads: frozenset[Kind]) -> list[tuple[Backend, frozenset[Kind]]]:
    """Who judges which kinds of text: what tools gave is read for instructions to the model, where that can be done."""
    tools = reads & {Kind.TOOL_RESULT}
    if not tools or not isinstance(backend, OfTools):
        return [(backend, reads)]
    paths = [(backend, reads - tools), (backend.of_tools(), tools)]
    return [(asked, kinds) for asked, kinds in paths if kinds]


def _signal(name: str, check: Any) -> Signal | None:
    if not isinstance(check, AiTextCheck):
        return None
    from ..local.ai_text import AiTextSignal

    signal = AiTextSignal(min_chars=check.min_chars, languages=check.languages, bins=check.bins)
    signal.load()
    return Signal(name, signal, frozenset(check.on) if check.on else WRITTEN)


def _rule(rule: spec.Rule) -> Rule:
    do = Action[rule.do.upper()]
    return Rule(tuple(rule.when), do, rule.at_least, rule.point, rule.say, rule.mask, rule.restore)


def _identity(identity: spec.Identity, secret: bytes | None, limited: bool) -> Any:
    """None where nobody asks who the caller is."""
    if not (identity.sources or secret or identity.required or limited):
        return None
    from ..admit.identity import HeaderSource, Identity

    sources = tuple(
        source if isinstance(source, str) else HeaderSource(source.header, tuple(source.trusted))
        for source in identity.sources
    )
    return Identity(sources, secret, identity.required, identity.forward)


def _limits(limits: Sequence[spec.Limit]) -> Any:
    if not limits:
        return None
    from ..admit.limits import Limit, Limits

    return Limits([Limit(limit.per, limit.take.count, limit.take.seconds) for limit in limits])
