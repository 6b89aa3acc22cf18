"""Judging whole bodies: all segments by all checks of a lane, and the masks put in place.

A text in which nothing was found before, by any check, is known again and not judged again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..flow import Call, Flow, together
from ..text import Segment
from ..verdict import Action, Finding, Verdict
from ..wires.document import Nested, hidden
from . import signals
from .lane import INLINE, WORTH_RECALL, Lane, answers, findings_of, heard, join, rule_on
from .vault import Vault

Found = list[tuple[Segment, Sequence[Finding]]]
View = tuple[Segment, str, bool]


@dataclass(slots=True)
class Work:
    """What is to be judged of a body. JSON inside JSON stands under one name with its leaves.

    ``names``: by the id of each segment that may be remembered, its name. ``soiled``: ids of
    segments in which something was found. ``everything``: the segments and the leaves inside them.
    """

    names: dict[int, bytes]
    nests: list[Nested]
    everything: list[Segment]
    found: Found = field(default_factory=list)
    soiled: set[int] = field(default_factory=set)
    judged: bool = True  # every model that was asked has answered
    prompt: str = field(default="", repr=False)  # what the body answers, for the models that converse

    def clean(self) -> list[bytes]:
        """The names of what nothing was found in."""
        for nest in self.nests:
            if any(id(leaf) in self.soiled for leaf in nest.segments):
                self.soiled.add(id(nest.outer))
        return [name for key, name in self.names.items() if key not in self.soiled]


def judge(
    lane: Lane,
    segments: Sequence[Segment],
    *,
    hide: Vault | None = None,
    restore: Vault | None = None,
    prompt: str = "",
) -> Flow[Verdict]:
    """The verdict on a whole body. Exact checks come first; where they refuse, no model is asked.

    Masks are put into the segments; JSON inside JSON is judged leaf by leaf too. ``hide``: keeps what
    reversible masks cover; ``restore``: puts back what another body's covered. ``prompt``: what the body answers.
    """
    verdict, work = yield from judge_exactly(lane, segments, hide=hide, restore=restore, prompt=prompt)
    if verdict.action < Action.REVIEW:
        verdict |= yield from judge_rest(lane, work)
    return verdict


def judge_exactly(
    lane: Lane,
    segments: Sequence[Segment],
    *,
    hide: Vault | None = None,
    restore: Vault | None = None,
    prompt: str = "",
) -> Flow[tuple[Verdict, Work]]:
    """The first half of ``judge``: what computes, and the masks. The rest changes no text."""
    texts = [s for s in segments if s.total]
    recall = not restore
    if sum(s.total for s in texts) > INLINE:
        work: Work = yield Call(_worked, (lane, texts, recall, prompt))
    else:
        work = _sifted(lane, texts, recall, prompt)
        work.found = yield from _scanned(lane, work.everything)
    verdict = Verdict()
    if restore:
        masked = {id(nest.outer) for nest in work.nests if nest.document is not None}
        restore.put_back(segment for segment in work.everything if id(segment) not in masked)
        for nest in work.nests if not work.found else ():
            nest.settle()
    if found := work.found:
        leaves_masked = {id(nest.outer) for nest in work.nests if nest.document is not None}
        for segment, findings in found:
            if findings:
                work.soiled.add(id(segment))
            for finding in findings:
                ruling = rule_on(lane, segment, finding)
                verdict = join(verdict, ruling, finding)
                # The leaves inside carry the masks, so that what is written back is still JSON.
                if ruling.action >= Action.REDACT and id(segment) not in leaves_masked:
                    segment.edit(finding.start, finding.end, ruling.mask)
        if hide is not None:
            hide.keep([*segments, *work.everything])
        for nest in work.nests:
            nest.settle()
        verdict |= _left(lane, [nest.outer for nest in work.nests if nest.document is not None])
    if lane.signals and verdict.action < Action.REVIEW:
        verdict |= yield from signals.judge(lane, texts)
    return verdict, work


def judge_rest(lane: Lane, work: Work, *, remember: bool = True) -> Flow[Verdict]:
    """The second half of ``judge``: what the models say. What nothing was found in is remembered, unless
    other models are still to be asked."""
    verdict = Verdict()
    if lane.moderators and work.everything:
        verdict, judged = yield from _moderate(lane, work)
        work.judged = work.judged and judged
    if remember and work.judged and work.names and (clean := work.clean()):
        lane.recall.remember(clean)
    return verdict


def _sifted(lane: Lane, texts: Sequence[Segment], known_again: bool, prompt: str) -> Work:
    """The texts that are not known, opened where they are JSON."""
    names: dict[int, bytes] = {}
    recall = lane.recall
    worth = [s for s in texts if s.kind in lane.modelled or s.total >= WORTH_RECALL] if recall.limit else ()
    if not known_again:
        worth = ()
    if worth:
        beside = prompt if lane.converses else ""
        named = [recall.name_of(s, beside) for s in worth]
        known = set()
        for segment, name, is_known in zip(worth, named, recall.knows(named), strict=True):
            if is_known:
                known.add(id(segment))
            else:
                names[id(segment)] = name
        if known:
            texts = [s for s in texts if id(s) not in known]
    nests = [Nested(segment) for segment in texts if segment.nested]
    everything = [*texts, *(leaf for nest in nests for leaf in nest.segments if leaf.total)]
    for segment in texts:
        if not segment.nested and (twins := hidden(segment)):
            names.pop(id(segment), None)  # judged each time, as what it hides is
            everything += twins
    for nest in nests:
        for leaf in nest.segments:
            if twins := hidden(leaf):
                names.pop(id(nest.outer), None)
                everything += twins
    return Work(names, nests, everything, prompt=prompt)


def _worked(lane: Lane, texts: Sequence[Segment], known_again: bool, prompt: str) -> Work:
    """``_sifted`` and ``scan`` in one, for a worker."""
    work = _sifted(lane, texts, known_again, prompt)
    if work.everything and lane.scanners:
        work.found = scan(lane, work.everything)
    return work


def _scanned(lane: Lane, segments: Sequence[Segment]) -> Flow[Found]:
    """``scan``, on a worker where it may take its time."""
    if not segments or not lane.scanners:
        return []
    size = sum(segment.total for segment in segments)
    if size > INLINE:
        found: Found = yield Call(scan, (lane, segments))
        return found
    views = _views(segments)
    possible = _possible(lane, views)
    if not possible:
        return []
    if size > min(lane.scanners[n].inline for n in possible):
        found = yield Call(_look, (lane, possible, views))
        return found
    return _look(lane, possible, views)


def _left(lane: Lane, outers: Sequence[Segment]) -> Verdict:
    """What should be masked but stands outside the strings of its JSON (a number, a key): refused."""
    verdict = Verdict()
    for outer in outers:
        after = Segment(outer.kind, outer.path, fixed=True)
        after.add(outer.written(0, outer.text, restored=False))
        for segment, findings in scan(lane, [after]):
            for finding in findings:
                if (ruling := rule_on(lane, segment, finding)).action >= Action.REVIEW:
                    verdict = join(verdict, ruling, finding)
    return verdict


def scan(lane: Lane, segments: Sequence[Segment]) -> Found:
    """What the scanners find. One pass over everything says which of them need to look closer."""
    views = _views(segments)
    return _look(lane, _possible(lane, views), views)


def _views(segments: Sequence[Segment]) -> list[View]:
    """Each segment's text; one of several parts also with its parts apart."""
    views = [(s, s.text, False) for s in segments]
    views += [(s, s.spaced(), True) for s in segments if s.joints]
    return views


