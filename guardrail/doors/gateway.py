"""The gateway door: the ASGI guard over a reverse proxy, with health, readiness and metrics.

Any language can point at it. Paths are canonical before anybody decides on them.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request as HTTPRequest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from ..core import Guard, new_id
from ..errors import UpstreamError
from ..flow import arun
from ..ledger import Ledger
from ..policy import whole
from ..text import Segment
from ..verdict import Action, Kind
from ..wires.generic import problem
from ..wires.protocol import Notice
from .asgi import App, GuardrailMiddleware, Scope
from .delivery import Message, Receive, Send
from .moderations import Moderations

TEST_STRING = "GUARDRAIL-TEST-REFUSE"
"""Refused by every policy that ships, as EICAR and GTUBE are by scanners; readiness uses it."""
_TRICKS = (b"%2f", b"%5c", b"%00", b"\\", b"//", b"/../", b"/./", b"%2e%2e", b"%25")


def gateway(guard: Guard, upstream: App, *, moderations: bool = False) -> Starlette:
    """The gateway over ``upstream``, a ``Proxy`` or any ASGI app that speaks a wire format.

    ``moderations``: answer ``POST /v1/moderations`` here, by a backend of the policy, instead of sending it on. Raises
    ValueError where the policy has none.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        guard.open_log()
        if any(moderator.remote for lane in (guard.plan.input, guard.plan.output) for moderator in lane.moderators):
            await guard.aworld().warm()
        yield
        if (close := getattr(upstream, "aclose", None)) is not None:
            await close()
        await guard.aclose()
        guard.close()

    async def healthz(_: HTTPRequest) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: HTTPRequest) -> Response:
        problems = await _not_ready(guard)
        body = {"ready": not problems, "problems": problems, "policy": guard.plan.name, "policy_hash": guard.plan.hash}
        mode = "observe" if guard.plan.observe else "enforce"
        # A service that is left alone is no reason to send traffic elsewhere: on_error says what happens here.
        resting = [name for name, counts in guard.stats()["backends"].items() if counts["breaker"] != "closed"]
        return JSONResponse({**body, "mode": mode, "resting": resting}, status_code=503 if problems else 200)

    async def metrics(_: HTTPRequest) -> Response:
        try:
            from .metrics import exposition
        except ImportError:
            return PlainTextResponse("install guardrail-middleware[gateway] for metrics\n", status_code=404)
        body, media = exposition(guard)
        return Response(body, media_type=media)

    middleware = GuardrailMiddleware(upstream, guard)
    middleware.door, middleware.unclaimed = "gateway", "refuse"
    own = [Route("/v1/moderations", Moderations(guard).__call__, methods=["POST"])] if moderations else []
    routes = [
        *own,
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", metrics),
        Mount("/", app=_Canonical(middleware, guard)),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


class _Canonical:
    """Refuses paths that two readers could take for different places (threat T07)."""

    def __init__(self, app: App, guard: Guard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raw = (scope.get("raw_path") or scope["path"].encode()).split(b"?", 1)[0].lower()
            if any(trick in raw for trick in _TRICKS) or raw.endswith((b"/..", b"/.")):
                return await self._refuse(scope, send)
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except UpstreamError as error:  # of a path that is not guarded, so nobody has told it yet
            if error.status == 499:
                return
            if begun:
                raise
            await self._tell(error, send)

    async def _tell(self, error: UpstreamError, send: Send) -> None:
        notice = Notice("The model's server is not available.", "upstream_error", new_id(), status=error.status)
        await send({"type": "http.response.start", "status": error.status, "headers": _headers(notice)})
        await send({"type": "http.response.body", "body": problem(notice)})

    async def _refuse(self, scope: Scope, send: Send) -> None:
        guard = self._guard
        route = f"{scope['method']} {scope['path'][:200]}"
        ledger = Ledger(guard.plan, new_id(), time.time(), door="gateway", wire="walk", route=route)
        ledger.gap("*", "path", "request")
        ledger.deny()
        ledger.status = 400
        guard.submit(ledger.decision(time.time(), "bad_request"))
        message = "the path has an encoded or doubled slash or a dot segment; write it plainly"
        notice = Notice(message, "path", ledger.id)
        await send({"type": "http.response.start", "status": 400, "headers": _headers(notice)})
        await send({"type": "http.response.body", "body": problem(notice)})


def _headers(notice: Notice) -> list[tuple[bytes, bytes]]:
    return [(k.encode(), v.encode()) for k, v in (("content-type", "application/json"), *notice.headers())]


async def _not_ready(guard: Guard) -> list[str]:
    """Why traffic should not be sent here yet: the live policy must refuse its test string."""
    problems = []
    for name, lane in (("input", guard.plan.input), ("output", guard.plan.output)):
        if not any(scanner.scan(TEST_STRING) for scanner in lane.scanners):
            continue
        segment = Segment(Kind.USER, ("readiness",))
        segment.add(TEST_STRING)
        verdict = await arun(whole.judge(lane, [segment]), guard.aworld().perform)
        if verdict.action < Action.REVIEW:
            problems.append(f"the policy does not refuse its test string on {name}")
    if guard.stats()["log_failing"]:
        problems.append("the last decision could not be stored")
    return problems
