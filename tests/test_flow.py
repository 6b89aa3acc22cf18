"""Both drivers give a flow the same answers and errors, and close it whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.flow import Call, Effect, Ended, Flow, Settled, Together, arun, begin, run, together


def both(flow: Callable[[], Flow[Any]], perform: Callable[[Effect], Any]) -> list[Any]:
    """What each driver comes to: ("value", v) or ("error", type, args)."""

    async def aperform(effect: Effect) -> Any:
        await asyncio.sleep(0)
        return perform(effect)

    out: list[Any] = []
    drives: list[Callable[[], Any]] = [lambda: run(flow(), perform), lambda: asyncio.run(arun(flow(), aperform))]
    for drive in drives:
        try:
            out.append(("value", drive()))
        except Exception as error:  # noqa: BLE001 - compared
            out.append(("error", type(error), error.args))
    return out


def ask(n: int) -> Call:
    return Call(int, (n,))


def answer(effect: Effect) -> Any:
    assert isinstance(effect, Call)
    (n,) = effect.args
    if n % 5 == 3:
        raise ValueError(n)
    if n % 5 == 4:
        raise KeyError(n)
    return n * 2


Step = tuple[str, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "try", "raise", "return", "sub"]), st.integers(0, 9)), min_size=0, max_size=8
)


@given(STEPS)
def test_sync_and_async_agree_on_any_flow(steps: list[Step]) -> None:
    closed: list[int] = []

    def play(steps: list[Step], log: list[Any]) -> Flow[list[Any]]:
        try:
            for position, (do, n) in enumerate(steps):
                if do == "ask":
                    log.append((yield ask(n)))
                elif do == "try":
                    try:
                        log.append((yield ask(n)))
                    except ValueError as error:
                        log.append(("caught", error.args, (yield ask(0))))
                elif do == "raise" and n > 6:
                    raise LookupError(n)
                elif do == "return" and n > 6:
                    return log
                elif do == "sub":
                    yield from play(steps[position + 1 : position + 3], log)
            return log
        finally:
            closed.append(1)

    begun = 0

    def flow() -> Flow[list[Any]]:
        nonlocal begun
        begun += 1
        return play(steps, [])

    sync, asynchronous = both(flow, answer)
    assert sync == asynchronous
    assert begun == 2
    assert len(closed) >= 2
    assert len(closed) % 2 == 0


def test_a_flow_that_asks_nothing_just_ends() -> None:
    def flow() -> Flow[str]:
        yield from ()
        return "done"

    assert both(flow, answer) == [("value", "done")] * 2


def test_an_error_goes_to_the_flow_that_asked_and_else_to_the_caller() -> None:
    def deaf() -> Flow[None]:
        yield ask(3)

    def patient() -> Flow[str]:
        try:
            yield ask(3)
        except ValueError:
            return "caught"
        return "missed"

    assert both(deaf, answer) == [("error", ValueError, (3,))] * 2
    assert both(patient, answer) == [("value", "caught")] * 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_error_ends_the_flow_and_closes_it(error: type[BaseException]) -> None:
    closed: list[str] = []

    def flow() -> Flow[None]:
        try:
            yield ask(1)
        except Exception:  # noqa: BLE001 - must not be reached
            closed.append("caught")
        finally:
            closed.append("closed")

    def perform(_: Effect) -> Any:
        raise error

    with pytest.raises(error):
        run(flow(), perform)
    assert closed == ["closed"]


def test_a_cancelled_flow_is_closed_and_catches_nothing() -> None:
    closed: list[str] = []

    def inner() -> Flow[None]:
        try:
            yield ask(1)
        except Exception:  # noqa: BLE001 - must not be reached
            closed.append("caught")
        finally:
            closed.append("inner")

    def outer() -> Flow[None]:
        try:
            yield from inner()
        finally:
            closed.append("outer")

    async def main() -> None:
        asked = asyncio.Event()

        async def perform(_: Effect) -> Any:
            asked.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(arun(outer(), perform))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert closed == ["inner", "outer"]


def computing(value: Any) -> Flow[Any]:
    yield from ()
    if isinstance(value, Exception):
        raise value
    return value


def test_flows_that_only_compute_ask_for_nothing_at_any_depth() -> None:
    error = ValueError("x")
    inner = together([computing(1), computing(error)])
    ended = begin(together([inner, computing(2)]))
    assert isinstance(ended, Ended)
    assert ended.value == [Settled([Settled(1), Settled(error=error)]), Settled(2)]


def test_only_those_that_ask_run_side_by_side_and_what_they_come_to_is_in_order() -> None:
    def asking(n: int) -> Flow[int]:
        first: int = yield ask(n)
        second: int = yield ask(n + 1)
        return first + second

    flow = together([computing(1), asking(0), computing(2), asking(5)], 7.0)
    effect = next(flow)
    assert isinstance(effect, Together)
    assert (len(effect.flows), effect.timeout) == (2, 7.0)
    settled = [Settled(run(one, answer)) for one in effect.flows]
    with pytest.raises(StopIteration) as stop:
        flow.send(settled)
    assert stop.value.value == [Settled(1), Settled(2), Settled(2), Settled(22)]


def test_flows_that_nobody_drives_any_more_are_closed_at_any_depth() -> None:
    closed: list[int] = []

    def asking(n: int) -> Flow[None]:
        try:
            yield ask(n)
        finally:
            closed.append(n)

    flow = together([asking(0), together([asking(1), asking(2)])])
    next(flow)
    flow.close()
    assert sorted(closed) == [0, 1, 2]


def test_bytes_and_keys_stay_out_of_what_is_printed() -> None:
    from guardrail.flow import Fetch

    shown = repr(Fetch("POST", "http://x", b"what the user wrote", (("authorization", "Bearer key"),)))
    assert "wrote" not in shown
    assert "Bearer" not in shown
