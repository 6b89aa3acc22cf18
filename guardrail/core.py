"""Guard: one compiled policy with everything that serves it. All doors share it.

Holds the plan in force, opens exchanges under it, and owns what does I/O: the worlds and the
decision log. The plan is swapped in one assignment; an exchange keeps the one it began under.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
import weakref
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .admit.objects import Objects
from .checks.protocol import Counted
from .context import current_user
from .errors import BadRequest, GuardrailError, LogError
from .exchange import Exchange
from .flow import Commit, Flow, arun, run
from .http import Request
from .ledger import Ledger
from .policy import whole
from .policy.compile import load_plan
from .policy.plan import Plan
from .policy.prompt import last
from .stats import Stats
from .store.recorder import RecorderLike, open_recorder
from .text import Segment
from .verdict import Decision, Kind
from .wires.router import Match
from .wires.routes import carries_body, exactly_under, is_harmless, under
from .worlds import AsyncWorld, SyncWorld, preload

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("guardrail")
Direction = Literal["input", "output"]


class Guard:
    """A policy in force. Make one with ``Guard.from_policy`` and share it between doors.

    ``log`` is a SQLAlchemy URL (default: ``$GUARDRAIL_LOG``, else ``sqlite:///decisions.db`` in the
    working folder; the word ``none`` keeps no log); it is opened at the first call.
    """

    def __init__(self, plan: Plan, *, source: str | Path | None = None, log: str | None = None) -> None:
        self.plan = plan
        self._source = source
        self._recorder: RecorderLike = open_recorder(log)
        self._stats = Stats()
        self.objects = Objects()
        self._sync: SyncWorld | None = None
        self._loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncWorld] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        if any(backend.remote for backend in plan.backends.values()):
            preload()  # so that no first request waits for it, within its deadline

    @classmethod
    def from_policy(cls, policy: str | Path = "default", *, log: str | None = None) -> Guard:
        """Load a policy that ships (``default``, ``strict``, ``observe``, ``production``) or a file.

        Raises PolicyError with everything that is wrong with it.
        """
        return cls(load_plan(policy), source=policy, log=log)

    def reload(self) -> str:
        """Read the policy again and put it in force; returns its hash.

        Raises PolicyError where it cannot be used; the last good one then stays in force.
        """
        if self._source is None:
            raise GuardrailError("this guard was not made from a policy file, so there is nothing to reload")
        plan = load_plan(self._source, lines=self.plan.lines)
        if plan.limits is not None and self.plan.limits is not None and plan.limits.rules == self.plan.limits.rules:
            plan = replace(plan, limits=self.plan.limits)  # nobody's count begins anew
        before, self.plan = self.plan.hash, plan
        _log.info("policy %s reloaded: %s -> %s", plan.name, before[:12], plan.hash[:12])
        return plan.hash

    def check(
        self, text: str, *, direction: Direction = "input", user: str | None = None, prompt: str | None = None
    ) -> Decision:
        """Judge one text. ``Decision.text`` is what may be used: the text, masks applied.

        ``prompt``: what a text of the direction ``output`` answers, for the models that judge a reply beside it; the
        last 4,000 characters are used, as they are. It is not judged itself, nor recorded.

        Raises BadRequest for a text that is no Unicode text (lone surrogates), LogError where the
        decision cannot be stored, ValueError for a prompt beside a text of the direction ``input``.
        """
        return run(self._check(text, direction, user, prompt), self.world().perform)

    async def acheck(
        self, text: str, *, direction: Direction = "input", user: str | None = None, prompt: str | None = None
    ) -> Decision:
        """``check`` for asyncio."""
        return await arun(self._check(text, direction, user, prompt), self.aworld().perform)

    def _check(self, text: str, direction: Direction, user: str | None, prompt: str | None) -> Flow[Decision]:
        plan = self.plan
        if direction not in ("input", "output"):
            raise ValueError('direction is "input" or "output"')
        if prompt is not None and direction == "input":
            raise ValueError('a prompt stands beside a reply: give direction="output" with it')
        _unicode(text, "text")
        _unicode(prompt or "", "prompt")
        ledger = Ledger(plan, new_id(), time.time(), door="check", wire="text", route=direction)
        if (user := current_user() or user) is not None and plan.identity is not None:
            ledger.user = plan.identity.resolve(Request("CHECK", "", (), user=user)).user
        segment = Segment(Kind.USER if direction == "input" else Kind.ASSISTANT, ("text",))
        if text:
            segment.add(text)
        lane = plan.input if direction == "input" else plan.output
        if plan.inline is not None and text and not text.isspace():
            ledger.add(plan.inline.absent(direction, [segment.kind]))
        ledger.add((yield from whole.judge(lane, [segment], prompt=last(prompt or ""))))
        ledger.keep([segment])
        out = text if plan.observe else segment.written(0, text)
        ledger.changed = out != text
        decision = ledger.decision(time.time(), "complete")
        yield Commit(decision)
        return decision.with_text(out)

    def stats(self) -> dict[str, Any]:
        """Counts so far, and the policy in force."""
        plan = self.plan
        mode = "observe" if plan.observe else "enforce"
        counted = {name: dict(b.stats()) for name, b in plan.backends.items() if isinstance(b, Counted)}
        asked = {name: counts for name, counts in counted.items() if counts}
        return {
            **self._stats.snapshot(),
            "policy": plan.name,
            "policy_hash": plan.hash,
            "mode": mode,
            "backends": asked,
        }

    # -- for doors ---------------------------------------------------------------------------

    def open(self, request: Request, *, door: str, unclaimed: str) -> Exchange | None:
        """The exchange for a request; None where the policy lets it pass unlooked at.

        ``unclaimed`` is the door's own default for requests that no wire format claims.
        """
        plan = self.plan
        if not self.looks_at(request.path):
            return None
        if request.method != request.method.upper():
            request = replace(request, method=request.method.upper())
        if is_harmless(request):
            return None
        match = plan.router.find(request)
        word = plan.scope.unclaimed or unclaimed
        if match is not None and not match.sure:
            if word == "refuse":  # a gateway stands before an API, and before nothing else
                match = Match(match.wire)
            elif not carries_body(request):
                match = None
        if match is None and (word == "pass" or (word == "walk" and not carries_body(request))):
            return None
        exchange = Exchange(
            plan, match, request, door=door, id=new_id(), now=time.time, store=self.submit, objects=self.objects
        )
        exchange.unknown = match is None and word == "refuse"
        exchange.may_overlap = plan.overlap == "app" or (plan.overlap == "upstream" and door != "asgi")
        return exchange

    def looks_at(self, path: str) -> bool:
        """Where spellings of the path disagree about a prefix, it is looked at."""
        scope = self.plan.scope
        if scope.only:
            return under(path, scope.only)
        return not (scope.skip and exactly_under(path, scope.skip))

    def world(self) -> SyncWorld:
        if self._sync is None:
            with self._lock:
                self._sync = self._sync or SyncWorld(self.submit, fetches=48)
        return self._sync

    def aworld(self) -> AsyncWorld:
        loop = asyncio.get_running_loop()
        world = self._loops.get(loop)
        if world is None:
            with self._lock:
                self._let_go()
                world = self._loops.setdefault(loop, AsyncWorld(self.submit))
        return world

    async def aclose(self) -> None:
        """Let go of what belongs to the running loop: connections to services, threads."""
        world = self._loops.pop(asyncio.get_running_loop(), None)
        if world is not None:
            await world.aclose()

    def _let_go(self) -> None:
        """Of the worlds of closed loops: a connection keeps its loop alive, and so its world in the table."""
        for loop in [loop for loop in self._loops if loop.is_closed()]:
            self._loops.pop(loop).abandon()

    def submit(self, decision: Decision) -> Future[None]:
        """Count a decision and hand it to the log; the future ends when it is stored."""
        self._stats.count(decision)
        future = self._recorder.submit(decision)
        if not (future.done() and future.exception() is None):
            future.add_done_callback(self._stored)
        return future

    def _stored(self, future: Future[None]) -> None:
        if not future.cancelled():
            self._stats.logged(stored=not isinstance(future.exception(), LogError))

    def open_log(self) -> None:
        """Open the log now rather than at the first call. Raises LogError."""
        self._recorder.open()

    def flush(self, timeout: float = 10.0) -> None:
        """Wait until every decision handed to the log is stored."""
        self._recorder.flush(timeout)

    def close(self) -> None:
        """Store what is left and let go of threads and connections."""
        self._recorder.close()
        with self._lock:
            self._let_go()
        if self._sync is not None:
            self._sync.close()


def new_id() -> str:
    """A decision id: 128 random bits, hex, so that nobody can guess another's."""
    return secrets.token_hex(16)


def _unicode(text: str, what: str) -> None:
    """Raises BadRequest for a text with a lone surrogate."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadRequest(f"the {what} has a lone surrogate: no Unicode text", code="invalid_text") from None


def as_guard(policy: str | Path | Guard, log: str | None) -> Guard:
    """What doors take as ``policy``: a name, a path, or a Guard that is shared."""
    if isinstance(policy, Guard):
        if log is not None:
            raise ValueError("give `log` to the Guard itself, not beside it")
        return policy
    return Guard.from_policy(policy, log=log)


def name_user(user: str | Callable[..., str | None] | None, *args: object) -> str | None:
    """The user the application names: ``as_user`` first, then the door's ``user`` (or its answer)."""
    named = current_user()
    if named is None and user is not None:
        named = user(*args) if callable(user) else user
    return named
