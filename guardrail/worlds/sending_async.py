"""Making one HTTP exchange on an event loop: attempts, each in its place on the line, and a second one beside a slow
first.

The same as ``sending``, which it must agree with; whoever is cancelled here has nothing left under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..flow import Fetch, Place, Reply
from . import fetch as http

if TYPE_CHECKING:
    import httpx


async def send(client: httpx.AsyncClient, fetch: Fetch, end: float, place: Place | None) -> Reply:
    """The reply to a fetch, whose turn it is on its line: ``place`` is free, and left by whoever asks. Raises
    NotEvaluated."""
    if fetch.hedge is None:
        return await _attempts(client, fetch, end, place)
    first = asyncio.create_task(_attempts(client, fetch, end, place))
    tries = [first]
    try:
        await asyncio.wait(tries, timeout=fetch.hedge)
        if not first.done():
            tries.append(asyncio.create_task(_attempt(client, fetch, end, None, spare=True)))
        left = set(tries)
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                if one.exception() is None and http.good(one.result()):
                    return one.result()
        return first.result()
    finally:
        for one in tries:
            one.cancel()
        await asyncio.gather(*tries, return_exceptions=True)


async def done(futures: Sequence[Future[Any]], timeout: float | None, *, first: bool = False) -> None:
    """Wait until all of them are done (``first``: one of them), or as long. They are other people's, and never
    cancelled."""
    loop = asyncio.get_running_loop()
    left = [future for future in futures if not future.done()]
    if not left or (first and len(left) < len(futures)):
        return
    told = asyncio.Event()
    waiting = 1 if first else len(left)

    def one() -> None:
        nonlocal waiting
        waiting -= 1
        if not waiting:
            told.set()

    def call(_: Future[Any]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(one)

    for future in left:
        future.add_done_callback(call)
    try:
        async with asyncio.timeout(timeout):
            await told.wait()
    except TimeoutError:
        return


async def _attempts(client: httpx.AsyncClient, fetch: Fetch, end: float, place: Place | None) -> Reply:
    if fetch.attempts <= 1:
        return await _attempt(client, fetch, end, place)
    import tenacity

    places = [place]

    async def attempt() -> Reply:
        return await _attempt(client, fetch, end, places.pop() if places else None)

    return await tenacity.AsyncRetrying(**http.retry_options(fetch, end))(attempt)


async def _attempt(
    client: httpx.AsyncClient, fetch: Fetch, end: float, place: Place | None, *, spare: bool = False
) -> Reply:
    line = fetch.line
    if line is None:
        return await _exchange(client, fetch, end)
    if place is None:
        place = line.enter(spare=spare, again=not spare)
    outcome: Reply | Exception | None = None
    sent: float | None = None
    try:
        await done([place.free], max(0.0, end - monotonic()))
        if not place.free.done():
            raise http.crowded()
        while seconds := line.pace(place, end - monotonic()):
            await done([place.sooner], seconds)
        sent = monotonic()
        outcome = await _exchange(client, fetch, end)
        return outcome
    except BaseException as error:  # cancelled too: the time allowed ends so
        outcome = http.blamed(error, fetch, sent, end)
        raise
    finally:
        line.leave(place, outcome)


async def _exchange(client: httpx.AsyncClient, fetch: Fetch, end: float) -> Reply:
    if client.is_closed:
        raise http.shut()
    try:
        async with client.stream(**http.request_options(fetch, end)) as response:
            reader = http.ReplyReader(response, fetch.limit, end)
            async for piece in response.aiter_raw():
                reader.add(piece)
            return reader.reply()
    except http.http_errors() as error:
        failure = http.shut() if client.is_closed else http.explain(error)
    raise failure
