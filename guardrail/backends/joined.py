"""What came of a question, for all who wait for its answer: those who joined another's among them.

Knows futures, scores and reasons. Never asks anything, and never reads a reply.
"""

from __future__ import annotations

from concurrent.futures import Future

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from .dialect import told_again
from .memory import ABANDONED

LATE = frozenset({"timeout", "busy", "closed"})
"""Reasons that are of who asked: it had no time left, no place, or a world that was closed. Another may do better."""


def late() -> NotEvaluated:
    return NotEvaluated("timeout", "no complete answer within the time allowed")


def unanswered(future: Future[Scores], *, late: bool) -> bool:
    """Is there no answer because of who asked? ``late``: also where it was only too late."""
    reason = getattr(_outcome(future), "reason", "")
    return reason == ABANDONED or (late and reason in LATE)


def answer(future: Future[Scores]) -> Scores:
    """The scores. Raises what those who wait are told."""
    said = _outcome(future)
    if isinstance(said, Scores):
        return said
    raise told_again(said)


def _outcome(future: Future[Scores]) -> Scores | BaseException:
    if not future.done():
        return late()
    return future.exception() or future.result()
