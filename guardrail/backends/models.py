"""The models that one service has answered by. Scores of another model may need other thresholds.

Knows ids and a log. Must never know what a model said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

_log = logging.getLogger("guardrail")

MOST = 32
"""Ids that are told apart in the log: a service that makes up a new one each time must not fill it."""


class Models:
    """Says of each new model so once, and counts every change (``model_changes``). Safe between threads.

    ``name``: the backend's. ``count``: is told of one more of something.
    """

    def __init__(self, name: str, count: Callable[[str], None]) -> None:
        self._name, self._count = name, count
        self._last, self._known, self._lock = "", set[str](), Lock()

    def heard(self, model: str) -> None:
        """An answer came, by the model of this id."""
        with self._lock:
            before, self._last = self._last, model
            new = model not in self._known and len(self._known) < MOST
            if new:
                self._known.add(model)
        if before and before != model:
            self._count("model_changes")
            if new:
                _log.warning("backend %s answers with another model: %s, before %s", self._name, model, before)
