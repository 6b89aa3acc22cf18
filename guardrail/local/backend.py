"""``LocalBackend``: the embedded model behind the protocol that every moderation backend has.

Knows how long scoring may hold up an event loop. Never knows roles, policies or what a threshold is used for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..checks.protocol import Scores
from ..flow import Call, Flow
from .categories import CATEGORIES
from .moderation import LocalModeration

MOST = 256
"""Windows of one question that the encoder reads: the worst ones, where there are more."""


class LocalBackend:
    """The embedded model as a ``Backend``. Asks nothing of the network and judges every category.

    ``tier``: ``fast`` or ``accurate``; None: the fast one first, and the accurate one where that does not
    decide. ``indirect``: the texts came from tools or documents. Making one loads the models, so that no
    first request waits for it: raises OSError or ValueError where a file is missing or damaged, ImportError
    where the accurate tier needs an extra that is not there.
    """

    name: str = "local"
    categories: frozenset[str] = frozenset(CATEGORIES)
    longest: int = 1 << 20
    """A cap for memory's sake: no text is cut."""
    stride: int = 160
    window: int = 288
    """Of a growing text: about one window of the encoder. More would be read again at every stride."""
    inline: int = 600
    """Characters in all that the fast tier scores at once; the encoder is always asked of a worker."""
    remote: bool = False

    def __init__(self, tier: str | None = None, *, indirect: bool = False) -> None:
        self._tier = tier
        self._moderation = LocalModeration(tier, indirect=indirect)
        self._tiers = self._moderation.tiers
        self.points: Mapping[str, Mapping[str, float]] | None = self._moderation.points

    def of_tools(self) -> LocalBackend:
        """The same for text that tools and documents gave."""
        return LocalBackend(self._tier, indirect=True)

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """Computes at once what is short and decided by the fast tier; the rest is asked of a worker thread."""
        tiers = self._tiers
        if sum(map(len, texts)) > self.inline:
            found = yield Call(tiers.score, (tuple(texts), MOST))
        else:
            opinions = [tiers.first(text) for text in texts]
            if all(opinion.decisive for opinion in opinions):
                found = tiers.settled(texts, opinions)
            else:
                found = yield Call(tiers.settled, (tuple(texts), opinions, MOST))
        return [Scores(one.scores, model=self._moderation.named(one.tier), spans=one.spans) for one in found]
