"""How one service is asked: requests made of texts, scores read out of replies. What every dialect promises.

A dialect holds no connection and no state: ``Remote`` asks for it, in both colours, with the deadline,
retries, breaker and cache that all of them share. A dialect knows its service's JSON. It must never know a
policy, and never guess: what it cannot read is NotEvaluated.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from ..http import Headers
from .card import Card

Side = Literal["input", "output"]

UNNAMED = "harm"
"""The category for a text that is called harmful as a whole while no category of it is named."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one request asks about.

    ``texts``: at most ``Dialect.batch`` of them. ``side``: who wrote them, the user (``input``) or the model
    (``output``). ``criterion``: one of ``Dialect.criteria``. ``prompt``: on the output side what the user had
    asked, where it is known. ``image``: a data URL or http link that ``texts``, one or none, stand beside.
    """

    texts: tuple[str, ...] = field(repr=False)
    side: Side = "input"
    criterion: str = ""
    prompt: str = field(default="", repr=False)
    image: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Query:
    """One HTTP request, ready to be sent."""

    url: str
    body: bytes = field(repr=False)
    headers: Headers = field(default=(), repr=False)
    method: str = "POST"


class Dialect(Protocol):
    """One service's language.

    ``card``: its capabilities, those of the model that is configured. ``model``: the id that is asked for, or "".
    ``categories``: what it will be listened to about. ``points``: named operating points to thresholds by category;
    None where the service's own flags are its decision. ``batch``, ``batch_chars``: texts and characters that one
    request takes. ``criteria``: a text is asked about once for each of them, and what is said is put together.
    ``slow``: ``query`` may wait (for credentials, say) and is called on a worker thread.
    """

    card: Card
    model: str
    categories: frozenset[str]
    points: Mapping[str, Mapping[str, float]] | None
    batch: int
    batch_chars: int
    criteria: tuple[str, ...]
    slow: bool

    def query(self, question: Question) -> Query:
        """The request. Raises NotEvaluated for what cannot or must not be sent."""
        ...

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores`` a text, same order; one for an image. Raises NotEvaluated: ``status``, ``malformed``,
        ``empty``, ``unknown_category``, ``refused``; never guesses.
        """
        ...


@runtime_checkable
class OneSided(Protocol):
    """What a ``Dialect`` has too that does not judge the same on both sides: jailbreaks in prompts only, say."""

    def asked(self, side: Side) -> tuple[str, ...]:
        """Those of ``criteria`` that are asked about on a side."""
        ...

    def judges(self, side: Side) -> frozenset[str]:
        """Those of ``categories`` that are judged on a side."""
        ...


@runtime_checkable
class ToolSided(Protocol):
    """What a ``Dialect`` has too where it asks otherwise about text that tools and documents gave."""

    def of_tools(self) -> Dialect:
        """The dialect for such text; itself where all text is such."""
        ...


def encoded(value: Any) -> bytes:
    """JSON to send. Raises NotEvaluated for text that no Unicode text is."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        pass
    raise NotEvaluated("malformed", "the text holds a lone surrogate and cannot be sent")


def answered(reply: Reply, *good: int) -> bytes:
    """The body of a reply with status 200 (or one of ``good``). Raises NotEvaluated ``status``."""
    if reply.status not in (good or (200,)):
        raise NotEvaluated("status", f"the service answered with status {reply.status}")
    return reply.body


def decoded(reply: Reply, *good: int) -> Any:
    """The JSON of a good reply. Raises NotEvaluated: ``status``, ``malformed``. NaN and Infinity are no JSON."""
    body = answered(reply, *good)
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        pass
    raise NotEvaluated("malformed", "the reply is not JSON")


def _no_number(_: str) -> Any:
    raise ValueError("no JSON number")


def malformed(what: str) -> NotEvaluated:
    """For a reply that is not as its document says. ``what`` never quotes it."""
    return NotEvaluated("malformed", what)


def told_again(error: BaseException) -> BaseException:
    """The same for another who waited for it: one error cannot be raised by many, for each adds its own traceback."""
    if isinstance(error, NotEvaluated):
        return NotEvaluated(error.reason, str(error).partition(": ")[2])
    return error


def score(value: Any, most: float = 1.0) -> float:
    """A number in [0, most], brought to [0, 1]. Raises NotEvaluated for anything else, NaN too."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise malformed("a score is no number in its range")
    return value / most


def bearer(key: str | None) -> Headers:
    """The headers of a JSON request, with a key where there is one. Raises ValueError for what is no key."""
    plain = (("content-type", "application/json"),)
    if key is None:
        return plain
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise ValueError("the API key is empty or has characters that no key has: check where it is read from")
    return (("authorization", f"Bearer {key}"), *plain)


def ignored(names: Iterable[str], known: Collection[str]) -> frozenset[str]:
    """Names of a service's categories that are not to be listened to. Raises ValueError for one it has not."""
    names = frozenset(names)
    if strange := sorted(names - set(known)):
        raise ValueError(f"`ignore` names {strange[0]}, which is none of: {', '.join(sorted(known))}")
    return names
