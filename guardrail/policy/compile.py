"""From a loaded policy to a frozen plan. What can be done once is done here, not on the hot path.

Everything wrong with it is reported at once, each with its file and line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ..backends.dialect import Side
from ..backends.moderation import Moderation
from ..backends.openai_inline import OpenAIInline
from ..checks.disguised import Disguised
from ..checks.patterns import Patterns
from ..checks.personal import PersonalData
from ..checks.protocol import EVERYTHING, SPOKEN, Backend, Moderator, OfTools, Scanner, Sided
from ..checks.secrets import Secrets
from ..checks.words import Words
from ..errors import PolicyError, Problem
from ..verdict import Action, Kind
from ..wires.catalogue import router
from ..wires.custom import Custom
from . import spec
from .ai_text import AiTextCheck
from .backends import backends_of
from .inline import Inline
from .lane import Lane
from .lines import Lines
from .load import Loaded, in_order, read
from .plan import Caps, Patience, Plan, Recording, Scope
from .rules import Rule, Rules
from .services import OpenAIInlineCheck
from .signals import WRITTEN, Signal
from .soundness import Soundness
from .texts import Texts

DEADLINE = 10.0
"""Seconds for all models of one judgement; more where a check is given more, for each has a deadline of its own."""
_AS_SAID = "Correct it as the message says."
_POSTURE = {"refuse": Action.REFUSE, "review": Action.REVIEW, "allow": Action.ALLOW}
_ON_ERROR = {"refuse": Action.REFUSE, "next": Action.REFUSE, "flag": Action.FLAG, "allow": Action.ALLOW}


def load_plan(source: str | Path, *, env: Mapping[str, str] = os.environ, lines: Lines | None = None) -> Plan:
    """Load and compile a policy. ``lines``: those of the plan that it takes the place of.

    Raises PolicyError with everything that is wrong with it.
    """
    return compiled(read(source, env=env), lines)


def compiled(loaded: Loaded, lines: Lines | None = None) -> Plan:
    """Raises PolicyError with the problems the loader found, and those only a compiler can see."""
    return _Compiler(loaded, lines).plan()


class _Compiler:
    def __init__(self, loaded: Loaded, before: Lines | None) -> None:
        self._loaded, self._spec, self._lines = loaded, loaded.spec, Lines(before)
        self._problems: list[Problem] = list(loaded.problems)

    def plan(self) -> Plan:
        policy = self._spec
        backends = self._backends()
        scanners = {name: s for name, check in policy.checks.items() if (s := self._scanner(name, check)) is not None}
        signals = {name: told for name, check in policy.checks.items() if (told := self._signal(name, check))}
        rules = Rules([_rule(rule) for rule in policy.rules], {name: b.points for name, b in backends.items()})
        sound = Soundness(self._loaded, scanners, backends)
        self._problems += sound.problems()
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
            inline=self._inline(backends, rules, lanes),
            remarks=tuple(sound.remarks()),
            backends=backends,
            lines=self._lines,
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

    def _backends(self) -> dict[str, Backend]:
        def failed(name: str, error: Exception) -> None:
            self._problem(("checks", name), f"check `{name}` cannot be made: {error}", _AS_SAID)

        return backends_of(self._spec, failed, about=(self._loaded.hash,), lines=self._lines)

    def _signal(self, name: str, check: Any) -> Signal | None:
        try:
            return _signal(name, check)
        except (OSError, ValueError) as error:
            self._problem(("checks", name), f"check `{name}` cannot be made: {error}", _AS_SAID)
            return None

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
            side: Literal["input", "output"] = "input" if whole else "output"
            on_error[name] = _ON_ERROR[check.fails(side)]
            if isinstance(backend, OpenAIInline):
                continue  # nobody asks it: see _inline
            reads = frozenset(check.on) if check.on else SPOKEN
            moderators += [self._moderation(name, asked, rules, kinds) for asked, kinds in _paths(backend, reads, side)]
        lane = tuple(
            Disguised(scanners[name], whole=whole, spelled=isinstance(scanners[name], Words | Patterns))
            if self._undisguises(name)
            else scanners[name]
            for name in dict.fromkeys(names)
            if name in scanners
        )
        inline = [name for name in names if isinstance(self._spec.checks[name], OpenAIInlineCheck)]
        words = {name: self._spec.checks[name].stream for name in dict.fromkeys(names) if name not in inline}
        strategies = {name: word for name, word in words.items() if word != "window"}
        told = tuple(signals[name] for name in dict.fromkeys(names) if name in signals)
        times = [float(getattr(backends[m.name], "timeout", 0.0)) for m in moderators]
        deadline = max(DEADLINE, *(seconds + 0.5 for seconds in times)) if times else DEADLINE
        return Lane(lane, tuple(moderators), rules, on_error, deadline, strategies=strategies, signals=told)

    def _moderation(self, name: str, backend: Backend, rules: Rules, reads: frozenset[Kind] = SPOKEN) -> Moderation:
        return Moderation(
            name,
            backend,
            {category: rules.floor(name, category) for category in (*backend.categories, "*")},
            reads=reads,
            window=getattr(backend, "window", None),
            readings=self._undisguises(name),
            needed=frozenset(c for c in backend.categories if rules.acts(name, c)),
            decides=lambda finding: rules.decide(finding).action >= Action.REVIEW,
        )

    def _inline(self, backends: Mapping[str, Backend], rules: Rules, lanes: Sequence[Lane]) -> Inline | None:
        """The check that is judged by what upstream answers; its request field takes one model, so there is one."""
        policy = self._spec
        listed: Sequence[tuple[Side, Sequence[str]]] = (("input", policy.input), ("output", policy.output))
        for name, backend in backends.items():
            if isinstance(backend, OpenAIInline) and (name in policy.input or name in policy.output):
                check = self._moderation(name, backend, rules)
                both = zip(listed, lanes, strict=True)
                sides = tuple((side, lane, check) for (side, names), lane in both if name in names)
                return Inline(backend, policy.checks[name].stream == "buffer", sides)
        return None

    def _custom(self, n: int, route: spec.CustomRoute) -> Custom:
        try:
            return Custom(route.path, route.request, route.response)
        except ValueError as error:
            self._problem(
                ("custom", n), f"a path of this route {error}", "Write it as $.message or $.messages[*].content."
            )
            return Custom(route.path, {}, {})


def _paths(
    backend: Backend, reads: frozenset[Kind], side: Literal["input", "output"]
) -> list[tuple[Backend, frozenset[Kind]]]:
    """Who judges which kinds of text: a reply is asked about as a reply, and what tools gave is read for
    instructions to the model, where a backend tells them apart."""
    if isinstance(backend, Sided):
        backend = backend.on(side)
    tools = reads & {Kind.TOOL_RESULT}
    paths = [(backend, reads)]
    if tools and isinstance(backend, OfTools) and (apart := backend.of_tools()) is not backend:
        paths = [(backend, reads - tools), (apart, tools)]
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
