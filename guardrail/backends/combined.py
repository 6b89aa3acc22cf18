"""Several backends as one: any of them, all, the first that knows, or their weighted mean.

Knows members, their scores and what is missing of them. Must never know which services they are, nor what a score
leads to. A member that cannot answer is never a clean result, nor a category that nobody judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..checks.protocol import Backend, Measured, OfTools, Scores, Sided
from ..flow import Flow
from .braid import braid
from .dialect import UNNAMED, Side, told_again
from .scale import common, points
from .units import SIZES

Manner = Literal["any", "all", "first", "weighted"]


@dataclass(frozen=True, slots=True)
class Member:
    """``name``: the check's, told with what it said. ``weight``: in a weighted mean."""

    name: str
    backend: Backend
    weight: float = 1.0


class Combined:
    """A ``Backend`` of others. Scores are on the common scale of ``scale``, and so are its ``points``.

    ``any``: the highest score. ``all``: the lowest of those who judge a category at all. ``weighted``: the mean by
    weight. These ask all members at a time. ``first``: asks in order; the next one where a member could not
    answer, or where its highest score lies within ``between``; what the last one asked says stands, and of what that
    one does not judge, what was said before. What none of those who answered judges is unseen.
    """

    inline = 0

    def __init__(
        self,
        manner: Manner,
        members: Sequence[Member],
        *,
        between: tuple[float, float] | None = None,
    ) -> None:
        self.name: str = manner
        self.members, self.manner, self.between = tuple(members), manner, between
        backends = [member.backend for member in members]
        self.categories = frozenset[str]().union(*(backend.categories for backend in backends))
        self.points: Mapping[str, Mapping[str, float]] | None = points(self.categories | {UNNAMED})
        self.longest = min(backend.longest for backend in backends)
        self.stride = max(backend.stride for backend in backends)
        self.remote = any(backend.remote for backend in backends)
        times = [float(getattr(backend, "timeout", 0.0)) for backend in backends]
        self.timeout = sum(times) if manner == "first" else max(times)
        # Bytes are the strictest of the units that a member may count in.
        self.size = SIZES["bytes"] if any(isinstance(backend, Measured) for backend in backends) else len

    def on(self, side: Side) -> Combined:
        """The same members for one side."""
        return self._each(lambda backend: backend.on(side) if isinstance(backend, Sided) else backend)

    def of_tools(self) -> Combined:
        """The same members for what tools gave, where they tell it apart; itself where none does."""
        return self._each(lambda backend: backend.of_tools() if isinstance(backend, OfTools) else backend)

    def _each(self, of: Callable[[Backend], Backend]) -> Combined:
        backends = [of(member.backend) for member in self.members]
        if all(new is member.backend for new, member in zip(backends, self.members, strict=True)):
            return self
        members = [replace(member, backend=new) for member, new in zip(self.members, backends, strict=True)]
        # Who judges nothing of a side is not asked there; where all are so, none is left out, and all is unseen.
        able = [member for member in members if member.backend.categories]
        return Combined(self.manner, able or members, between=self.between)

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """One ``Scores`` a text, same order. Raises NotEvaluated where a member that is needed could not answer."""
        if self.manner == "first":
            return self._in_turn(texts)
        return self._at_once(texts)

    def _at_once(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        settled = yield from braid([member.backend.moderate(texts) for member in self.members])
        heard = [(m, s) for m, s in zip(self.members, settled, strict=True) if s.error is None]
        lost = [(m, s.error) for m, s in zip(self.members, settled, strict=True) if s.error is not None]
        if lost and (not heard or self.manner != "any"):
            raise told_again(lost[0][1])
        return [self._joined([(m, s.value[n]) for m, s in heard], lost) for n in range(len(texts))]

    def _joined(self, heard: Sequence[tuple[Member, Scores]], lost: Sequence[tuple[Member, Any]]) -> Scores:
        own = {member.name: common(said, member.backend.points) for member, said in heard}
        seen = {member.name: {name for name in own[member.name] if name not in said.unseen} for member, said in heard}
        weights = {member.name: member.weight for member, _ in heard}
        scores = {}
        for name in sorted(set().union(*seen.values())):
            told = [(own[who][name], weights[who]) for who in own if name in seen[who]]
            if self.manner == "any":
                scores[name] = max(score for score, _ in told)
            elif self.manner == "all":
                scores[name] = min(score for score, _ in told)
            else:
                scores[name] = sum(s * w for s, w in told) / sum(w for _, w in told)
        unseen = {name for _, said in heard for name in said.unseen if name not in scores}
        # What one of them finds stands; but that nothing was found, only all of them together can say.
        unseen |= {name for member, _ in lost for name in member.backend.categories}
        why = getattr(lost[0][1], "reason", "unseen") if lost else "unseen"
        spans = {}
        for name in scores if self.manner == "any" else ():
            lead = max(((own[m.name].get(name, -1.0), said) for m, said in heard), key=lambda pair: pair[0])[1]
            if name in lead.spans:
                spans[name] = lead.spans[name]
        return Scores(scores, None, frozenset(unseen), "", spans, why, _by(heard))

    def _in_turn(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        found: dict[int, Scores] = {}
        by: dict[int, list[tuple[Member, Scores]]] = {n: [] for n in range(len(texts))}
        open_ = list(range(len(texts)))
        error: Exception | None = None
        for last, member in ((n == len(self.members) - 1, m) for n, m in enumerate(self.members)):
            if not open_:
                break
            (settled,) = yield from braid([member.backend.moderate([texts[n] for n in open_])])
            if settled.error is not None:
                error = settled.error
                continue
            undecided = []
            for n, said in zip(open_, settled.value, strict=True):
                by[n].append((member, said))
                scores = common(said, member.backend.points)
                found[n] = self._after(found.get(n), member.backend.categories, said, scores, _by(by[n]), by[n])
                if not last and self._unsure(scores):
                    undecided.append(n)
            open_, error = undecided, None
        if error is not None:
            # Nobody answered, or the one whose word was wanted did not: what was said before is not enough.
            raise told_again(error)
        return [found[n] for n in range(len(texts))]

    def _after(
        self,
        before: Scores | None,
        judged: frozenset[str],
        said: Scores,
        scores: Mapping[str, float],
        by: Mapping[str, Mapping[str, float]],
        heard: Sequence[tuple[Member, Scores]],
    ) -> Scores:
        """What stands once one more was asked about a text."""
        kept = {} if before is None else {n: score for n, score in before.scores.items() if n not in {*judged, UNNAMED}}
        spans = {} if before is None else {name: span for name, span in before.spans.items() if name in kept}
        asked = frozenset[str]().union(*(member.backend.categories for member, _ in heard))
        missing = (frozenset() if before is None else before.unseen - judged) | said.unseen | (self.categories - asked)
        return Scores({**kept, **scores}, None, missing, "", {**spans, **said.spans}, said.why, by)

    def _unsure(self, scores: Mapping[str, float]) -> bool:
        if self.between is None:
            return False
        low, high = self.between
        return low <= max(scores.values(), default=high) < high


def _by(heard: Sequence[tuple[Member, Scores]]) -> dict[str, dict[str, float]]:
    return {
        f"{member.name}: {said.model}" if said.model else member.name: {
            name: said.scores.get(name, 1.0 if (said.flags or {}).get(name) else 0.0)
            for name in {**said.scores, **(said.flags or {})}
        }
        for member, said in heard
    }
