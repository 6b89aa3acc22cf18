"""A lane: the compiled checks of one direction, and what both ways of judging share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..checks.disguised import plain_tails
from ..checks.prefilter import Prefilter
from ..checks.protocol import Moderator, PartlyAnswered, PartlyJudged, Scanner, SeeingModerator
from ..flow import Settled
from ..text import Segment
from ..verdict import Action, Finding, Gap, Kind, Verdict
from .recall import Recall
from .rules import Rules, Ruling

if TYPE_CHECKING:
    from .signals import Signal

INLINE = 65_536
"""Characters for which one pass of the prefilter takes about 0.15 ms."""
WORTH_RECALL = 4_096
"""Characters from which it costs less to know a text again than to scan it (2 µs and 1 µs per 1,000, against
2.2 µs per 1,000); where a model reads it too, knowing it is always cheaper."""
Answer = Sequence[Finding] | Exception
"""What a moderator said of a text, or why it was not judged, or not in full."""
MAX_FINDINGS = 100
"""Findings kept in one decision; further ones are acted on but not listed."""


@dataclass(frozen=True, slots=True)
class Streaming:
    """How the checks of a lane judge a stream.

    ``window``: those that judge it as it grows. ``whole``: models that judge the whole answer before any
    of it leaves. ``after``: those that judge it when it has left, only to be remembered. ``hold``:
    nothing leaves before everything was judged. ``told``: the lane whose signals are told of it at the end.
    """

    window: Lane
    whole: Lane | None = None
    after: Lane | None = None
    hold: bool = False
    told: Lane | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """``on_error`` is each moderator's own fail mode; ``deadline`` seconds for all moderators of one
    judgement. Up to ``INLINE`` characters are looked over on an event loop; more go to a worker.
    ``strategies``: by a check's name its word for streams (``buffer``, ``after``); others judge a ``window``."""

    scanners: tuple[Scanner, ...]
    moderators: tuple[Moderator, ...]
    rules: Rules
    on_error: Mapping[str, Action] = field(default_factory=dict)
    deadline: float = 10.0
    recall: Recall = field(default_factory=Recall, compare=False, repr=False)  # what was judged here
    strategies: Mapping[str, str] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()  # what is only remembered: of a stream at its end, when it has left
    streaming: Streaming = field(init=False, compare=False, repr=False)
    modelled: frozenset[Kind] = field(init=False)  # those that some moderator reads
    converses: bool = field(init=False)  # some moderator judges texts beside what they answer
    prefilter: Prefilter = field(init=False)
    readers: Mapping[Kind, tuple[Scanner, ...]] = field(init=False)
    early: Mapping[Kind, tuple[Scanner, ...]] = field(init=False)  # those that need not wait for the end
    at_once: frozenset[Kind] = field(init=False)  # those whose readers need not wait for the end
    tails: Mapping[Kind, tuple[Callable[[str], int], ...]] = field(init=False)  # of the readers, in plain text
    exact: Mapping[Kind, tuple[tuple[str, int], ...]] = field(init=False)  # name, characters left of its mark
    asked: Mapping[Kind, tuple[tuple[str, int], ...]] = field(init=False)  # the same of the moderators

    def __post_init__(self) -> None:
        readers = {kind: tuple(s for s in self.scanners if kind in s.reads) for kind in Kind}
        early = {kind: tuple(s for s in found if s.reach is not None) for kind, found in readers.items()}
        exact = {kind: tuple((s.name, 1) for s in found) for kind, found in readers.items()}
        tails = {kind: plain_tails(found) for kind, found in readers.items()}
        object.__setattr__(self, "tails", tails)
        asked = {kind: tuple((m.name, m.window) for m in self.moderators if kind in m.reads) for kind in Kind}
        for name, value in (("readers", readers), ("early", early), ("exact", exact), ("asked", asked)):
            object.__setattr__(self, name, value)
        at_once = frozenset(kind for kind in Kind if len(early[kind]) == len(readers[kind]))
        object.__setattr__(self, "at_once", at_once)
        object.__setattr__(self, "modelled", frozenset(kind for m in self.moderators for kind in m.reads))
        object.__setattr__(self, "converses", any(m.converses for m in self.moderators))
        object.__setattr__(self, "prefilter", Prefilter(self.scanners))
        object.__setattr__(self, "streaming", self._streaming())

    def _streaming(self) -> Streaming:
        words = self.strategies
        if not words and not self.signals:
            return Streaming(self)

        def of(*strategies: str, scanners: bool = True) -> Lane | None:
            chosen = tuple(s for s in self.scanners if scanners and words.get(s.name, "window") in strategies)
            models = tuple(m for m in self.moderators if words.get(m.name, "window") in strategies)
            if not chosen and not models:
                return None
            return Lane(chosen, models, self.rules, self.on_error, self.deadline, Recall(0))

        # What computes with exact spans judges the same text in the same way however much of it there is.
        exact = tuple(s for s in self.scanners if words.get(s.name) != "after")
        models = tuple(m for m in self.moderators if m.name not in words)
        window = Lane(exact, models, self.rules, self.on_error, self.deadline, Recall(0))
        told = self if self.signals else None
        return Streaming(window, of("buffer", scanners=False), of("after"), "buffer" in words.values(), told)

    def only(self, moderators: Iterable[Moderator]) -> Lane:
        """The same lane with no scanners, and these of its models."""
        return Lane((), tuple(moderators), self.rules, self.on_error, self.deadline, self.recall)

    def skipped(self, kinds: Iterable[Kind]) -> set[str]:
        """Which checks leave out which kinds of text that are here, by their own rule."""
        kinds = set(kinds)
        checks: tuple[Scanner | Moderator | Signal, ...] = (*self.scanners, *self.moderators, *self.signals)
        return {f"{check.name}:{kind}" for check in checks for kind in kinds if kind not in check.reads}

    def failed(self, moderator: Moderator | SeeingModerator, error: Exception, segments: Sequence[Segment]) -> Verdict:
        """What a check that could not run means: the policy's own word for it, and a gap each."""
        reason = getattr(error, "reason", type(error).__name__)
        action = self.on_error.get(moderator.name, Action.REFUSE)
        where = segments[0].where if segments else ""
        return Verdict(action, (), (Gap(moderator.name, str(reason), where),), "unavailable")


