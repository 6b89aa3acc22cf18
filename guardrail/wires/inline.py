"""Moderation that an API gives with its own answer: the ``moderation`` object of Chat Completions and Responses.

Knows the field that asks for it, and where an answer says what came of it. What its scores mean, and what they lead
to, it must never know.

Source: the API reference of both endpoints (``moderation``, request and answer) and the moderation guide, "Moderate
generated content": https://developers.openai.com/api/docs/guides/moderation.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

from . import jsontext
from .protocol import Body

FIELD = "moderation"

Left = Literal["same", "less", "nothing"]
"""What is left of an event from which something was taken."""


MOST = 16
"""Answers of one stream that are kept; a stream has one."""


@runtime_checkable
class Moderated(Protocol):
    """What a ``Wire`` has too whose API judges a request and its answer itself, where the request asks for it."""

    moderates: bool
    """Whether this one does after all."""

    def ask_moderation(self, asked: Body, model: str) -> bool:
        """Put the question into the request. True: the caller had not asked, so the answer to it is not for them."""
        ...

    def moderation(self, answer: Body) -> bytes | None:
        """What came of it, as JSON; None: nothing."""
        ...

    def unwritten(self, answer: Body) -> bool:
        """Has no model written anything yet that could be judged (an error, an answer that is still queued)?"""
        ...


@runtime_checkable
class Moderating(Protocol):
    """What a ``Codec`` has too whose stream may carry such an answer."""

    moderates: bool
    """Whether this one may."""
    moderations: list[bytes]
    """Those that have come, as JSON; of very many the first."""
    stale: bool
    """Text has come after them."""
    failed: bool
    """The API said that it failed, and nothing that a model wrote has come."""
    hides_moderation: bool
    """The caller did not ask for it, so it does not leave."""


def ask(asked: Body, model: str) -> bool:
    """See ``Moderated``. A caller's own question keeps its words, with the model of the policy."""
    own = asked.tree.get(FIELD) if isinstance(asked.tree, dict) else None
    if not isinstance(own, dict):
        asked.set(FIELD, {"model": model})
        return True
    if own.get("model") != model:  # in place, for masks may be on their way into it
        own["model"] = model
        asked.touched = True
    return False


def told(tree: Any) -> bytes | None:
    """What an object says came of the question."""
    said = tree.get(FIELD) if isinstance(tree, dict) else None
    return None if said is None else jsontext.encode(said)


def unheard(tree: Any) -> bool:
    """Is this the error of a server that does not know the question?"""
    error = tree.get("error") if isinstance(tree, dict) else None
    return isinstance(error, dict) and error.get("param") in (FIELD, f"{FIELD}.model")


def written(tree: Any) -> bool:
    """Does an answer hold what a model wrote?"""
    return isinstance(tree, dict) and bool(tree.get("choices") or tree.get("output"))


def failed(tree: Any) -> bool:
    """Is it an error, with nothing of a model's in it?"""
    return isinstance(tree, dict) and bool(tree.get("error")) and not written(tree)


def taken(tree: Any) -> Left:
    """Take the answer to the question out of an object."""
    if not isinstance(tree, dict) or tree.get(FIELD) is None:
        return "same"
    del tree[FIELD]
    return "less"
