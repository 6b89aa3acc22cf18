"""Several backends as one: any of them, all, the first that knows, or their weighted mean.

Knows members, their scores and what is missing of them. Must never know which services they are, nor what a score
leads to. A member that cannot answer is never a clean result, nor a category that nobody judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..checks.protocol import Backend, Conversing, Measured, MemberFailed, OfTools, Scores, Sided
from ..errors import NotEvaluated
from ..flow import Flow, together
from .dialect import UNNAMED, Side
from .moderation import short
from .scale import common, points
from .units import SIZES

Manner = Literal["any", "all", "first", "weighted"]


@dataclass(frozen=True, slots=True)
class Member:
    """``name``: the check's, told with what it said. ``weight``: in a weighted mean."""

    name: str
    backend: Backend
    weight: float = 1.0


_Said = tuple[Member, Scores]
"""One who was asked, and what it said."""
_Lost = tuple[Member, Exception]
"""One who could not answer, and why."""


class Combined:
    """A ``Backend`` of others. Scores are on the common scale of ``scale``, and so are its ``points``.

    ``any``: the highest score. ``all``: the lowest of those who judge a category at all. ``weighted``: the mean by
    weight. These ask all members at a time. What one of them should have seen and has not is unseen in the end, however
    little the others found: only for ``all`` it is enough that one of them saw it. ``first``: asks in order; the next
    one where a member could not answer, where it has not seen all that it judges, or where the highest score lies
    within ``between``. There what the last one asked says stands, and of what that one does not judge, what was said
    before; what was only not seen is added. What none of those who answered judges is unseen.

    A category may have a score and be unseen: what was found by those who looked, which may be less than there is.
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
        self.converses = any(isinstance(backend, Conversing) and backend.converses for backend in backends)
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

    def answering(self, prompt: str) -> Combined:
        """The same members for replies to a prompt, those that converse; itself where none does."""
        return self._each(lambda backend: backend.answering(prompt) if isinstance(backend, Conversing) else backend)

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
        settled = yield from together([_asked(member, texts) for member in self.members])
        heard = [(m, s.value) for m, s in zip(self.members, settled, strict=True) if s.error is None]
        lost = [(m, s.error) for m, s in zip(self.members, settled, strict=True) if s.error is not None]
        if lost and (not heard or self.manner != "any"):
            heard_of = [(member, said) for member, answers in heard for said in answers]
            raise _failed(lost[0][1], heard_of, lost)
        return [self._joined([(m, said[n]) for m, said in heard], lost) for n in range(len(texts))]

    def _joined(self, heard: Sequence[_Said], lost: Sequence[_Lost]) -> Scores:
        own = {member.name: common(said, member.backend.points) for member, said in heard}
        scores = {}
        for name in sorted(set().union(*own.values())):
            told = [(own[member.name][name], member.weight) for member, _ in heard if name in own[member.name]]
            if self.manner == "any":
                scores[name] = max(score for score, _ in told)
            elif self.manner == "all":
                scores[name] = min(score for score, _ in told)
            else:
                scores[name] = sum(s * w for s, w in told) / sum(w for _, w in told)
        # What one of them finds stands; but that nothing was found, only all of them together can say. The lowest of
        # all is no higher than that of those who looked, so there one who did not look may be missing.
        unseen = {
            name
            for member, said in heard
            for name in said.unseen
            if self.manner != "all" or name in own[member.name] or name not in scores
        }
        why = next((said.why for _, said in heard if said.unseen & unseen), "unseen")
        if lost:
            unseen |= {name for member, _ in lost for name in member.backend.categories}
            why = _reason(lost[0][1])
        spans = {}
        for name in scores if self.manner == "any" else ():
            lead = max(((own[m.name].get(name, -1.0), said) for m, said in heard), key=lambda pair: pair[0])[1]
            if name in lead.spans:
                spans[name] = lead.spans[name]
        return Scores(scores, None, frozenset(unseen), "", spans, why, _by(heard, lost))

    def _in_turn(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        found: dict[int, Scores] = {}
        heard: list[list[_Said]] = [[] for _ in texts]
        open_ = list(range(len(texts)))
        unsure = set(open_)
        error: Exception | None = None
        lost: list[_Lost] = []
        for member in self.members:
            if not open_:
                break
            (settled,) = yield from together([_asked(member, [texts[n] for n in open_])])
            error = settled.error
            if error is not None:
                lost.append((member, error))
                continue
            for n, said in zip(open_, settled.value, strict=True):
                heard[n].append((member, said))
                found[n] = self._after(found.get(n), heard[n], again=n in unsure)
            unsure = {n for n in open_ if self._unsure(found[n].scores)}
            open_ = [n for n in open_ if n in unsure or found[n].unseen & _judged(heard[n])]
        if error is not None:
            # Nobody answered, or the one whose word was wanted did not: what was said before is not enough.
            if len(unsure) == len(texts):
                raise _failed(error, [said for each in heard for said in each], lost)
            nothing = Scores({}, None, self.categories, why=_reason(error))
            found |= dict.fromkeys(unsure, nothing)
        if lost:
            found = {n: replace(said, by=_by(heard[n], lost)) for n, said in found.items()}
        return [found[n] for n in range(len(texts))]

    def _after(self, before: Scores | None, heard: Sequence[_Said], *, again: bool) -> Scores:
        """What stands once one more was asked about a text. ``again``: about all of it, as what was said ``before`` was
        not sure; else about what nobody had seen.
        """
        before = before or Scores({})
        member, said = heard[-1]
        own, judged = common(said, member.backend.points), member.backend.categories
        missing = (before.unseen - judged) | (said.unseen if again else before.unseen & said.unseen)
        missing |= self.categories - _judged(heard)
        kept = {name: score for name, score in before.scores.items() if not again or name not in {*judged, UNNAMED}}
        scores, spans = dict(own), dict(said.spans)
        for name, score in kept.items():
            if score >= own.get(name, 0.0):
                scores[name] = score
                spans.pop(name, None)
                if name in before.spans:
                    spans[name] = before.spans[name]
        why = said.why if said.unseen & missing else before.why
        return Scores(scores, None, missing, "", spans, why, _by(heard))

    def _unsure(self, scores: Mapping[str, float]) -> bool:
        if self.between is None:
            return False
        low, high = self.between
        return low <= max(scores.values(), default=high) < high


def _asked(member: Member, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
    """What a member says; whatever is wrong with it, also as it is called, is its own failure and no other's."""
    answers = yield from member.backend.moderate(texts)
    if len(answers) != len(texts):
        raise NotEvaluated("malformed", f"{len(answers)} answers for {len(texts)} texts")
    return answers


