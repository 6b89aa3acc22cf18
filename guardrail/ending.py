"""How an exchange ends: refusals, the one stored row, and the guard's own faults.

Whatever happens, exactly one Decision is made. Knows no phase of the call and no way of judging.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from .admit.identity import Caller
from .admit.objects import Objects
from .beside import Beside
from .errors import BadRequest, LogError
from .flow import Commit, Effect, Flow
from .http import Head, Release, Request, header
from .ledger import Ledger
from .policy import prompt
from .policy.plan import Plan
from .policy.vault import Vault
from .reply import StreamReply, WholeReply
from .text import Medium
from .verdict import Action, Decision, Gap, Spent, Verdict
from .voice import Voice
from .wires.anything import Walk
from .wires.protocol import Body, Notice, Wire
from .wires.router import Match

_log = logging.getLogger("guardrail")
WALK = Walk()
"""What reads a request that no wire format claims."""
T = TypeVar("T")
_NOTHING = Verdict()


class Ending:
    """What every phase of an exchange can come to. ``store`` takes the row of an untimely end."""

    def __init__(
        self,
        plan: Plan,
        match: Match | None,
        request: Request,
        *,
        door: str,
        id: str,
        now: Callable[[], float],
        store: Callable[[Decision], object],
    ) -> None:
        self.plan, self.claimed, self._head = plan, match is not None, request
        self.wire: Wire = match.wire if match is not None else WALK
        self._sure = match is None or match.sure
        self._now, self._store = now, store
        route = f"{request.method} {request.path[:200]}"
        self.ledger = Ledger(plan, id, now(), door=door, wire=self.wire.name, route=route)
        self._voice = Voice(plan, id, header(request.headers, "accept-language"))
        self.asked: Body | None = None
        self._reply: WholeReply | StreamReply | None = None
        self._answer: Head | None = None  # the upstream's head, until it is sent
        self._answered = False  # it has come
        self._open = plan.observe  # nothing is held: bytes pass at once
        self._stored = self._over = False
        self._raw = bytearray()  # bytes that pass as they came
        self._noted: set[Medium] = set()
        self._objects: Objects | None = None
        self._asked_at: float | None = None  # when upstream was asked
        self._came = 0  # bytes of its answer
        self.vault: Vault | None = Vault() if plan.reversible and not plan.observe else None
        self.beside = Beside(plan.inline) if plan.inline is not None else None
        self.caller = Caller()

    def close(self, ended: str) -> None:
        """Always runs. Stores the row if none was stored, with ``ended`` as the reason."""
        if not self._stored:
            self._stored = True
            self._store(self._decision(ended))
        if self.vault is not None:
            self.vault.close()

    def _decision(self, ended: str) -> Decision:
        now = self._now()
        if ended not in ("complete", "refused") and isinstance(self._reply, StreamReply):
            self.ledger.gaps(self._reply.unjudged())
        if self.beside is not None and self._asked_at is not None and ended != "refused":
            self.ledger.gaps(self.beside.unjudged())
        if ended != "complete" and self._asked_at is not None:
            self.ledger.spent = Spent(max(0.0, now - self._asked_at), self._came)
        return self.ledger.decision(now, ended)

    def _disown(self) -> None:
        """The path is like one of an API's, and the body is not: an app's own."""
        self.wire, self.claimed = WALK, False
        self.ledger.wire = WALK.name

    def _prompt(self) -> str:
        """What the user asked, where a model is to judge the answer beside it. Of a body that no wire format claims
        nobody knows which of its texts that is, and a password may be among them."""
        if not self.plan.output.converses or self.asked is None or not self.claimed:
            return ""
        return prompt.asked(self.asked.segments)

    def _unseen(self, media: Iterable[Medium]) -> Verdict:
        """What was not evaluated because no check can read it: recorded, and the policy's word for each modality."""
        fresh = [medium for medium in media if medium not in self._noted]
        if not fresh:
            return _NOTHING
        self._noted.update(fresh)
        verdict = Verdict()
        for medium in fresh:
            posture = self.plan.posture(medium.modality)
            verdict |= Verdict(posture, (), (Gap("*", medium.modality, medium.where),), "default")
        self.ledger.unseen(verdict)
        return Verdict(verdict.action, (), (), verdict.say)

    @property
    def passing(self) -> bool:
        """Do bytes pass as they come, judged or not?"""
        return self._open and (self.plan.observe or self._stored)

    @property
    def over(self) -> bool:
        """Has the last byte for the caller been returned?"""
        return self._over

    @property
    def told(self) -> bool:
        """Is it decided how the answer ends? Then that is all the caller is to hear."""
        return self._over or self._stored

    def _end(self, release: Release) -> Release:
        self._over = True
        return release

    def _leave(self, body: bytes, *, end: bool = False) -> Release:
        """Bytes that may go to the caller, with the head where it has not left yet."""
        head, self._answer = self._answer, None
        self._over = self._over or end
        return Release(body, head, end)

    def _instead(self, notice: Notice) -> Release:
        """The notice in place of what is left of the answer: all of it, or the rest of a stream.

        It never ends a stream as if that were complete. Without ``end`` where the head has left and
        no notice fits: the door then breaks off.
        """
        reply = self._reply
        if not self._answered or self._answer is not None:
            self.ledger.status = notice.status
            return self._end(self.wire.render(self.asked, notice))
        if isinstance(reply, StreamReply) and not self._open:
            return self._leave(reply.fail(notice), end=True)
        return self._end(Release())

    def _refuse(self, verdict: Verdict) -> Flow[Release]:
        release = self.wire.render(self.asked, self._voice.refusal(verdict))
        self.ledger.status = release.head.status if release.head else 0
        yield from self._commit("refused")
        return self._end(release)

    def _deny(self, notice: Notice, ended: str) -> Flow[Release | None]:
        """Refuse for another reason than content; only remembered where the policy observes."""
        self.ledger.deny()
        if self.plan.observe:
            return None
        release = self.wire.render(None, notice)
        self.ledger.status = notice.status
        yield from self._commit(ended)
        return self._end(release)

    def _bad(self, wrong: BadRequest) -> Flow[Release | None]:
        self.ledger.gap("*", wrong.code, "request")
        return (yield from self._deny(self._voice.bad(wrong), "bad_request"))

    def _commit(self, ended: str) -> Flow[Release | None]:
        """Store the row before the end leaves. A Release means that the answer may not be given."""
        if self._stored:
            return None
        self._stored = True
        if self._objects is not None and self._reply is not None:
            bad = ended == "refused" and self.ledger.found  # what only could not be judged may be judged later
            self._objects.issue(self._reply.issued(), self.caller.user, refused=bad)
        try:
            yield Commit(self._decision(ended))
        except LogError as error:
            _log.error("a decision could not be stored: %s", error)
            if self.plan.recording.required and not self.plan.observe and ended == "complete":
                return self._instead(self._voice.unavailable("not_recorded"))
        return None

    def _safely(self, flow: Flow[T], instead: Callable[[], T]) -> Generator[Effect, Any, T | Release]:
        """The one place where the guard's own faults become the policy's word ``on_bug``."""
        try:
            return (yield from flow)
        except Exception as bug:  # noqa: BLE001 - on_bug decides, and the row says not evaluated
            _log.error("the guard failed: %s at %s", type(bug).__name__, _site(bug))
            allow = self.plan.observe or self.plan.on_bug is Action.ALLOW
            self.ledger.gap("*", "bug", type(bug).__name__, Action.ALLOW if allow else Action.REFUSE)
            if allow:
                return instead()
            release = self._instead(self._voice.unavailable("not_evaluated"))
            yield from self._commit("bug")
            return release


def _site(error: BaseException) -> str:
    """Where an error was raised; its message is left out, for it may hold a user's text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
