"""Plans built by hand from tiny checks, so that the tests of wires and streams need no policy file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guardrail.checks.protocol import EVERYTHING
from guardrail.flow import Flow
from guardrail.policy.lane import Lane
from guardrail.policy.plan import Caps, Plan
from guardrail.policy.rules import Rule, Rules
from guardrail.policy.texts import Texts
from guardrail.verdict import Action, Finding, Kind
from guardrail.wires.catalogue import router
from guardrail.wires.operation import Operation

REFUSED = "custom/refused"
MASKED = "custom/masked"
MASKED_TOO = "custom/masked_too"
FLAGGED = "custom/flagged"
MASK = "[gone]"
SAY = "This was not allowed here."


@dataclass
class Word:
    """Finds one word. ``needs_all``: pretends to need the whole text, as a check without reach does."""

    word: str
    category: str = REFUSED
    name: str = ""
    needs_all: bool = False
    reads: frozenset[Kind] = EVERYTHING
    triggers: tuple[str, ...] | None = None
    inline: int = 4096
    categories: frozenset[str] = field(init=False)
    reach: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.name or f"word {self.word}"
        self.categories = frozenset({self.category})
        self.reach = None if self.needs_all else len(self.word) - 1

    def scan(self, text: str, start: int = 0) -> list[Finding]:
        found, at = [], text.find(self.word, start)
        while at >= 0:
            found.append(Finding(self.category, 1.0, at, at + len(self.word), self.name))
            at = text.find(self.word, at + len(self.word))
        return found

    def tail(self, text: str) -> int:
        if self.needs_all:
            return len(text)
        longest = min(len(self.word) - 1, len(text))
        return next((n for n in range(longest, 0, -1) if text.endswith(self.word[:n])), 0)


@dataclass
class AnyText:
    """Finds every text there is: nothing may get through."""

    category: str = REFUSED
    name: str = "any text"
    reads: frozenset[Kind] = EVERYTHING
    triggers: tuple[str, ...] | None = None
    inline: int = 4096
    reach: int | None = 0
    categories: frozenset[str] = frozenset({REFUSED})

    def scan(self, text: str, start: int = 0) -> list[Finding]:
        return [Finding(self.category, 1.0, start, len(text), self.name)] if text[start:] else []

    def tail(self, text: str) -> int:
        return 0


@dataclass
class Judge:
    """A moderator that finds a text to be harmful where a word occurs in its window."""

    word: str
    stride: int = 16
    window: int = 64
    name: str = "judge"
    category: str = REFUSED
    reads: frozenset[Kind] = EVERYTHING
    categories: frozenset[str] = frozenset({REFUSED})
    asked: list[str] = field(default_factory=list)

    remote: bool = False
    converses: bool = False
    prompts: list[str] = field(default_factory=list)  # what came beside, of those that are any

    def stop(self, after: int, text: str, begin: int = 0) -> int | None:
        stop = (after // self.stride + 1) * self.stride
        return stop if stop - after <= len(text) - begin else None

    def ask(self, texts: Sequence[str], prompt: str = "") -> Flow[Sequence[Sequence[Finding]]]:
        self.asked += texts
        self.prompts += [prompt] if prompt else []
        found = [[Finding(self.category, 1.0, 0, len(t), self.name)] if self.word in t else [] for t in texts]
        yield from ()  # a flow, though it asks nobody
        return found


RULES = Rules(
    [
        Rule((REFUSED,), Action.REFUSE),
        Rule((MASKED,), Action.REDACT, mask=MASK),
        Rule((MASKED_TOO,), Action.REDACT, mask="[hid]"),
        Rule((FLAGGED,), Action.FLAG),
    ],
    {},
)


def lane(*checks: Word | AnyText | Judge) -> Lane:
    scanners = tuple(c for c in checks if not isinstance(c, Judge))
    moderators = tuple(c for c in checks if isinstance(c, Judge))
    return Lane(scanners, moderators, RULES)


def plan(
    *checks: Word | AnyText | Judge,
    observe: bool = False,
    answer: bool = True,
    on_bug: Action = Action.REFUSE,
    caps: Caps | None = None,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    wires: tuple[Operation, ...] = (),
) -> Plan:
    """A plan with the same checks both ways. Without any it finds nothing, yet reads everything."""
    both = lane(*checks)
    return Plan(
        "test",
        "0" * 64,
        both,
        both,
        Texts(texts or {"default": {"en": SAY}}),
        observe=observe,
        on_bug=on_bug,
        answer=answer,
        caps=caps or Caps(),
        router=router(wires),
    )


NOTHING = plan(Word("\x00never\x00"))
OBSERVE = plan(Word("\x00never\x00"), observe=True)