def rule_on(lane: Lane, segment: Segment, finding: Finding) -> Ruling:
    """The ruling on a finding; what must be masked where nothing can be written is refused."""
    ruling = lane.rules.decide(finding)
    if ruling.action is Action.REDACT and segment.fixed:
        return Ruling(Action.REFUSE, ruling.say, ruling.mask)
    if ruling.action is Action.REDACT and segment.echo:
        return Ruling(Action.FLAG, ruling.say, ruling.mask)
    return ruling


def join(verdict: Verdict, ruling: Ruling, finding: Finding) -> Verdict:
    """A verdict with one more finding, unless no rule cares for it."""
    if ruling.action is Action.ALLOW:
        return verdict
    kept = (finding,) if len(verdict.findings) < MAX_FINDINGS else ()
    return verdict | Verdict(ruling.action, kept, (), ruling.say, found=ruling.action >= Action.REVIEW)


def answers(outcome: Settled, count: int) -> Sequence[Answer]:
    """What a moderator said of each of so many texts, by how its flow ended."""
    if outcome.error is None:
        return list(outcome.value)
    return outcome.error.answers if isinstance(outcome.error, PartlyAnswered) else [outcome.error] * count


def heard(name: str, outcome: Settled) -> Verdict:
    """Which models answered a check, as its flow ended: nothing but that."""
    said = outcome.value if outcome.error is None else outcome.error
    models: frozenset[str] = getattr(said, "models", frozenset())
    return Verdict(models=frozenset(f"{name}:{model}" for model in models))


def findings_of(answer: Answer) -> Sequence[Finding]:
    """What was found, also in a text that was not judged in full."""
    if isinstance(answer, PartlyJudged):
        return answer.findings
    return () if isinstance(answer, Exception) else answer
