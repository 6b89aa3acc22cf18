"""A compiled policy: frozen, complete, and all an exchange needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..admit.identity import Identity
from ..admit.limits import Limits
from ..checks.protocol import Backend
from ..errors import BadRequest, Problem
from ..verdict import Action
from ..wires.router import Router
from .inline import Inline
from .lane import Lane
from .lines import Lines
from .texts import Texts

MiB = 1 << 20


@dataclass(frozen=True, slots=True)
class Caps:
    """Sizes above which a request is refused; ``output_tokens`` is clamped to instead. None: no cap."""

    body: int = 10 * MiB
    chars: int | None = None
    messages: int | None = None
    output_tokens: int | None = None
    reply: int = 64 * MiB  # bytes of an answer that may be held

    def check(self, chars: int, messages: int) -> None:
        """Raises BadRequest for a request with more text or more messages than these."""
        if self.chars is not None and chars > self.chars:
            raise BadRequest(f"the request has more than {self.chars} characters of text", code="too_long", status=413)
        if self.messages is not None and messages > self.messages:
            what = f"the request has more than {self.messages} messages"
            raise BadRequest(what, code="too_many_messages", status=413)


@dataclass(frozen=True, slots=True)
class Recording:
    """What text a log row keeps: none, hash, masked or full. ``key`` keys the hash.

    ``required``: an answer whose row cannot be stored is not given.
    """

    text: str = "none"
    key: bytes | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a stream is waited for, in seconds; None: for ever.

    ``first_byte``: from asking the model's server to the first bytes of its answer. ``idle``: between two
    reads. ``keep_alive``: silence after which the caller is told that the stream is alive. ``settle``:
    silence after which held text is judged as far as it is, though a model would wait for more.
    """

    first_byte: float | None = 600.0
    idle: float | None = 600.0
    keep_alive: float | None = 15.0
    settle: float | None = 1.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Which paths the guard looks at, and what becomes of those no wire format claims."""

    unclaimed: str | None = None  # walk | pass | refuse; None: the door's own default
    skip: tuple[str, ...] = ()
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """``answer``: content refusals are rendered as ordinary replies, else as errors."""

    name: str
    hash: str
    input: Lane
    output: Lane
    texts: Texts
    observe: bool = False
    on_bug: Action = Action.REFUSE
    answer: bool = True
    scope: Scope = field(default_factory=Scope)
    caps: Caps = field(default_factory=Caps)
    recording: Recording = field(default_factory=Recording)
    identity: Identity | None = None
    limits: Limits | None = None
    modalities: Mapping[str, Action] = field(default_factory=dict)
    references: Mapping[str, Action] = field(
        default_factory=lambda: {"unknown": Action.ALLOW, "foreign": Action.REFUSE}
    )
    """For a standing of an object that a request names (unknown, foreign, refused): what becomes of it."""
    websockets: str | None = None
    patience: Patience = field(default_factory=Patience)
    overlap: str = "none"  # none | upstream | app: what runs beside input checks that ask somebody far away
    reversible: bool = False  # some rule's masks are undone in the answer
    retell: bool = True  # a provider's own safety error is told as the policy tells refusals
    router: Router = field(default_factory=lambda: Router(()))
    backends: Mapping[str, Backend] = field(default_factory=dict)
    """By the name of a check, whom it asks."""
    lines: Lines = field(default_factory=Lines, repr=False, compare=False)
    """The lines there, for the plan that takes the place of this one."""
    inline: Inline | None = None
    """The check whose verdict the upstream's own answer brings."""
    remarks: tuple[Problem, ...] = ()
    """What is right and may surprise, each with its place; ``guardrail policy check`` shows them."""

    def posture(self, modality: str) -> Action:
        """What becomes of content that no check can read."""
        return self.modalities.get(modality, Action.ALLOW)
