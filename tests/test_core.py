"""The Guard: checking texts, changing the policy while it works, and what it counts."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guardrail import BadRequest, Guard, GuardrailError, GuardrailMiddleware, LogError, PolicyError, as_user
from guardrail.admit.identity import Identity
from guardrail.policy.plan import Recording
from guardrail.store.reader import read
from tests.doors.driver import (
    BAD,
    CHAT,
    EVENTS,
    MASKED,
    Answer,
    Inner,
    call,
    canaries,
    chat,
    guarding,
    request,
    scope_of,
)
from tests.support import events, plans

POLICY = """
guardrail: 1
name: {name}
checks:
  bad: {{use: words, words: [{word}], category: custom/bad}}
input: [bad]
output: [bad]
rules:
  - {{when: custom/bad, do: refuse}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY.format(name="first", word=BAD))
    return file


@pytest.fixture
def guard(path: Path, tmp_path: Path) -> Iterator[Guard]:
    made = Guard.from_policy(path, log=f"sqlite:///{tmp_path / 'decisions.db'}")
    yield made
    made.close()


# -- check -----------------------------------------------------------------------------------------


def test_a_text_is_judged_masked_and_remembered() -> None:
    guard, rows = guarding(canaries(recording=Recording("masked")))
    clean, masked, refused = (guard.check(text) for text in ("hello", f"a {MASKED} b", BAD))
    assert (clean.action.word, clean.text) == ("allow", "hello")
    assert (masked.outcome, masked.text) == ("changed", "a [gone] b")
    assert (refused.outcome, refused.action.word) == ("refused", "refuse")
    assert [row.id for row in rows] == [clean.id, masked.id, refused.id]
    assert [row.text for row in rows[:2]] == ["hello", "a [gone] b"]
    assert {row.door for row in rows} == {"check"}


def test_rows_keep_no_text_unless_the_policy_says_so() -> None:
    guard, rows = guarding()
    assert guard.check("hello").text == "hello"
    assert rows[0].text is None


def test_sync_and_async_checks_agree() -> None:
    guard, rows = guarding(plans.plan(plans.Word(BAD, inline=0)))

    async def main() -> list[Any]:
        return list(await asyncio.gather(*(guard.acheck(text) for text in ("hello", BAD) * 10)))

    there = asyncio.run(main())
    here = [guard.check(text) for text in ("hello", BAD) * 10]
    assert [d.public() | {"id": ""} for d in there] == [d.public() | {"id": ""} for d in here]
    assert len({row.id for row in rows}) == 40


def test_directions_have_their_own_checks() -> None:
    plan = replace(canaries(), output=plans.lane(plans.Word("elsewhere")))
    guard, _ = guarding(plan)
    assert guard.check(BAD).action.word == "refuse"
    assert guard.check(BAD, direction="output").action.word == "allow"
    with pytest.raises(ValueError, match="direction"):
        guard.check("x", direction="sideways")  # type: ignore[arg-type]


def test_a_prompt_stands_beside_a_reply_and_is_in_no_row() -> None:
    judge = plans.Judge("harm", converses=True)
    guard, rows = guarding(replace(canaries(), output=plans.lane(judge), recording=Recording("full")))
    guard.check("fine", direction="output", prompt="the question")
    guard.check("fine", direction="output", prompt=" ")
    guard.check("fine", direction="output", prompt="x" + "y" * 4_000)
    assert judge.prompts == ["the question", "y" * 4_000]
    assert "question" not in repr([row.public() for row in rows])
    with pytest.raises(ValueError, match="output"):
        guard.check("fine", prompt="the question")
    with pytest.raises(BadRequest, match="prompt"):
        guard.check("fine", direction="output", prompt="\ud83d")


@pytest.mark.parametrize("text", ["", " ", "\x00", "é", "\U0001f600" * 3])
def test_any_text_can_be_checked(text: str) -> None:
    guard, rows = guarding()
    assert guard.check(text).text == text
    assert len(rows) == 1


def test_what_is_no_text_is_an_error() -> None:
    guard, rows = guarding()
    with pytest.raises(BadRequest) as caught:
        guard.check("a\ud800b")
    assert caught.value.code == "invalid_text"
    assert rows == []


def test_observing_changes_no_text() -> None:
    guard, rows = guarding(canaries(observe=True))
    assert (guard.check(MASKED).text, guard.check(BAD).action.word) == (MASKED, "allow")
    assert [row.would and row.would.word for row in rows] == ["redact", "refuse"]


def test_a_check_that_cannot_be_stored_is_an_error(tmp_path: Path) -> None:
    guard = Guard(canaries(), log=f"sqlite:///{tmp_path}")
    with pytest.raises(LogError):
        guard.check("hello")
    with pytest.raises(LogError):
        guard.open_log()
    guard.close()
    assert guard.stats()["log_errors"] == 1


