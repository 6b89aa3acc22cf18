"""``LocalBackend``: the embedded model behind the protocol that every moderation backend has.

Knows how long scoring may hold up an event loop. Never knows roles, policies or what a threshold is used for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..checks.protocol import Scores
from ..flow import Call, Flow
from .categories import CATEGORIES
from .moderation import LocalModeration


class LocalBackend:
    """The embedded model as a ``Backend``. Asks nothing of the network and judges every category.

    Making one loads the model, so that no first request waits for it: raises OSError or ValueError
    where the artifact is missing or damaged. ``longest`` is a cap for memory's sake: no text is cut.
    """

    name: str = "local"
    categories: frozenset[str] = frozenset(CATEGORIES)
    longest: int = 1 << 20
    stride: int = 160
    inline: int = 600
    remote: bool = False

    def __init__(self, moderation: LocalModeration | None = None) -> None:
        self._moderation = moderation or LocalModeration()
        self.points: Mapping[str, Mapping[str, float]] | None = self._moderation.points

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """Computes at once up to ``inline`` characters in all; more is asked of a worker thread."""
        if sum(map(len, texts)) <= self.inline:
            found = self._moderation.score(texts)
        else:
            found = yield Call(self._moderation.score, (tuple(texts),))
        return [Scores(scores, model=self._moderation.model) for scores in found]