def _possible(lane: Lane, views: Sequence[View]) -> list[int]:
    return lane.prefilter.possible(views[0][1] if len(views) == 1 else "\n".join(text for _, text, _ in views))


def _look(lane: Lane, possible: Sequence[int], views: Sequence[View]) -> Found:
    found: Found = []
    for n in possible:
        scanner = lane.scanners[n]
        for segment, text, spaced in views:
            if segment.kind in scanner.reads and (findings := scanner.scan(text)):
                found.append((segment, [segment.unspaced(f) for f in findings] if spaced else findings))
    return _once(found)


def _once(found: Found) -> Found:
    """The same span found both with parts joined and with parts apart is one finding."""
    seen: set[tuple[int, str, int, int]] = set()
    out: Found = []
    for segment, findings in found:
        fresh = []
        for f in findings:
            name = (id(segment), f.category, f.start, f.end)
            if name not in seen:
                seen.add(name)
                fresh.append(f)
        out.append((segment, fresh))
    return out


def _moderate(lane: Lane, work: Work) -> Flow[tuple[Verdict, bool]]:
    """What the models say, and whether all of them did."""
    asked = []
    for moderator in lane.moderators:
        read = [s for s in work.everything if s.kind in moderator.reads and not s.text.isspace()]
        if read:
            asked.append((moderator, read))
    settled = yield from together([m.ask(_readings(read), work.prompt) for m, read in asked], lane.deadline)
    verdict, complete = Verdict(), True
    for (moderator, read), outcome in zip(asked, settled, strict=True):
        joint = [segment for segment in read if segment.joints]
        said = answers(outcome, len(read) + len(joint))
        verdict |= heard(moderator.name, outcome)
        if outcome.error is not None:
            missing = [s for s, answer in zip([*read, *joint], said, strict=True) if isinstance(answer, Exception)]
            verdict |= lane.failed(moderator, outcome.error, missing)
            complete = False
        for segment, answer in zip(read, said, strict=False):
            for finding in findings_of(answer):
                work.soiled.add(id(segment))
                verdict = join(verdict, rule_on(lane, segment, finding), finding)
        for segment, answer in zip(joint, said[len(read) :], strict=True):
            for finding in findings_of(answer):
                work.soiled.add(id(segment))
                verdict = join(verdict, rule_on(lane, segment, finding), segment.unspaced(finding))
    return verdict, complete


def _readings(segments: Sequence[Segment]) -> list[str]:
    """The texts, then those of several parts once more with their parts apart."""
    return [s.text for s in segments] + [s.spaced() for s in segments if s.joints]
