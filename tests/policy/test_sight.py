"""What can be seen is handed to the checks that see, with the text beside it; what was not seen is known."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from guardrail.checks.protocol import EVERYTHING, Looked, SeeingModerator
from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Flow, Together, run
from guardrail.policy import sight
from guardrail.policy.lane import INLINE, Lane
from guardrail.policy.recall import Recall
from guardrail.policy.sight import BESIDE, MAX_LOOKS
from guardrail.text import Medium, Path, Segment
from guardrail.verdict import Action, Finding, Gap, Kind, Verdict
from tests.policy.test_rolling import perform
from tests.support.plans import FLAGGED, MASKED, REFUSED, RULES, Judge

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(40))).decode()
URL = f"data:image/png;base64,{PNG}"
LINK = "https://pictures.example/a.png"


@dataclass
class Eyes(Judge):
    """Finds a category where its word stands in what it is shown."""

    word: str = "BAD"
    name: str = "eyes"
    sees: frozenset[str] = frozenset({"image"})
    unseen: frozenset[str] = frozenset()
    fails: Callable[[str], bool] = field(default=lambda _: False)
    looks: list[tuple[str, str]] = field(default_factory=list)

    def look(self, items: Sequence[tuple[str, str]]) -> Flow[Sequence[Looked]]:
        self.looks += items
        answers = []
        for text, source in items:
            yield Call(str)  # a flow that asks for something
            if self.fails(source):
                raise NotEvaluated("timeout")
            found = self.word in text or self.word in source
            answers.append(Looked((Finding(self.category, 1.0, 0, 0, self.name),) if found else (), self.unseen))
        return answers


@dataclass
class Seen:
    """As much of a body as there is to see."""

    media: list[Medium]
    segments: list[Segment] = field(default_factory=list)


def image(n: int = 0, source: str = URL, beside: Path = ()) -> Medium:
    return Medium("image", ("messages", n, "url"), source, beside)


def text(words: str, path: Path = ("messages", 0, "text"), kind: Kind = Kind.USER) -> Segment:
    made = Segment(kind, path)
    made.add(words)
    return made


def lane(*moderators: Any, **more: Any) -> Lane:
    return Lane((), moderators, RULES, **more)


def judge(with_lane: Lane, *media: Medium, segments: Sequence[Segment] = ()) -> tuple[Verdict, frozenset[Medium]]:
    return run(sight.judge(with_lane, Seen(list(media), list(segments))), perform)  # type: ignore[arg-type]


def test_a_moderator_that_sees_is_one_by_its_form() -> None:
    assert isinstance(Eyes(), SeeingModerator)
    assert not isinstance(Judge("x"), SeeingModerator)


def test_an_image_is_seen_with_the_text_beside_it() -> None:
    eyes = Eyes()
    here, there = ("messages", 0), ("messages", 1)
    segments = [text("look at this"), text("and", ("messages", 0, "more")), text("no", ("messages", 1, "text"))]
    verdict, seen = judge(lane(eyes), image(0, URL, here), image(1, LINK, there), segments=segments)
    assert eyes.looks == [("look at this\nand", URL), ("no", LINK)]
    assert verdict == Verdict()
    assert seen == {image(0, URL, here), image(1, LINK, there)}


@pytest.mark.parametrize("beside", [("messages", 1), (1,)])
def test_a_message_may_be_named_by_its_position_alone(beside: Path) -> None:
    eyes = Eyes()
    segments = [text(str(n), ("messages", n, "content", 1, "text")) for n in range(3)]
    media = Medium("image", ("messages", 1, "content", 0, "url"), URL, beside)
    judge(lane(eyes), media, segments=segments)
    assert eyes.looks == [("1", URL)]


def test_the_text_beside_is_capped_and_of_the_kinds_the_check_reads() -> None:
    eyes = Eyes(reads=EVERYTHING - {Kind.SYSTEM})
    segments = [text("secret", kind=Kind.SYSTEM), text("a" * (BESIDE - 2)), text("bcd")]
    judge(lane(eyes), image(), segments=segments)
    assert eyes.looks == [("a" * (BESIDE - 2) + "\nb", URL)]


@pytest.mark.parametrize(
    ("category", "action"), [(REFUSED, Action.REFUSE), (FLAGGED, Action.FLAG), (MASKED, Action.REFUSE)]
)
def test_what_is_found_is_decided_by_the_rules_and_an_image_cannot_be_masked(category: str, action: Action) -> None:
    verdict, seen = judge(lane(Eyes(category=category)), image(0, LINK + "?BAD"))
    assert verdict.action is action
    assert [f.category for f in verdict.findings] == [category]
    assert seen == {image(0, LINK + "?BAD")}


def test_text_and_image_are_judged_together() -> None:
    assert judge(lane(Eyes()), image(), segments=[text("something BAD")])[0].action is Action.REFUSE


def test_without_a_check_that_sees_nothing_is_seen_and_nothing_asked() -> None:
    blind = Eyes(sees=frozenset())
    for moderator in (Judge("x"), blind):
        assert judge(lane(moderator), image()) == (Verdict(), frozenset())
    assert blind.looks == []


def test_only_what_the_check_sees_is_shown_to_it() -> None:
    eyes = Eyes()
    others = (Medium("audio", ("a",), URL), Medium("tokens", ("t",)), image(1, "gs://bucket/a.png"), image(2, "AAAA"))
    assert judge(lane(eyes), *others) == (Verdict(), frozenset())
    assert eyes.looks == []


@pytest.mark.parametrize("word", [Action.ALLOW, Action.FLAG, Action.REFUSE])
def test_a_failed_look_counts_by_on_error_and_the_image_is_not_seen(word: Action) -> None:
    eyes = Eyes(fails=lambda source: source.endswith("1"))
    verdict, seen = judge(lane(eyes, on_error={"eyes": word}), *[image(n, f"{LINK}?{n}") for n in range(3)])
    assert (verdict.action, verdict.findings) == (word, ())
    assert verdict.gaps == (Gap("eyes", "timeout", "messages[1].url"),)
    assert seen == {image(0, f"{LINK}?0"), image(2, f"{LINK}?2")}


def test_a_look_that_failed_hides_no_finding_of_another() -> None:
    eyes = Eyes(fails=lambda source: source.endswith("1"))
    verdict, _ = judge(lane(eyes, on_error={"eyes": Action.REFUSE}), image(0, f"{LINK}?1"), image(1, f"{LINK}?BAD"))
    assert verdict.say == "default", "refused for what was found, not because the service was down"
    assert [f.category for f in verdict.findings] == [REFUSED]


def test_seen_is_what_all_have_seen() -> None:
    one, other = Eyes(), Eyes(name="other", fails=lambda _: True)
    verdict, seen = judge(lane(one, other, on_error={"other": Action.ALLOW}), image())
    assert seen == frozenset()
    assert [gap.check for gap in verdict.gaps] == ["other"]


def test_past_the_deadline_nothing_more_is_asked_and_nothing_is_called_seen() -> None:
    def late(effect: Any) -> Any:
        if isinstance(effect, Together):
            for flow in effect.flows:
                next(flow)
                flow.close()
            return [type("Ended", (), {"error": NotEvaluated("timeout")})() for _ in effect.flows]
        return perform(effect)

    eyes = Eyes()
    media = [image(n, f"{LINK}?{n}") for n in range(10)]
    verdict, seen = run(sight.judge(lane(eyes), Seen(media)), late)  # type: ignore[arg-type]
    assert (verdict.action, len(verdict.gaps), seen) == (Action.REFUSE, 10, frozenset())
    assert len(eyes.looks) == 4


def test_of_very_many_the_first_are_looked_at() -> None:
    eyes = Eyes()
    media = [image(n, f"{LINK}?{n}") for n in range(MAX_LOOKS + 5)]
    verdict, seen = judge(lane(eyes), *media)
    assert seen == set(media[:MAX_LOOKS])
    assert verdict == Verdict(gaps=(Gap("eyes", "too_many", f"messages[{MAX_LOOKS}].url"),))
    assert {source for _, source in eyes.looks} == {medium.source for medium in media[:MAX_LOOKS]}


def test_the_same_image_with_the_same_text_is_asked_about_once() -> None:
    eyes = Eyes()
    media = [image(n) for n in range(3 * MAX_LOOKS)]
    assert judge(lane(eyes), *media) == (Verdict(), frozenset(media))
    assert len(eyes.looks) == 1


def test_categories_a_rule_is_about_and_that_were_not_judged_are_a_gap() -> None:
    media = (image(0, LINK), image(1))
    verdict, seen = judge(lane(Eyes(unseen=frozenset({REFUSED}))), *media)
    assert verdict == Verdict(gaps=(Gap("eyes", "unseen", "messages[0].url"),))
    assert seen == set(media)
    assert judge(lane(Eyes(unseen=frozenset({"nobody asks"}))), *media)[0] == Verdict()


# -- history ---------------------------------------------------------------------------------------


def test_an_image_of_the_history_is_not_looked_at_again() -> None:
    eyes = Eyes()
    with_lane = lane(eyes)
    history = [image(n, URL + "A" * 4 * n) for n in range(MAX_LOOKS + 3)]
    judge(with_lane, *history[:5])
    assert judge(with_lane, *history) == (Verdict(), frozenset(history))
    assert sorted(source for _, source in eyes.looks) == sorted(medium.source for medium in history)


def test_what_was_not_judged_is_said_each_time() -> None:
    eyes = Eyes(unseen=frozenset({REFUSED}))
    with_lane = lane(eyes)
    assert judge(with_lane, image()) == judge(with_lane, image())
    assert judge(with_lane, image())[0].gaps == (Gap("eyes", "unseen", "messages[0].url"),)
    assert len(eyes.looks) == 1


def test_other_text_other_images_links_findings_and_failures_are_looked_at_again() -> None:
    eyes = Eyes(fails=lambda source: source.endswith("fails"))
    with_lane = lane(eyes)
    for _ in range(2):
        judge(with_lane, image(0, LINK), image(1, URL + "BAD"), image(2, URL + "fails"))
    assert len(eyes.looks) == 6
    judge(with_lane, image())
    judge(with_lane, image(), segments=[text("now with text")])
    assert len(eyes.looks) == 8


def test_an_image_is_looked_at_again_when_its_time_is_over() -> None:
    now, eyes = [0.0], Eyes()
    with_lane = lane(eyes, recall=Recall(seconds=10.0, clock=lambda: now[0]))
    for now[0] in (0.0, 9.0, 11.0):
        judge(with_lane, image())
    assert len(eyes.looks) == 2


# -- sources ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a", "gif"),
        (b"RIFF\x10\x00\x00\x00WEBP", "webp"),
        (b"\x00\x00\x00\x1cftypavif", "avif"),
        (b"\x00\x00\x00\x1cftypheic", "heic"),
    ],
)
def test_bare_base64_is_named_by_what_it_begins_with(first: bytes, kind: str) -> None:
    data = first + bytes(range(240, 256)) * 9
    bare = base64.urlsafe_b64encode(data).decode().rstrip("=")
    url = sight.shown(image(0, "\n".join(bare[n : n + 76] for n in range(0, len(bare), 76))))
    assert url is not None
    head, _, packed = url.partition(",")
    assert head == f"data:image/{kind};base64"
    assert base64.b64decode(packed, validate=True) == data


@pytest.mark.parametrize("source", ["%%%%", "A", "AAAAAAAA", base64.b64encode(b"%PDF-1.7 canary").decode(), "s3://b/c"])
def test_what_is_no_image_is_not_shown(source: str) -> None:
    assert sight.shown(image(0, source)) is None


def test_much_data_is_a_workers() -> None:
    asked: list[Any] = []

    def performing(effect: Any) -> Any:
        asked.append(effect)
        return perform(effect)

    body = Seen([image(0, URL + "A" * INLINE)])
    run(sight.judge(lane(Eyes()), body), performing)  # type: ignore[arg-type]
    assert [type(effect) for effect in asked] == [Call, Together]
