"""Judging what is not text: images go to checks that can see them, together with the text beside them.

Knows media, where they stand and which checks can see. Must never fetch anything: a link goes to the
check as a link (a server may show the guard something else than the model; see the backend), and
must never decide what becomes of a medium that nobody saw: the policy has a word for each modality.
"""

from __future__ import annotations

import base64
import binascii
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..checks.protocol import Looked, SeeingModerator
from ..flow import Call, Flow, Settled, together
from ..text import Medium, Path, Segment
from ..verdict import Action, Finding, Gap, Kind, Verdict
from ..wires.encoded import is_data_url
from ..wires.magic import known
from ..wires.protocol import Body
from .lane import INLINE, Lane, join, rule_on

MAX_LOOKS = 16
"""Media of one body that a check is asked about; those known again do not count. Further ones are not seen."""

BESIDE = 4_000
"""Characters of the text beside a medium that go with it; the text itself is judged whole, as any other."""

_ABREAST = 4  # a world has 16 fetches for everyone, and one that finds none free fails
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
)
_OLD = frozenset({"*"})
"""What an earlier answer left unjudged: some category that a rule is about."""
_SPACES = str.maketrans("", "", " \t\r\n")


@dataclass(slots=True)
class _Ask:
    """One question: a check, a text and a source; and all media that it is about."""

    moderator: SeeingModerator
    text: str
    source: str
    media: list[Medium] = field(default_factory=list)
    names: tuple[bytes, ...] = ()  # to be remembered by: nothing found; nothing found, not all judged
    outcome: Settled | None = None  # None: not asked


def judge(lane: Lane, body: Body) -> Flow[tuple[Verdict, frozenset[Medium]]]:
    """The verdict on the media of a body, and which of them were seen.

    Seen is what every check that sees its modality has judged. A check that failed on one counts by
    its own ``on_error``; of more than ``MAX_LOOKS`` the first are looked at. Categories that a rule is
    about and that the check does not judge on such content are a gap, without an action.
    """
    eyes = [m for m in lane.moderators if isinstance(m, SeeingModerator) and m.sees]
    media = [m for m in dict.fromkeys(body.media) if m.source and any(m.modality in eye.sees for eye in eyes)]
    if not media:
        return Verdict(), frozenset()
    if sum(len(m.source) for m in media) > INLINE:
        asks: list[_Ask] = yield Call(_asks, (lane, eyes, media, body.segments))
    else:
        asks = _asks(lane, eyes, media, body.segments)
    yield from _look(lane, asks)
    verdict, unseen = _judged(lane, asks)
    asked = {medium for ask in asks for medium in ask.media}
    return verdict, frozenset(asked - unseen)


def _asks(
    lane: Lane, eyes: Sequence[SeeingModerator], media: Sequence[Medium], segments: Sequence[Segment]
) -> list[_Ask]:
    """What must be asked, and what is known. The same content with the same text is asked about once."""
    places = {medium: _place(medium) for medium in media}
    texts = _texts(segments, set(places.values()))
    said: dict[tuple[Path, frozenset[Kind]], str] = {}
    asks: dict[tuple[str, str, str], _Ask] = {}
    for medium in media:
        source = shown(medium)
        for eye in eyes if source is not None else ():
            if medium.modality in eye.sees:
                assert source is not None
                key = (places[medium], eye.reads)
                if key not in said:
                    said[key] = _beside(texts[places[medium]], eye.reads)
                text = said[key]
                asks.setdefault((eye.name, text, source), _Ask(eye, text, source)).media.append(medium)
    if lane.recall.limit:
        _recall(lane, [ask for ask in asks.values() if is_data_url(ask.source)])
    return list(asks.values())


def _recall(lane: Lane, asks: Sequence[_Ask]) -> None:
    """Answer what is known. Links are not remembered: they may show something else the next time."""
    recall = lane.recall
    for ask in asks:
        clean = recall.name("look", ask.moderator.name, ask.text, ask.source)
        ask.names = (clean, recall.name("partly", clean.hex()))
    known_ = iter(recall.knows([name for ask in asks for name in ask.names]))
    for ask in asks:
        for looked in (Looked(), Looked(unseen=_OLD)):
            if next(known_):
                ask.outcome, ask.names = Settled(looked), ()


