"""``as_user``: who a call is for, also in tasks and worker threads, and never for longer than that."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from guardrail import as_user
from guardrail.context import current_user
from guardrail.core import name_user


def test_it_nests_and_ends() -> None:
    assert current_user() is None
    with as_user("alice"):
        with as_user("bob"):
            assert current_user() == "bob"
        assert current_user() == "alice"
    assert current_user() is None


def test_it_ends_though_the_call_fails() -> None:
    with pytest.raises(ZeroDivisionError), as_user("alice"):
        raise ZeroDivisionError
    assert current_user() is None


def test_each_task_has_its_own() -> None:
    async def one(name: str) -> list[str | None]:
        seen = [current_user()]
        with as_user(name):
            await asyncio.sleep(0)
            seen.append(current_user())
            seen.append(await asyncio.to_thread(current_user))
        return [*seen, current_user()]

    async def main() -> list[list[str | None]]:
        with as_user("everybody"):
            return await asyncio.gather(*(one(f"user-{n}") for n in range(20)))

    assert asyncio.run(main()) == [["everybody", f"user-{n}", f"user-{n}", "everybody"] for n in range(20)]


def test_a_thread_has_none_unless_its_context_is_copied() -> None:
    seen: list[str | None] = []
    with as_user("alice"):
        context = contextvars.copy_context()
        for target in (lambda: seen.append(current_user()), lambda: context.run(lambda: seen.append(current_user()))):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()
    assert seen == [None, "alice"]


def test_threads_do_not_see_one_another() -> None:
    here = threading.Barrier(4)

    def work(name: str) -> str | None:
        with as_user(name):
            here.wait(10)
            return current_user()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, "abcd")) == list("abcd")


def test_it_wins_over_what_a_door_was_given() -> None:
    assert name_user(None) is None
    assert name_user("door") == "door"
    assert name_user(lambda scope: scope["user"], {"user": "from scope"}) == "from scope"
    with as_user("alice"):
        assert name_user("door") == "alice"
        assert name_user(lambda: 1 / 0) == "alice"  # type: ignore[arg-type, return-value]
