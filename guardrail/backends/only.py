"""A backend that is listened to about some categories only. Knows names; what a backend is asked stays the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..checks.protocol import Backend, Conversing, Counted, Measured, OfTools, Scores, Seeing, Sided
from ..errors import NotEvaluated
from ..flow import Flow


class Only:
    """``backend``, of which nothing but ``categories`` is heard. A ``Backend``, and ``Seeing`` where that is."""

    def __init__(self, backend: Backend, categories: frozenset[str]) -> None:
        self.name, self.points, self.remote = backend.name, backend.points, backend.remote
        self.longest, self.stride, self.inline = backend.longest, backend.stride, backend.inline
        self.size = backend.size if isinstance(backend, Measured) else len
        self.categories = backend.categories & categories
        self.backend, self._wanted = backend, categories
        self.window: int | None = getattr(backend, "window", None)
        self.timeout = float(getattr(backend, "timeout", 0.0))
        self.sees = backend.sees if isinstance(backend, Seeing) else frozenset[str]()
        self.converses = isinstance(backend, Conversing) and backend.converses

    def on(self, side: Literal["input", "output"]) -> Only:
        """The same for one side."""
        return self._over(self.backend.on(side)) if isinstance(self.backend, Sided) else self

    def of_tools(self) -> Only:
        """The same for what tools gave; itself where the backend does not tell it apart."""
        return self._over(self.backend.of_tools()) if isinstance(self.backend, OfTools) else self

    def answering(self, prompt: str) -> Only:
        """The same for replies to a prompt; itself where the backend does not converse."""
        return self._over(self.backend.answering(prompt)) if isinstance(self.backend, Conversing) else self

    def stats(self) -> Mapping[str, Any]:
        """Those of the backend; none where it has none."""
        return self.backend.stats() if isinstance(self.backend, Counted) else {}

    def _over(self, backend: Backend) -> Only:
        return self if backend is self.backend else Only(backend, self._wanted)

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """See ``Backend``."""
        return [self._heard(said) for said in (yield from self.backend.moderate(texts))]

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Scores]]:
        """See ``Seeing``. Raises NotEvaluated ``blind`` where the backend reads text only."""
        if not isinstance(self.backend, Seeing):
            raise NotEvaluated("blind", f"the backend {self.name} reads text only")
        return [self._heard(said) for said in (yield from self.backend.look(items))]

    def _heard(self, said: Scores) -> Scores:
        wanted = self._wanted
        return replace(
            said,
            scores={name: score for name, score in said.scores.items() if name in wanted},
            flags=None if said.flags is None else {name: flag for name, flag in said.flags.items() if name in wanted},
            unseen=said.unseen & wanted,
        )