def _look(lane: Lane, asks: Sequence[_Ask]) -> Flow[None]:
    """Ask what is not known, of each check a few things at a time."""
    due: dict[str, list[_Ask]] = defaultdict(list)
    for ask in asks:
        if ask.outcome is None and len(due[ask.moderator.name]) < MAX_LOOKS:
            due[ask.moderator.name].append(ask)
    rows = [some for all_ in due.values() for n in range(_ABREAST) if (some := all_[n::_ABREAST])]
    settled = yield from together([_each(row) for row in rows], lane.deadline)
    for row, ended in zip(rows, settled, strict=True):
        for ask in row:  # those that the deadline kept from being asked have no outcome of their own
            ask.outcome = ask.outcome or Settled(error=ended.error)


def _each(asks: Sequence[_Ask]) -> Flow[None]:
    for ask in asks:
        try:
            (looked,) = yield from ask.moderator.look([(ask.text, ask.source)])
        except Exception as error:  # noqa: BLE001 - is how this look ended; on_error says what it means
            ask.outcome = Settled(error=error)
        else:
            ask.outcome = Settled(looked)


def _judged(lane: Lane, asks: Sequence[_Ask]) -> tuple[Verdict, set[Medium]]:
    """The verdict, and the media that some check did not see."""
    verdict, unseen, clean = Verdict(), set[Medium](), []
    gaps: dict[tuple[str, str], Gap] = {}  # of many alike the first place is named
    for ask in asks:
        at = Segment(Kind.OTHER, ask.media[0].path, fixed=True)
        name = ask.moderator.name
        if ask.outcome is None:
            gaps.setdefault((name, "too_many"), Gap(name, "too_many", at.where))
            unseen.update(ask.media)
        elif ask.outcome.error is not None:
            verdict |= lane.failed(ask.moderator, ask.outcome.error, [at])
            unseen.update(ask.media)
        else:
            looked: Looked = ask.outcome.value
            if looked.model:
                verdict |= Verdict(models=frozenset({f"{name}:{looked.model}"}))
            for finding in looked.findings:
                verdict = join(verdict, rule_on(lane, at, finding), finding)
            if partly := looked.unseen is _OLD or _missed(lane, name, looked):
                gaps.setdefault((name, "unseen"), Gap(name, "unseen", at.where))
            if ask.names and not looked.findings:
                clean.append(ask.names[partly])
    if clean:
        lane.recall.remember(clean)
    return verdict | Verdict(gaps=tuple(gaps.values())), unseen


def _missed(lane: Lane, name: str, looked: Looked) -> bool:
    """Did the check leave out a category that a rule is about?"""
    sure = (Finding(category, 1.0, 0, 0, name) for category in looked.unseen)
    return any(lane.rules.decide(finding).action > Action.ALLOW for finding in sure)


def shown(medium: Medium) -> str | None:
    """The source as a check takes it: an http link or a data URL, made of bare base64 by what that begins with.

    None where there is none: another kind of link, or data of a kind that is not known.
    """
    source = medium.source
    if source.startswith(("http://", "https://")) or is_data_url(source):
        return source
    packed = source.translate(_SPACES).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        head = base64.b64decode(packed[:64])
    except (binascii.Error, ValueError):
        return None
    if known(head) != "image":
        return None
    kind = next((kind for start, kind in _STARTS if head.startswith(start)), "")
    if not kind and head[8:12] == b"WEBP":
        kind = "webp"
    elif not kind and head[4:8] == b"ftyp":
        kind = "avif" if head[8:12] == b"avif" else "heic"
    return f"data:image/{kind};base64,{packed}{'=' * (-len(packed) % 4)}" if kind else None


def _place(medium: Medium) -> Path:
    """The path of the message that a medium belongs to: ``beside`` may name but some steps of it."""
    steps = list(reversed(medium.beside))
    for n, step in enumerate(medium.path):
        if not steps:
            return medium.path[:n]
        if step == steps[-1]:
            steps.pop()
    return medium.beside if steps else medium.path


def _texts(segments: Sequence[Segment], places: set[Path]) -> Mapping[Path, list[Segment]]:
    """The segments below each place, found in one pass over them."""
    below: dict[Path, list[Segment]] = {place: [] for place in places}
    depths = sorted({len(place) for place in places})
    for segment in segments:
        for depth in depths:
            if (found := below.get(segment.path[:depth])) is not None and len(segment.path) >= depth:
                found.append(segment)
    return below


def _beside(segments: Sequence[Segment], reads: frozenset[Kind]) -> str:
    """The first of the texts, as far as the check reads such text at all."""
    parts, room = [], BESIDE
    for segment in segments:
        if room <= 0:
            break
        if segment.total and segment.kind in reads:
            parts.append((segment.spaced() if segment.joints else segment.text)[:room])
            room -= len(parts[-1]) + 1
    return "\n".join(parts)[:BESIDE]
