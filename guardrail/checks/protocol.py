"""What every check promises, and the contract that makes judging independent of how text arrives.

Two kinds of check. A *scanner* computes: ``scan`` is plain and exact about spans. A *moderator*
asks a model or a service about whole windows of text and has no exact spans.

The law of a scanner's ``tail``, on which cut-independence and zero leak rest:

    every match, in any continuation of ``text``, that starts before ``len(text) - tail(text)``
    is already found, in full, by ``scan(text)``; and the point only moves forward as text grows.

So the text before that point may leave, and scanning again from that point gives what scanning
everything would have given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from ..errors import NotEvaluated
from ..flow import Flow
from ..verdict import Finding, Kind

EVERYTHING = frozenset(Kind)
SPOKEN = EVERYTHING - {Kind.SYSTEM, Kind.DEFINITION}
"""What a harm model reads by default: not the operator's own prompt, nor tool definitions."""


class Scanner(Protocol):
    """A check that computes.

    ``reach``: the largest ``tail`` it can ask for, in characters; None: it needs the whole text;
    ``sys.maxsize``: no bound, a match may stay open as long as the text goes on.
    ``inline``: texts up to this many characters may be scanned on an event loop.
    ``triggers``: RE2 patterns such that where none of them matches, ``scan`` finds nothing;
    None: there are no such patterns and ``scan`` is always asked.
    """

    name: str
    reads: frozenset[Kind]
    reach: int | None
    inline: int
    triggers: tuple[str, ...] | None
    categories: frozenset[str]

    def scan(self, text: str, start: int = 0) -> Sequence[Finding]:
        """All findings that begin at or after ``start``; what stands before it is context only.

        Findings of one pattern do not overlap, leftmost first. Spans count characters of ``text``.
        """
        ...

    def tail(self, text: str) -> int:
        """How many characters at the end of ``text`` could still become part of a match."""
        ...


@dataclass(frozen=True, slots=True)
class Scores:
    """What a moderation backend said of one text.

    ``scores`` by category wire name, in [0, 1]; ``flags`` is the service's own decision where it
    gives one; ``unseen`` names the categories it did not look at (never to be read as 0); ``spans``: the
    (start, end) in characters that a category's score is about, where that is known to be less than all. ``why``: the
    reason for what is unseen. ``by``: where several were asked, what each of them said itself, by its name.
    """

    scores: Mapping[str, float]
    flags: Mapping[str, bool] | None = None
    unseen: frozenset[str] = frozenset()
    model: str = ""
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    why: str = "unseen"
    by: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


