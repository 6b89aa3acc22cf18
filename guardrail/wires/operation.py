"""One operation of an API as data: routes, tables, caps; and how its errors look.

A subclass says what is its own (how a refusal reads as an answer, how it streams). What all share
stands here. Knows JSON bodies; of a policy, a door or a check it must never know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..http import Head, Release, Request
from ..text import Segment
from ..verdict import Kind
from . import generic, jsontext
from .document import Document
from .open_stream import open_stream, said_in_events
from .protocol import Body, Codec, Notice, Reference
from .table import EMPTY, Node

JSON = ("content-type", "application/json")
Errors = Callable[[Notice], bytes]
References = Mapping[str, str]
"""Where a body names kept objects: dotted paths (``[*]`` for items) to the API's word for the kind."""


class Operation:
    """A wire format. What is given here does for most; generating operations override more."""

    sure = True
    """Does the path alone say whose request it is? Else the body must name a model."""
    turns = "messages"
    """The top-level list whose items are the messages of a conversation."""
    caps: tuple[tuple[str, ...], ...] = ()
    """Fields that limit the output, as paths; where none is given by the caller, the first is put."""
    user: tuple[str, ...] = ()
    """The field that carries the end user's id upstream, as a path; none: the API has none."""
    words: frozenset[str] = frozenset()
    """Error codes and finish reasons by which this provider refuses for safety."""

    def __init__(
        self,
        name: str,
        routes: Sequence[str],
        *,
        asks: Node = EMPTY,
        says: Node = EMPTY,
        errors: Errors = generic.problem,
        asks_kind: Kind = Kind.OTHER,
        modalities: frozenset[str] = frozenset(),
        refers: References | None = None,
        issues: References | None = None,
    ) -> None:
        self.name, self.routes = name, tuple(routes)
        self.asks, self.says, self._errors, self._asks_kind = asks, says, errors, asks_kind
        self._modalities = modalities
        self._refers, self._issues = dict(refers or {}), dict(issues or {})

    def mine(self, request: Request) -> bool:
        return True

    # -- reading -----------------------------------------------------------------------------

    def request(self, body: bytes, asked: Request) -> Body:
        """JSON, whatever the body calls itself; an empty one where the method needs none."""
        if not body and (self.asks is EMPTY or asked.method not in ("POST", "PUT", "PATCH")):
            return generic.body(body, "", self.asks, self._asks_kind)
        return Document(body, self.asks, self._asks_kind)

    def response(self, body: bytes, media: str) -> Body:
        """JSON; where a server in front answers with something else, that is read as what it is."""
        if body and generic.is_json(media):
            return Document(body, self.says, Kind.ASSISTANT)
        answer = generic.answer(body, media, self.says)
        answer.segments += said_in_events(body)
        return answer

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        return open_stream(head, self.says)

    def gives(self, media: str) -> str | None:
        word = media.partition("/")[0]
        return word if word in self._modalities else "file" if "file" in self._modalities else None

    def messages(self, asked: Body) -> int:
        turns = asked.tree.get(self.turns) if isinstance(asked.tree, dict) else None
        return len(turns) if isinstance(turns, list) else 0

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        tree = asked.tree if asked is not None else None
        return [found for at, kind in self._refers.items() for found in named(tree, at, kind)]

    def issued(self, answer: Body) -> list[Reference]:
        return [found for at, kind in self._issues.items() for found in named(answer.tree, at, kind)]

    def incident(self, status: int, answer: Body) -> str | None:
        """An error whose code or type is one of the provider's safety words."""
        tree = answer.tree if isinstance(answer.tree, dict) else {}
        error = tree.get("error")
        if not isinstance(error, dict):
            return None
        inner = error.get("innererror")
        said = (error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None)
        return next((word for word in said if isinstance(word, str) and word in self.words), None)

    # -- writing -----------------------------------------------------------------------------

    def limit_output(self, asked: Body, tokens: int) -> None:
        given = False
        for path in self.caps:
            home = _home(asked.tree, path)
            if home is not None and home.get(path[-1]) is not None:
                given = True
                value = home[path[-1]]
                if type(value) is not int or not 0 < value <= tokens:
                    _put(asked, path, tokens)
        if self.caps and not given:
            _put(asked, self.caps[0], tokens)

    def forward(self, asked: Body, name: str, user: str | None) -> None:
        """What a client says of itself names nobody: the field is the policy's, or it is gone."""
        if not self.user:
            return
        path = (name,) if len(self.user) == 1 else self.user
        if user is not None:
            _put(asked, path, user)
        elif (home := _home(asked.tree, path)) is not None and path[-1] in home:
            del home[path[-1]]
            asked.touched = True

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Nothing is known to be repeated."""

    def render(self, asked: Body | None, notice: Notice) -> Release:
        if notice.answer and (answer := self.answer(asked, notice)) is not None:
            return answer
        return self.error(notice)

    def answer(self, asked: Body | None, notice: Notice) -> Release | None:
        """The notice as an ordinary reply; None where the operation has no words to give."""
        return None

    def error(self, notice: Notice) -> Release:
        return Release(self._errors(notice), Head(notice.status, (JSON, *notice.headers())), end=True)


def reply(tree: Any, notice: Notice) -> Release:
    """A whole JSON reply of status 200 that carries a notice."""
    return Release(jsontext.encode(tree), Head(200, (JSON, *notice.headers())), end=True)


def streamed(body: bytes, media: str, notice: Notice) -> Release:
    """A stream of status 200 that carries a notice, from its first byte to its last."""
    return Release(body, Head(200, (("content-type", media), *notice.headers())), end=True)


def tree_of(body: Body | None) -> dict[str, Any]:
    """The body's JSON object; an empty one where it is none."""
    return body.tree if body is not None and isinstance(body.tree, dict) else {}


def text_at(tree: Mapping[str, Any], key: str, default: str = "") -> str:
    """A string field of an object; the default where it is missing or something else."""
    value = tree.get(key)
    return value if isinstance(value, str) else default


def named(tree: Any, at: str, kind: str) -> list[Reference]:
    """The ids that stand at a dotted path of a tree."""
    found = [tree]
    for step in at.split("."):
        name, _, items = step.partition("[")
        found = [value.get(name) for value in found if isinstance(value, dict)]
        if items:
            found = [item for value in found if isinstance(value, list) for item in value]
    return [Reference(kind, value, at) for value in found if isinstance(value, str) and value]


def _home(tree: Any, path: tuple[str, ...]) -> dict[str, Any] | None:
    for step in path[:-1]:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree if isinstance(tree, dict) else None


def _put(asked: Body, path: tuple[str, ...], value: Any) -> None:
    tree = asked.tree
    for step in path[:-1]:
        if not isinstance(tree, dict):
            return
        if not isinstance(tree.get(step), dict):
            tree[step] = {}
        tree = tree[step]
    if isinstance(tree, dict) and tree.get(path[-1]) != value:
        tree[path[-1]] = value
        asked.touched = True
