"""An ASGI answer on its way: judged while more of it is read, sent in order, and not waited for without end.

What an app sends is fed; what may leave is sent. While a check asks somebody far away the app is read
on, up to a bound, and a task of this call judges and sends. So there is one sender at a time: that
task while it runs, and the app's own otherwise. Knows ASGI messages and an exchange's answer; nothing
of requests, wire formats or rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

from ..errors import UpstreamError
from ..exchange import Exchange
from ..flow import Effect, Ended, Flow, areach, arun
from ..http import Release

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HIGH = 256 * 1024
"""Bytes held for a verdict that is under way before the app has to wait for it."""
GRACE = 0.5
"""Seconds an app has to notice that its answer was ended, before it is cancelled."""


class Delivery:
    """One answer. ``halted``: it was ended while the app was elsewhere; ``cut``: the app was cancelled for it;
    ``ended``: its last byte was sent; ``broken``: why it was broken off, where its end could not be told."""

    def __init__(self, exchange: Exchange, perform: Callable[[Effect], Awaitable[Any]], send: Send) -> None:
        self._exchange, self._perform, self.send = exchange, perform, send
        self._task: asyncio.Task[None] | None = None  # judges and sends beside the app
        self._work: asyncio.Task[Any] | None = None  # runs the app
        self._receiver: asyncio.Task[Any] | None = None  # waits for the caller to leave
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._busy = 0  # the app is inside a send of its own, and cannot be blamed for silence
        self._heard = self._sent = 0.0  # when the app last said something, and when the caller last got something
        self._spoke = self._settled = self._woken = False
        self._late = False  # silence is measured
        self._asleep = False  # nothing is due before the timer, however long that is, unless the app speaks
        self.halted = self.cut = self.ended = False
        self.broken: Exception | None = None

    # -- what the door tells --------------------------------------------------------------------

    def begin(self, *, waits: bool) -> None:
        """The app is about to be called, in this task. ``waits``: its silence is measured by the policy's words."""
        exchange, patience = self._exchange, self._exchange.plan.patience
        self._work = asyncio.current_task()
        self._late = waits and not exchange.plan.observe
        if exchange.overlaps:
            self._start(self._follow())
        if self._late and any((patience.first_byte, patience.idle, patience.keep_alive, patience.settle)):
            self._loop = asyncio.get_running_loop()
            self._heard = self._sent = self._loop.time()
            self._timer = self._loop.call_later(self._pace(), self._tick)

    def heard(self) -> None:
        """The app has said something."""
        if self._loop is not None:
            self._heard = self._loop.time()
            self._settled = False
            if self._asleep and not self.halted and self._timer is not None:
                self._asleep = False
                self._timer.cancel()
                self._timer = self._loop.call_later(self._pace(), self._tick)

    async def body(self, message: Message, last: bool) -> None:
        """A part of the answer. Returns when the app may go on; at the ``last`` one when all is done."""
        exchange = self._exchange
        self._busy += 1
        try:
            chunk = message.get("body", b"")
            exchange.feed(chunk)
            self._spoke = self._spoke or bool(chunk)
            beside = self._task is not None and not self._task.done()
            if passing := exchange.passing and (exchange.plan.observe or not beside):
                exchange.take()
                await self.send(message)
            if last:
                exchange.finish()
            if self._task is not None:
                if not self._task.done() and not last and exchange.held < HIGH:
                    return
                await self.settle()
            if not last and (release := exchange.quick()) is not None:  # what most parts of most streams come to
                if release:
                    await self.emit(release)
                return
            await self._judge(last, passing)
        finally:
            self._busy -= 1
            self.heard()

    async def receive(self, receive: Receive) -> Message | None:
        """The server's next message; None: the answer has been ended meanwhile."""
        if self.halted:
            return None
        self._receiver = task = asyncio.current_task()
        try:
            return await receive()
        except asyncio.CancelledError:
            woken, self._woken = self._woken, False
            if not woken or task is None or task.uncancel() > 0:
                raise
            return None
        finally:
            self._receiver = None

    async def emit(self, release: Release) -> None:
        """Send what may leave."""
        if release.head is not None:
            headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in release.head.headers]
            await self.send({"type": "http.response.start", "status": release.head.status, "headers": headers})
        if release.body or release.end:
            await self.send({"type": "http.response.body", "body": release.body, "more_body": not release.end})
        elif release.head is None:
            return
        self.ended = self.ended or release.end
        if self._loop is not None:
            self._sent = self._loop.time()

    async def settle(self) -> None:
        """Wait for the task beside the app. Raises what it raised."""
        if (task := self._task) is not None:
            if not task.done():
                await asyncio.wait({task})
            if self._task is task:
                self._task = None
                task.result()

    async def close(self) -> None:
        """Leave nothing behind: no task, no timer, no cancellation of ours."""
        if self.cut:
            self.uncut()
        if self._timer is not None:
            self._timer.cancel()
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})
        if task is not None and not task.cancelled():
            task.exception()

    # -- judging -----------------------------------------------------------------------------------

    async def _judge(self, last: bool, passing: bool) -> None:
        """Judge what has come and send what may leave; what has to be asked goes to a task, except at the end."""
        exchange = self._exchange
        while True:
            flow = exchange.pump()
            effect = await areach(flow, self._perform)
            if isinstance(effect, Ended):
                release = effect.value
            elif last:
                release = await arun(flow, self._perform, effect)
            else:
                return self._start(self._follow(flow, effect))
            if not passing:
                await self.emit(release)
            if exchange.over or not last:
                return None

    async def _follow(
        self, flow: Flow[Release] | None = None, effect: Effect | None = None, *, idle: bool = False
    ) -> None:
        """Judge and send until nothing is left to be judged."""
        exchange, passing = self._exchange, self._exchange.passing
        try:
            while True:
                release = await arun(flow or exchange.pump(idle=idle), self._perform, effect)
                flow, effect, idle = None, None, False
                if not passing:
                    await self.emit(release)
                if exchange.over or not exchange.fresh:
                    break
        except Exception as error:
            self._halt()
            self.broken = error
            raise
        if exchange.over:
            self._halt()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)

    def _halt(self) -> None:
        """The answer has ended and the app does not know: it sees its caller leave, or is cancelled in a while."""
        if self.halted or self._exchange.plan.observe:
            return
        self.halted = True
        if self._timer is not None:
            self._timer.cancel()
        if self._receiver is not None:
            self._woken = True
            self._receiver.cancel()
        self._timer = asyncio.get_running_loop().call_later(GRACE, self._cut)

    def _cut(self) -> None:
        if self._work is None or self._work.done():
            return
        if self._busy:  # it is inside a send, which will tell it
            self._timer = asyncio.get_running_loop().call_later(GRACE, self._cut)
            return
        self.cut = True
        self._work.cancel()

    def uncut(self) -> int:
        """The app has ended, and its task goes on as its owner's. How many others have cancelled it meanwhile."""
        self.cut = False
        return 0 if self._work is None else self._work.uncancel()

    # -- the clock ---------------------------------------------------------------------------------

    def _pace(self) -> float:
        patience = self._exchange.plan.patience
        words = (patience.first_byte, patience.idle, patience.keep_alive, patience.settle)
        return min(word for word in words if word) / 2

    def _next(self, now: float, silent: float) -> float:
        """Seconds to the next look: soon while something may be due, and else when it will be."""
        patience, pace = self._exchange.plan.patience, self._pace()
        settling = (
            patience.settle is not None and not self._settled and (self._exchange.held or silent < patience.settle)
        )
        self._asleep = not (self._busy or settling or (self._task is not None and not self._task.done()))
        if not self._asleep:
            return pace
        due = [
            since + word - now
            for since, word in (
                (self._sent, patience.keep_alive),
                (self._heard, patience.idle if self._spoke else patience.first_byte),
            )
            if word
        ]
        return max(pace, min(due, default=3600.0))

    def _tick(self) -> None:
        """See who has been silent for how long. Plain, for most of the time there is nothing to do."""
        exchange, loop = self._exchange, self._loop
        assert loop is not None
        if self.halted or exchange.over:
            return
        patience, now = exchange.plan.patience, loop.time()
        silent = 0.0 if self._busy else now - self._heard
        self._timer = loop.call_later(self._next(now, silent), self._tick)
        if self._task is not None and not self._task.done():
            return
        limit = patience.idle if self._spoke else patience.first_byte
        if limit and silent >= limit:
            what = "fell silent" if self._spoke else "did not answer in time"
            self._start(self._give_up(UpstreamError(f"the upstream {what}", status=504)))
        elif patience.settle and silent >= patience.settle and exchange.held and not self._settled:
            self._settled = True
            self._start(self._follow(idle=True))
        elif (
            not self._busy
            and patience.keep_alive
            and now - self._sent >= patience.keep_alive
            and (comment := exchange.comment())
        ):
            self._sent = now
            self._start(self._say(comment))

    async def _give_up(self, error: UpstreamError) -> None:
        release = await arun(self._exchange.fail(error), self._perform)
        await self.emit(release)
        if not release.end:
            self.broken = error
        self._halt()

    async def _say(self, comment: bytes) -> None:
        await self.send({"type": "http.response.body", "body": comment, "more_body": True})
        if self._exchange.fresh:
            await self._follow()