def _judged(heard: Sequence[_Said]) -> frozenset[str]:
    return frozenset[str]().union(*(member.backend.categories for member, _ in heard))


def _reason(error: Exception) -> str:
    return error.reason if isinstance(error, NotEvaluated) else type(error).__name__


def _by(heard: Sequence[_Said], lost: Sequence[_Lost] = ()) -> dict[str, dict[str, float]]:
    """What each said itself, and whoever was heard below it, by all their names; of those below one that could not
    answer only who they are."""
    by: dict[str, dict[str, float]] = {}
    for member, said in heard:
        if said.by:
            by |= {f"{member.name}: {inner}": dict(own) for inner, own in said.by.items()}
        else:
            flags = said.flags or {}
            own = {name: said.scores.get(name, 1.0 if flags.get(name) else 0.0) for name in {**said.scores, **flags}}
            by[f"{member.name}: {said.model}" if said.model else member.name] = own
    for member, error in lost:
        if isinstance(error, MemberFailed):
            by |= {f"{member.name}: {inner}": {} for inner in sorted(error.models)}
    return by


def _failed(error: Exception, heard: Sequence[_Said], lost: Sequence[_Lost]) -> Exception:
    """The error of one that is needed, with who was heard all the same."""
    if not isinstance(error, NotEvaluated):
        return error
    models = frozenset(map(short, _by(heard, lost)))
    return MemberFailed(error.reason, str(error).partition(": ")[2], models)
