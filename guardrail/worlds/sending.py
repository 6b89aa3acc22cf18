"""Making one HTTP exchange on threads: attempts, each in its place on the line, and a second one beside a slow first.

The same in ``sending_async``, which must agree with it. Runs on a pool's thread and may block it. Knows
HTTP and time; of flows it must never know.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from time import monotonic
from typing import TYPE_CHECKING

from ..errors import NotEvaluated
from ..flow import Fetch, Place, Reply
from . import fetch as http

if TYPE_CHECKING:
    import httpx

Client = Callable[[], "httpx.Client"]
Spawn = Callable[[Callable[[], Reply]], Future[Reply]]


def send(client: Client, fetch: Fetch, end: float, spawn: Spawn, place: Place | None) -> Reply:
    """The reply to a fetch, whose turn it is on its line: ``place`` is free, and left here however this ends.

    ``spawn`` runs something on another thread. Raises NotEvaluated.
    """
    if fetch.hedge is None:
        return _attempts(client, fetch, end, place)
    try:
        first = spawn(lambda: _attempts(client, fetch, end, place))
    except BaseException:
        http.leave(fetch, place)
        raise
    wait([first], min(fetch.hedge, max(0.0, end - monotonic())))
    tries = [first] if first.done() else [first, *_beside(client, fetch, end, spawn)]
    left = set(tries)
    while left and (seconds := end - monotonic()) > 0:
        done, left = wait(left, seconds, FIRST_COMPLETED)
        for one in done:
            if one.exception() is None and http.good(one.result()):
                return one.result()
    if not first.done():
        raise http.late()
    return first.result()


def _beside(client: Client, fetch: Fetch, end: float, spawn: Spawn) -> list[Future[Reply]]:
    """A second request, where there is a thread for it: the first one may still be answered."""
    try:
        return [spawn(lambda: _attempt(client(), fetch, end, None, spare=True))]
    except NotEvaluated:
        return []


def _attempts(client: Client, fetch: Fetch, end: float, place: Place | None) -> Reply:
    try:
        if fetch.attempts <= 1:
            return _attempt(client(), fetch, end, place)
        import tenacity

        places = [place]
        again = tenacity.Retrying(**http.retry_options(fetch, end))
        return again(lambda: _attempt(client(), fetch, end, places.pop() if places else None))
    finally:
        http.leave(fetch, place)


def _attempt(client: httpx.Client, fetch: Fetch, end: float, place: Place | None, *, spare: bool = False) -> Reply:
    line = fetch.line
    if line is None:
        return _exchange(client, fetch, end)
    if place is None:
        place = line.enter(spare=spare, again=not spare)
    outcome: Reply | Exception | None = None
    sent: float | None = None
    try:
        wait([place.free], max(0.0, end - monotonic()))
        if not place.free.done():
            raise http.crowded()
        while seconds := line.pace(place, end - monotonic()):
            wait([place.sooner], seconds)
        sent = monotonic()
        outcome = _exchange(client, fetch, end)
        return outcome
    except Exception as error:
        outcome = http.blamed(error, fetch, sent, end)
        raise
    finally:
        line.leave(place, outcome)


def _exchange(client: httpx.Client, fetch: Fetch, end: float) -> Reply:
    from .deadline import until

    if client.is_closed:
        raise http.shut()
    try:
        with until(end), client.stream(**http.request_options(fetch, end)) as response:
            reader = http.ReplyReader(response, fetch.limit, end)
            for piece in response.iter_raw():
                reader.add(piece)
            return reader.reply()
    except http.http_errors() as error:
        failure = http.shut() if client.is_closed else http.explain(error)
    raise failure
