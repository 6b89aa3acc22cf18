"""Making one HTTP exchange on threads: attempts, each in its place on the line, and a second one beside a slow first.

The same in ``sending_async``, which must agree with it. Runs on a pool's thread and may block it. Knows
HTTP and time; of flows it must never know.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from time import monotonic, sleep
from typing import TYPE_CHECKING

from ..flow import Fetch, Reply
from . import fetch as http

if TYPE_CHECKING:
    import httpx

Spawn = Callable[[Callable[[], Reply]], Future[Reply]]


def send(client: httpx.Client, fetch: Fetch, end: float, spawn: Spawn) -> Reply:
    """The reply to a fetch. ``spawn`` runs something on another thread. Raises NotEvaluated."""
    if fetch.hedge is None:
        return _attempts(client, fetch, end)
    first = spawn(lambda: _attempts(client, fetch, end))
    wait([first], min(fetch.hedge, max(0.0, end - monotonic())))
    tries = [first] if first.done() else [first, spawn(lambda: _attempt(client, fetch, end, spare=True))]
    left = set(tries)
    while left and (seconds := end - monotonic()) > 0:
        done, left = wait(left, seconds, FIRST_COMPLETED)
        for one in done:
            if one.exception() is None and http.good(one.result()):
                return one.result()
    if not first.done():
        raise http.late()
    return first.result()


def _attempts(client: httpx.Client, fetch: Fetch, end: float) -> Reply:
    if fetch.attempts <= 1:
        return _attempt(client, fetch, end)
    import tenacity

    return tenacity.Retrying(**http.retry_options(fetch, end))(_attempt, client, fetch, end)


def _attempt(client: httpx.Client, fetch: Fetch, end: float, *, spare: bool = False) -> Reply:
    line = fetch.line
    if line is None:
        return _exchange(client, fetch, end)
    place = line.enter(spare=spare)
    outcome: Reply | Exception | None = None
    sent: float | None = None
    try:
        wait([place.free], max(0.0, end - monotonic()))
        if not place.free.done():
            raise http.crowded()
        if seconds := line.pace(place, end - monotonic()):
            sleep(seconds)
        sent = monotonic()
        outcome = _exchange(client, fetch, end)
        return outcome
    except Exception as error:
        outcome = http.blamed(error, fetch, sent, end)
        raise
    finally:
        line.leave(place, outcome)


def _exchange(client: httpx.Client, fetch: Fetch, end: float) -> Reply:
    if client.is_closed:
        raise http.shut()
    try:
        with client.stream(**http.request_options(fetch, end)) as response:
            reader = http.ReplyReader(response, fetch.limit, end)
            for piece in response.iter_raw():
                reader.add(piece)
            return reader.reply()
    except http.http_errors() as error:
        failure = http.explain(error)
    raise failure
