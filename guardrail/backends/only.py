"""A backend that is listened to about some categories only. Knows names; what a backend is asked stays the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..checks.protocol import Backend, Measured, Scores, Seeing
from ..errors import NotEvaluated
from ..flow import Flow


class Only:
    """``backend``, of which nothing but ``categories`` is heard. A ``Backend``, and ``Seeing`` where that is."""

    def __init__(self, backend: Backend, categories: frozenset[str]) -> None:
        self.name, self.points, self.remote = backend.name, backend.points, backend.remote
        self.longest, self.stride, self.inline = backend.longest, backend.stride, backend.inline
        self.size = backend.size if isinstance(backend, Measured) else len
        self.categories = backend.categories & categories
        self.backend = backend
        self.sees = backend.sees if isinstance(backend, Seeing) else frozenset[str]()

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """See ``Backend``."""
        return [self._heard(said) for said in (yield from self.backend.moderate(texts))]

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Scores]]:
        """See ``Seeing``. Raises NotEvaluated ``blind`` where the backend reads text only."""
        if not isinstance(self.backend, Seeing):
            raise NotEvaluated("blind", f"the backend {self.name} reads text only")
        return [self._heard(said) for said in (yield from self.backend.look(items))]

    def _heard(self, said: Scores) -> Scores:
        wanted = self.categories
        return replace(
            said,
            scores={name: score for name, score in said.scores.items() if name in wanted},
            flags=None if said.flags is None else {name: flag for name, flag in said.flags.items() if name in wanted},
            unseen=said.unseen & wanted,
        )
