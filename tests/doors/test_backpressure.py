"""How far upstream is read on while somebody is waited for, and that reading on changes nothing of what is read."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from guardrail.doors.delivery import HIGH
from guardrail.flow import run
from tests.support import drive, events, plans
from tests.support.events import chunk

from .calling import ASYNC_DOORS, Ask, Tap, playing, quiet, spoken, until
from .driver import MASKED, canaries, chat, guarding
from .remote import NEVER, Desk, Far, judging

ODD = "peculiar"
PIECE = "nothing much is said here. " * 37
"""About a KiB."""
doors = pytest.mark.parametrize("door", ASYNC_DOORS)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


async def still(tap: Tap) -> int:
    """How many parts were taken, once no more are."""
    before = -1
    while before != tap.said:
        before = tap.said
        await quiet(60)
    return before


@doors
def test_a_slow_caller_makes_upstream_wait(door: str) -> None:
    async def scene() -> None:
        guard, rows = guarding(canaries(patience=NEVER))
        tap = Tap()
        ask = Ask(door, guard, tap)
        frames = spoken(*[PIECE] * 600)
        tap.head().say(frames[0])
        await until(lambda: ask.body)
        ask.pass_on.clear()
        tap.say(*frames[1:], events.DONE).end()
        taken = await still(tap)
        assert taken < 8
        ask.pass_on.set()
        await ask.done()
        assert ask.body == b"".join(frames) + events.DONE
        assert [row.ended for row in rows] == ["complete"]

    playing(scene())


@doors
@pytest.mark.parametrize("answered", [True, False])
def test_while_a_check_is_out_no_more_is_held_than_the_bound(door: str, answered: bool, desk: Desk) -> None:
    async def scene() -> None:
        guard, rows = guarding(judging(Far(ODD, stride=512, window=1024)))
        tap = Tap()
        ask = Ask(door, guard, tap)
        frames = spoken(*[PIECE] * 600)
        size = len(frames[2])
        tap.head().say(*frames, events.DONE).end()
        question = await desk.asked()
        taken = await still(tap)
        assert HIGH <= taken * size <= HIGH + 4 * size
        assert PIECE[:20].encode() not in ask.body
        if answered:
            desk.at_once = True
            question.answer()
            await ask.done()
            assert ask.body == b"".join(frames) + events.DONE
            assert desk.most == 1
        else:
            await ask.leave()
        assert len(rows) == 1
        await quiet()
        assert (desk.out, tap.open) == (0, 0)

    playing(scene())


@doors
def test_a_slow_caller_of_a_stream_that_is_judged_far_away_makes_upstream_wait(door: str, desk: Desk) -> None:
    async def scene() -> None:
        guard, rows = guarding(judging(Far(ODD, stride=512, window=1024)))
        tap = Tap()
        ask = Ask(door, guard, tap)
        frames = spoken(*[PIECE] * 1200)
        size = len(frames[2])
        tap.head().say(*frames[:3])
        question = await desk.asked()
        desk.at_once = True
        question.answer()
        await until(lambda: PIECE[:20].encode() in ask.body)
        ask.pass_on.clear()
        tap.say(*frames[3:], events.DONE).end()
        taken = await still(tap)
        assert taken * size - len(ask.body) <= 2 * HIGH + 8 * size
        ask.pass_on.set()
        await ask.done()
        assert ask.body == b"".join(frames) + events.DONE
        assert ask.overlapped <= 1
        assert [row.ended for row in rows] == ["complete"]

    playing(scene())


# -- the laws --------------------------------------------------------------------------------------

WORDS = ["so ", "it ", "is ", "said ", "again ", f"{MASKED} ", "and ", "longer words ", "\n"]


def scene_of(seed: int) -> tuple[random.Random, list[bytes], bool]:
    """Frames of two choices, in any order; in every second one somewhere the word that is refused."""
    dice = random.Random(seed)
    odd = seed % 2 == 1
    parts = [(dice.randrange(2), dice.choice(WORDS)) for _ in range(dice.randrange(8, 40))]
    if odd:
        at = dice.randrange(len(parts))
        choice = dice.randrange(2)
        cut = dice.randrange(1, len(ODD))
        parts[at:at] = [(choice, ODD[:cut]), (choice, ODD[cut:] + " ")]
    trees = [chunk({"role": "assistant", "content": ""}, n) for n in (0, 1)]
    trees += [chunk({"content": text}, n) for n, text in parts]
    trees += [chunk({}, n, finish="stop") for n in (0, 1)]
    return dice, [events.sse(tree, done=False) for tree in trees] + [events.DONE], odd


def inline(frames: list[bytes]) -> drive.Result:
    """What comes of it where the judge only computes, and each frame is judged as it comes."""
    plan = judging(plans.Judge(ODD, stride=16, window=32, name="far", reads=Far(ODD).reads))
    raw, cuts, at = b"".join(frames), list[int](), 0
    for frame in frames:
        at += len(frame)
        cuts.append(at)
    return drive.call(plan, chat("hello", stream=True, n=2), raw, cuts=cuts, headers=drive.EVENTS)


@pytest.mark.parametrize("door", ["asgi", "httpx"])
@pytest.mark.parametrize("seed", range(24))
def test_whenever_the_answers_come_the_same_is_read(door: str, seed: int, desk: Desk) -> None:
    dice, frames, odd = scene_of(seed)
    raw = b"".join(frames)
    expected = inline(frames)

    async def scene() -> None:
        guard, rows = guarding(judging(Far(ODD, stride=16, window=32)))
        tap = Tap()
        ask = Ask(door, guard, tap, n=2)

        async def answering() -> None:
            for n in range(1, 1000):
                question = await desk.asked(n)
                await quiet(dice.randrange(30))
                assert ODD.encode() not in ask.body
                question.answer()

        answers = asyncio.create_task(answering())
        tap.head()
        places = sorted(dice.randrange(len(raw)) for _ in range(dice.randrange(1, 60)))
        for piece in drive.pieces(raw, places):
            tap.say(piece)
            await quiet(dice.randrange(6))
        tap.end()
        await ask.done()
        answers.cancel()
        assert told(ask.body) == told(expected.body)
        (row,), (other,) = rows, expected.rows
        assert (row.ended, row.outcome) == (other.ended, other.outcome)
        assert sorted(map(repr, row.findings)) == sorted(map(repr, other.findings))
        assert odd == (row.ended == "refused")
        assert desk.most <= 1
        left = [frame for frame in ask.body.split(b"\n\n") if f'"{row.id}"'.encode() not in frame]
        assert MASKED.encode() not in ask.body
        if MASKED.encode() not in raw and not odd:
            assert ask.body == raw, "the order of what left is not the one in which it came"
        assert left

    playing(scene())


def told(body: bytes) -> Any:
    """What a caller reads of a chat stream, less what differs from call to call."""
    heard = [events.content(body, n).split("Reference:")[0] for n in (0, 1)]
    return heard, events.finishes(body), body.endswith(events.DONE)


def test_the_inline_pump_needs_nobody() -> None:
    """What the law above is measured by."""
    assert run(plans.Judge(ODD).ask([f"a {ODD} text"]), lambda effect: effect)[0]
