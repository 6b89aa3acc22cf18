"""Several flows as one: each takes a step, all wait for the slowest, and so on. Knows flows and effects only.

``Together`` runs flows freely, and may not be nested; a backend is asked within it. So what a backend asks of several
others at a time goes out in one ``Gather`` a step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..flow import Await, Call, Effect, Fetch, Flow, Gather, Settled, resume


def braid(flows: Sequence[Flow[Any]]) -> Flow[list[Settled]]:
    """How each flow ended, in order. They may ask for fetches, calls and waits."""
    ended: dict[int, Settled] = {}
    asking: dict[int, Fetch | Call | Await | Gather] = {}

    def step(n: int, on: Callable[[], Effect]) -> None:
        try:
            effect = on()
        except StopIteration as stop:
            ended[n] = Settled(stop.value)
        except Exception as error:  # noqa: BLE001 - is how this flow ended; its neighbours go on
            ended[n] = Settled(error=error)
        else:
            if not isinstance(effect, Fetch | Call | Await | Gather):
                raise TypeError("a backend asks for fetches, calls and waits only")
            asking[n] = effect

    try:
        for n, flow in enumerate(flows):
            step(n, partial(next, flow))
        while asking:
            now, asking = asking, {}
            answers = yield Gather(tuple(now.values()))
            for n, answer in zip(now, answers, strict=True):
                step(n, partial(resume, flows[n], partial(_answer, answer)))
    finally:
        for flow in flows:
            flow.close()
    return [ended[n] for n in range(len(flows))]


def _answer(answer: Settled) -> Any:
    if answer.error is not None:
        raise answer.error
    return answer.value