class Backend(Protocol):
    """The moderation backend protocol: texts in, scores out, as a flow.

    ``categories``: the wire names it can judge. ``points``: named operating points (lenient,
    balanced, strict) to thresholds by category; None where the service's own ``flags`` are its one
    decision, which is then the point ``balanced``. ``longest``: characters it takes in one text.
    ``stride``: characters of new text after which a stream is worth asking about again. ``remote``: it
    asks something outside of this process, so that each question costs a way there and back.
    """

    @property
    def name(self) -> str: ...
    @property
    def categories(self) -> frozenset[str]: ...
    @property
    def points(self) -> Mapping[str, Mapping[str, float]] | None: ...
    @property
    def longest(self) -> int: ...
    @property
    def stride(self) -> int: ...
    @property
    def inline(self) -> int: ...
    @property
    def remote(self) -> bool: ...

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` a text, same order. Raises NotEvaluated; never guesses."""
        ...


@runtime_checkable
class Seeing(Protocol):
    """What a ``Backend`` has too where it can judge more than text. ``sees``: the modalities
    (``image``, ...); empty where this one cannot after all.
    """

    sees: frozenset[str]

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` an item, same order; an item is the text beside the content, or nothing, and
        its source: an ``http(s)`` link, or a data URL. ``unseen`` names the categories that were not
        applied to the content itself. Raises NotEvaluated; never guesses.
        """
        ...


@runtime_checkable
class Measured(Protocol):
    """What a ``Backend`` has too whose ``longest`` does not count characters."""

    def size(self, text: str) -> int:
        """How long a text is, in its unit: at least one a character."""
        ...


@runtime_checkable
class Sided(Protocol):
    """What a ``Backend`` has too that asks otherwise about what the model wrote than about what users wrote."""

    def on(self, side: Literal["input", "output"]) -> Backend:
        """The backend for one side. Both share all they have."""
        ...


@runtime_checkable
class Conversing(Protocol):
    """What a ``Backend`` has too that judges a reply better beside what the user had asked. ``converses``: False where
    this one does not after all, and is asked as any other.
    """

    @property
    def converses(self) -> bool: ...

    def answering(self, prompt: str) -> Backend:
        """The backend for replies to that prompt. It shares all that this one has."""
        ...


@runtime_checkable
class Counted(Protocol):
    """What a ``Backend`` has too that asks a service: what it can tell of how that goes."""

    def stats(self) -> Mapping[str, Any]:
        """Counts by name, and ``breaker``: closed, open or half-open."""
        ...


@runtime_checkable
class OfTools(Protocol):
    """What a ``Backend`` has too where it judges text that tools and documents gave by another measure: an
    instruction to the model, which a person may well give, is an attack there.
    """

    def of_tools(self) -> Backend:
        """The backend for such text."""
        ...


class Moderator(Protocol):
    """A check that asks a backend. Windows end at the places ``stop`` names, so that a verdict
    does not depend on how a stream was cut; each sees at most ``window`` characters. ``remote``: see ``Backend``;
    ``converses``: see ``Conversing``.
    """

    name: str
    reads: frozenset[Kind]
    window: int
    categories: frozenset[str]
    remote: bool
    converses: bool

    def stop(self, after: int, text: str, begin: int = 0) -> int | None:
        """The next character position, after ``after``, at which a growing text is judged; None: not yet.

        ``text[begin:]`` is what there is of it from ``after`` on. A place once named stays the place
        however the text goes on.
        """
        ...

    def ask(self, texts: Sequence[str], prompt: str = "") -> Flow[Sequence[Sequence[Finding]]]:
        """Findings for each text; each spans its text, or the window of it that was worst.

        ``prompt``: what the texts answer, where that is known; nothing to one that does not converse.
        Raises NotEvaluated; ``PartlyAnswered`` where some of the texts could be judged, or some of what is in them.
        """
        ...


class PartlyJudged(NotEvaluated):
    """A text was not judged in full. ``findings``: what was found of it all the same."""

    def __init__(self, reason: str, detail: str, findings: Sequence[Finding]) -> None:
        super().__init__(reason, detail)
        self.findings = findings


class Heard(list[Sequence[Finding]]):
    """What a moderator answered: of each text its findings. ``models``: those that were heard, by their own names."""

    __slots__ = ("models",)

    def __init__(self, answers: Iterable[Sequence[Finding]], models: frozenset[str]) -> None:
        super().__init__(answers)
        self.models = models


class PartlyAnswered(NotEvaluated):
    """Of a question's texts not each was judged in full. ``answers``: of each its findings, or its ``PartlyJudged``.

    An error, so that whoever does not look into it takes nothing for clean. ``models``: see ``Heard``.
    """

    def __init__(
        self, answers: Sequence[Sequence[Finding] | PartlyJudged], models: frozenset[str] = frozenset()
    ) -> None:
        first = next(answer for answer in answers if isinstance(answer, PartlyJudged))
        super().__init__(first.reason, str(first).partition(": ")[2])
        self.answers, self.models = answers, models


class MemberFailed(NotEvaluated):
    """One of several that are needed could not answer. ``models``: those of the others that were heard."""

    def __init__(self, reason: str, detail: str, models: frozenset[str]) -> None:
        super().__init__(reason, detail)
        self.models = models


@dataclass(frozen=True, slots=True)
class Looked:
    """What a moderator found in one item. ``unseen``: categories it could only judge the text on. ``model``: the one
    that looked."""

    findings: Sequence[Finding] = ()
    unseen: frozenset[str] = frozenset()
    model: str = ""


@runtime_checkable
class SeeingModerator(Protocol):
    """What a ``Moderator`` has too where its backend is ``Seeing``."""

    name: str
    reads: frozenset[Kind]
    sees: frozenset[str]

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Looked]]:
        """One ``Looked`` an item (text beside it, source), same order. Findings have no span.

        Raises NotEvaluated, also (``unseen``) where nothing was found and no category was judged.
        """
        ...


Check = Scanner | Moderator