def test_a_user_is_hashed_and_the_context_wins() -> None:
    guard, rows = guarding(canaries(identity=Identity((), b"k" * 32)))
    guard.check("x", user="alice")
    with as_user("bob"):
        guard.check("x", user="alice")
        guard.check("x")
    guard.check("x")
    users = [row.user for row in rows]
    assert users[1] == users[2] != users[0]
    assert users[3] is None
    assert not any(name in str(users) for name in ("alice", "bob"))


# -- reload ----------------------------------------------------------------------------------------


def test_a_policy_is_read_again(guard: Guard, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "guardrail")
    before = guard.plan.hash
    assert guard.check(BAD).action.word == "refuse"
    path.write_text(POLICY.format(name="second", word="other"))
    assert guard.reload() == guard.plan.hash != before
    assert (guard.check(BAD).action.word, guard.check("other").action.word) == ("allow", "refuse")
    assert (guard.stats()["policy"], guard.stats()["policy_hash"]) == ("second", guard.plan.hash)
    assert before[:12] in caplog.text


@pytest.mark.parametrize(
    "wrong", ["", "guardrail: 2", POLICY.format(name="x", word="y") + "  - {when: nothing, do: x}"]
)
def test_a_policy_that_cannot_be_used_leaves_the_last_good_one(guard: Guard, path: Path, wrong: str) -> None:
    plan = guard.plan
    path.write_text(wrong)
    with pytest.raises(PolicyError):
        guard.reload()
    path.unlink()
    with pytest.raises(PolicyError):
        guard.reload()
    assert guard.plan is plan
    assert guard.check(BAD).action.word == "refuse"


def test_a_guard_without_a_file_has_nothing_to_reload() -> None:
    with pytest.raises(GuardrailError, match="not made from a policy file"):
        guarding()[0].reload()


def test_a_call_on_its_way_keeps_the_policy_it_began_under(guard: Guard, path: Path, tmp_path: Path) -> None:
    first, second = guard.plan.hash, ""

    async def model(scope: Any, receive: Any, send: Any) -> None:
        nonlocal second
        await receive()
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        said = [events.sse(tree, done=False) for tree in events.said("fine ", f"{BAD} ", "other")]
        for n, chunk in enumerate(said):
            if n == 1:
                path.write_text(POLICY.format(name="second", word="other"))
                second = guard.reload()
            await send({"type": "http.response.body", "body": chunk, "more_body": n + 1 < len(said)})

    middleware = GuardrailMiddleware(model, guard)
    got = asyncio.run(call(middleware, scope_of(CHAT), request(chat("hello", stream=True))))
    assert BAD.encode() not in got.body
    assert b"content_filter" in got.body
    got = asyncio.run(call(GuardrailMiddleware(Inner((b"{}",)), guard), scope_of(CHAT), request(chat(BAD))))
    assert got.status == 200
    guard.flush()
    assert [row.policy_hash for row in read(f"sqlite:///{tmp_path / 'decisions.db'}")] in (
        [first, second],
        [second, first],
    )


def test_reloading_under_load_loses_no_call(guard: Guard, path: Path) -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            while not stop.is_set():
                assert guard.check("always bad").action.word == "refuse"
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    path.write_text(POLICY.format(name="x", word="always bad"))
    guard.reload()
    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(10):
        path.write_text(POLICY.format(name=f"n-{n}", word=f"always bad, other-{n}"))
        guard.reload()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


# -- counting and closing --------------------------------------------------------------------------


def test_what_doors_and_checks_did_is_counted_together() -> None:
    guard, rows = guarding()
    middleware = GuardrailMiddleware(Inner((b"data: fine\n\n",), (EVENTS,)), guard)
    for text in ("hello", BAD):
        asyncio.run(call(middleware, scope_of(), request(chat(text)), Answer()))
        guard.check(text)
    stats = guard.stats()
    assert (stats["decisions"], stats["outcomes"]) == (len(rows), {"allowed": 2, "refused": 2})
    assert stats["doors"] == {"asgi": 2, "check": 2}
    assert stats["findings"] == {"word forbidden": 2}
    assert (stats["policy"], stats["mode"], stats["log_errors"]) == ("test", "enforce", 0)


def test_a_log_of_none_keeps_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with_none = Guard(canaries(), log="none")
    with_none.check("hello")
    with_none.flush()
    with_none.close()
    assert list(tmp_path.iterdir()) == []
    assert with_none.stats()["decisions"] == 1


def test_the_environment_names_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'named.db'}"
    monkeypatch.setenv("GUARDRAIL_LOG", url)
    guard = Guard(canaries())
    guard.check("hello")
    guard.close()
    assert len(list(read(url))) == 1


def test_worlds_of_closed_loops_are_let_go() -> None:
    guard, _ = guarding()
    loops = []

    async def use() -> None:
        loops.append(asyncio.get_running_loop())  # held here, as a connection would hold it
        guard.aworld()

    for _ in range(5):
        asyncio.run(use())
        assert list(guard._loops) == loops[-1:]
    guard.close()
    assert not list(guard._loops)
