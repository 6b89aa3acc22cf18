"""What an HTTP exchange is in both colours: the request, the bounded reply, failures, retries.

Knows httpx and tenacity, and loads them only when a fetch is made. Must never know whom it asks or
what the body means, and must never put a body, a header or a URL into an error.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import monotonic, time
from typing import TYPE_CHECKING, Any

from ..errors import NotEvaluated
from ..flow import Fetch, Place, Reply

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

TRANSIENT = frozenset({429, 500, 502, 503, 504})
"""The statuses worth another try; every other one is an answer."""

_NEARLY = 0.02
"""Seconds before the end of the time allowed at which its alarm may already ring."""

_CODINGS = frozenset({"", "identity"})


def preload() -> None:
    """Load what the first fetch would have to wait for: some 0.2 s of CPU."""
    import httpx  # noqa: F401
    import tenacity  # noqa: F401


class FetchFailed(NotEvaluated):
    """No reply came. ``again``: another try of the same request may go better."""

    of_service = True
    """It says something of the service, unlike a place that was not free here."""

    def __init__(self, reason: str, detail: str, *, again: bool = False) -> None:
        super().__init__(reason, detail)
        self.again = again


def late() -> FetchFailed:
    return FetchFailed("timeout", "no complete reply within the time allowed")


def overtime() -> NotEvaluated:
    return NotEvaluated("timeout", "not done when the flows that ran side by side had to end")


def blamed(error: BaseException, fetch: Fetch, sent: float | None, end: float) -> Exception | None:
    """What an attempt that ended so says of the service; None: nothing. ``sent``: when it went, if it did.

    A time that was mostly spent waiting here is not the service's, and whoever is cancelled at the end of the time
    allowed was kept waiting until then.
    """
    timed_out = isinstance(error, FetchFailed) and error.reason == "timeout"
    if not isinstance(error, Exception):
        timed_out = monotonic() >= end - _NEARLY
    if not timed_out:
        return error if isinstance(error, Exception) else None
    return late() if sent is not None and end - sent >= fetch.timeout / 2 else None


def crowded() -> NotEvaluated:
    return NotEvaluated("busy", "all requests allowed to this service at a time were under way")


def leave(fetch: Fetch, place: Place | None) -> None:
    """It stands on its line no more. A second time changes nothing, and what the first said of the service stays."""
    if fetch.line is not None and place is not None:
        fetch.line.leave(place, None)


def given_up() -> NotEvaluated:
    return NotEvaluated("abandoned", "whoever asked gave up before the answer came")


def good(outcome: Reply | Exception) -> bool:
    """Is this worth stopping for, where another request for the same is under way?"""
    return isinstance(outcome, Reply) and not _transient(outcome)


def shut() -> NotEvaluated:
    return NotEvaluated("closed", "the guard was closed while it was in use")


def client_options(workers: int, trust_env: bool) -> dict[str, Any]:
    """Keyword arguments for ``httpx.Client`` and ``httpx.AsyncClient`` alike.

    No redirect is followed: the operator named one address, and a body must not travel to another.
    """
    import httpx

    return {
        "trust_env": trust_env,
        "follow_redirects": False,
        "timeout": None,
        "limits": httpx.Limits(max_connections=workers, max_keepalive_connections=workers),
        "cookies": CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    }


def request_options(fetch: Fetch, end: float) -> dict[str, Any]:
    """Keyword arguments for ``client.stream``. ``end`` is a ``monotonic`` time.

    Compressed replies are not asked for: a few bytes of them can unfold to any size in one step.
    """
    import httpx

    url = httpx.URL(fetch.url)
    if url.port is not None and url.port > 65535:
        raise httpx.InvalidURL("a port is at most 65535")
    headers = [*fetch.headers, ("accept-encoding", "identity")]
    return {
        "method": fetch.method,
        "url": url,
        "content": fetch.body,
        "headers": headers,
        "timeout": remaining(end),
    }


def remaining(end: float) -> float:
    left = end - monotonic()
    if left <= 0:
        raise late()
    return left


class ReplyReader:
    """Collects a reply piece by piece and stops at the first byte too many, or too late."""

    def __init__(self, response: httpx.Response, limit: int, end: float) -> None:
        self._response, self._limit, self._end = response, limit, end
        self._pieces: list[bytes] = []
        self._size = 0
        if response.headers.get("content-encoding", "").strip().lower() not in _CODINGS:
            raise FetchFailed("protocol", "the reply has a content coding that was not asked for")
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and float(declared) > limit:
            raise self._too_large()

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._limit:
            raise self._too_large()
        self._pieces.append(piece)
        remaining(self._end)

    def reply(self) -> Reply:
        headers = tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self._response.headers.raw
        )
        return Reply(self._response.status_code, headers, b"".join(self._pieces))

    def _too_large(self) -> FetchFailed:
        return FetchFailed("too_large", f"the reply is longer than {self._limit} bytes")


def http_errors() -> tuple[type[Exception], ...]:
    """What ``client.stream`` raises; give it to ``explain``, and raise outside the ``except``.

    Raised inside, the new error would carry httpx's, which holds the request with its key.
    """
    import httpx

    # UnicodeError: the idna codec of the standard library, on a host name that cannot be.
    return (httpx.HTTPError, httpx.InvalidURL, UnicodeError)


def explain(error: Exception) -> FetchFailed:
    """The short reason for an httpx error, without anything of the request."""
    import httpx

    causes = list(_causes(error))
    if isinstance(error, httpx.TimeoutException):
        return late()
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return FetchFailed("tls", "no trusted TLS connection to the server")
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return FetchFailed("dns", "the host name of the server was not found", again=True)
    if isinstance(error, httpx.NetworkError | httpx.ProxyError):
        return FetchFailed("connect", "the connection could not be made, or broke off", again=True)
    # A server that closes an idle connection just as it is used again shows up here.
    again = isinstance(error, httpx.RemoteProtocolError)
    return FetchFailed("protocol", "the request or the reply is not valid HTTP", again=again)


def _causes(error: BaseException | None) -> Any:
    seen = 0
    while error is not None and seen < 16:
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error, seen = error.__cause__ or error.__context__, seen + 1


def retry_options(fetch: Fetch, end: float) -> Mapping[str, Any]:
    """Keyword arguments for ``tenacity.Retrying`` and ``tenacity.AsyncRetrying`` alike.

    When nothing is left to try, the last reply is returned, or the last error raised.
    """
    import tenacity

    spread = tenacity.wait_random_exponential(multiplier=0.2, max=10, min=0.02)

    def wait(state: RetryCallState) -> float:
        outcome = state.outcome
        asked = None if outcome is None or outcome.failed else _retry_after(outcome.result())
        return spread(state) if asked is None else asked

    def stop(state: RetryCallState) -> bool:
        return state.attempt_number >= fetch.attempts or monotonic() + state.upcoming_sleep >= end

    def last(state: RetryCallState) -> Any:
        return None if state.outcome is None else state.outcome.result()

    return {
        "retry": tenacity.retry_if_exception(_worth_again) | tenacity.retry_if_result(_transient),
        "wait": wait,
        "stop": stop,
        "retry_error_callback": last,
    }


def _worth_again(error: BaseException) -> bool:
    return isinstance(error, FetchFailed) and error.again


def _transient(reply: Reply) -> bool:
    return reply.status in TRANSIENT


def _retry_after(reply: Reply) -> float | None:
    """Seconds to wait, from Retry-After (RFC 9110, 10.2.3: seconds or an HTTP date)."""
    value = next((value for name, value in reply.headers if name == "retry-after"), "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, OverflowError):
        return None
