"""The flow of one model call, phase by phase: admit, request, response, feed, finish, close.

Bytes are fed and what may go on is returned; questions to the outside are yielded. A phase never
calls an earlier one. Doors carry bytes to and fro and know nothing else; this file knows no door,
no library and no I/O, and takes time and ids as arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .admit.objects import Objects
from .answering import UTF8, Answering
from .checks.protocol import Moderator
from .ending import WALK
from .errors import BadRequest
from .flow import Call, Flow
from .http import Release, Request, header, media_type, with_length, without
from .policy import sight, whole
from .policy.lane import Lane
from .policy.plan import Plan
from .reply import WORKER, refuses
from .text import Medium
from .verdict import Action, Decision, Verdict
from .wires import coding, routes
from .wires.bedrock.signing import signed
from .wires.generic import FORM, MULTIPART, is_text
from .wires.magic import is_binary, modality_of
from .wires.protocol import Body
from .wires.router import Match


class Exchange(Answering):
    """One request and its answer."""

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
        objects: Objects | None = None,
    ) -> None:
        super().__init__(plan, match, request, door=door, id=id, now=now, store=store)
        self._objects = objects
        self._media, self._charset = media_type(request.headers)
        self.unknown = False  # a route that the policy word for unclaimed ones refuses
        self.may_overlap = False  # may upstream be asked while input checks that are far away run?

    # -- the request -------------------------------------------------------------------------

    def admit(self) -> Flow[Release | None]:
        """Identity, limits and declared size, before the body is read. A Release ends the exchange."""
        return (yield from self._safely(self._admit(), lambda: None))

    def _admit(self) -> Flow[Release | None]:
        plan = self.plan
        try:
            _one_reading(self._head)
            if self.unknown:
                raise BadRequest("this route is not one the guard reads", code="unknown_route", status=404)
            if plan.identity is not None:
                self.caller = plan.identity.resolve(self._head)
                self.ledger.user = self.caller.user
                if plan.identity.required and self.caller.bucket is None:
                    return (yield from self._deny(self._voice.identity(), "refused"))
            if plan.limits is not None and (denied := plan.limits.take(self.caller)) is not None:
                return (yield from self._deny(self._voice.limited(denied.retry_after), "limited"))
            declared = header(self._head.headers, "content-length")
            if (
                self.wants_body
                and declared is not None
                and declared.isdecimal()
                and int(declared[:20]) > plan.caps.body
            ):
                return (yield from self.too_large())
        except BadRequest as wrong:
            return (yield from self._bad(wrong))
        return None

    @property
    def wants_body(self) -> bool:
        """Is the request's body to be read, whatever it begins with? Else ``is_file`` tells by its first bytes."""
        media = self._media
        return (
            self.claimed
            or not media
            or is_text(media)
            or media in (FORM, MULTIPART)
            or header(self._head.headers, "content-encoding") is not None
        )

    def is_file(self, first: bytes) -> bool:
        """Is a body that calls itself a file one indeed, by its first bytes, and may such a one pass? Then it
        goes by unread, recorded."""
        return is_binary(first) and self.plan.posture(modality_of(first, self._media)) < Action.REVIEW

    def unread(self) -> Request:
        """The request to send on where its body is not read."""
        self._asked_at = self._now()
        self.ledger.gap("*", "media_type", "request")
        return self._upstream(self._head)

    def too_large(self) -> Flow[Release | None]:
        """The body is over the cap: refused whole, never part-checked. None where only observing."""
        return (yield from self._bad(BadRequest("the body is over the size cap", code="too_large", status=413)))

    def admit_body(self, body: bytes) -> Flow[Request | Release]:
        """``request``, for doors that have the whole body at hand; over the cap it is refused."""
        if len(body) > self.plan.caps.body:
            refused = yield from self.too_large()
            return refused or Request(self._head.method, self._head.path, self._head.headers, body)
        return (yield from self.request(body))

    def request(self, body: bytes) -> Flow[Request | Release]:
        """The request to send on, or the refusal. Input checks run here."""
        sent = Request(self._head.method, self._head.path, self._head.headers, body)
        return (yield from self._safely(self._request(body), lambda: sent))

    def _request(self, body: bytes) -> Flow[Request | Release]:
        head, plan = self._head, self.plan
        charset = self._charset
        sent = Request(head.method, head.path, head.headers, body)
        try:
            if charset not in UTF8:
                raise BadRequest("the body's charset is not UTF-8; send it in UTF-8", code="charset", status=415)
            plain = coding.decoded(body, head.headers, plan.caps.body)
            asked = (yield Call(self._parsed, (plain,))) if len(plain) > WORKER else self._parsed(plain)
            self.asked = asked
            plan.caps.check(sum(s.total for s in asked.segments), self.wire.messages(asked))
        except BadRequest as wrong:
            return (yield from self._bad(wrong)) or sent
        self.ledger.gaps(asked.gaps)
        self.ledger.skipped |= plan.input.skipped(s.kind for s in asked.segments)
        foreign = self._standing(asked)
        if plan.observe:
            self._unseen(asked.media)
            self._deferred = True
            return sent
        if foreign:
            return (yield from self._deny(self._voice.unknown(), "refused")) or sent
        verdict, work = yield from whole.judge_exactly(plan.input, asked.segments, hide=self.vault)
        if self.beside is not None:
            verdict |= self.beside.ask(self.wire, asked, signed=signed(head))
        far = self._far(asked)
        if not refuses(verdict):
            near = [m for m in plan.input.moderators if m not in far]
            verdict |= yield from self._rest(asked, plan.input.only(near) if far else plan.input, work, last=not far)
        if far and not refuses(verdict):
            self._pending = self._rest(asked, plan.input.only(far), work, last=True)
        self.ledger.add(verdict)
        self.ledger.keep(asked.segments)
        if refuses(verdict):
            return (yield from self._refuse(verdict))
        self.ledger.changed = bool(asked.edited())
        if self.ledger.changed:
            self.wire.edited(asked, asked.segments)
        if plan.caps.output_tokens is not None:
            self.wire.limit_output(asked, plan.caps.output_tokens)
        if plan.identity is not None and plan.identity.forward:
            self.wire.forward(asked, plan.identity.forward, self.caller.user)
        data = asked.body()
        headers = head.headers
        if data is not plain and signed(head):
            self.ledger.gap("*", "signed", "request", Action.REFUSE)
            return (yield from self._refuse(Verdict(Action.REFUSE)))
        self._asked_at = self._now()
        if data is not body:
            headers = with_length(without(headers, "content-encoding") if plain is not body else headers, len(data))
        return self._upstream(Request(head.method, head.path, headers, data))

    def _far(self, asked: Body) -> Sequence[Moderator]:
        """The checks that may run beside the upstream call: they change no text, and asking them takes a while.

        Content that is not text is looked at first: whether it may be sent at all depends on it.
        """
        if not self.may_overlap or asked.media:
            return ()
        return [m for m in self.plan.input.moderators if m.remote]

    def _rest(self, asked: Body, lane: Lane, work: whole.Work, *, last: bool) -> Flow[Verdict]:
        """What models say of the request, and what none of them can see."""
        verdict = yield from whole.judge_rest(lane, work, remember=last)
        seen: frozenset[Medium] = frozenset()
        if asked.media and not refuses(verdict):
            sighted, seen = yield from sight.judge(lane, asked)
            verdict |= sighted
        return verdict | self._unseen(m for m in asked.media if m not in seen)

    def _standing(self, asked: Body) -> bool:
        """What the kept objects that the request names are to this caller; True: it may not have them."""
        refused = False
        named = self.wire.refers(self._head, asked) if self._objects is not None else []
        for reference in named:
            assert self._objects is not None
            standing = self._objects.standing(reference, self.caller.user)
            if standing == "own":
                continue
            action = self.plan.references.get(standing, Action.REFUSE)
            refused = refused or action >= Action.REVIEW
            self.ledger.gap("*", f"{standing}_{reference.kind}", reference.where, action)
        return refused

    def _parsed(self, plain: bytes) -> Body:
        """The body, read by the wire format whose it is; with what the query says beside it."""
        head = self._head
        if not self._sure:
            asked: Body = WALK.request(plain, head)
            if isinstance(asked.tree, dict) and "model" in asked.tree:
                asked = self.wire.request(plain, head)
            else:
                self._disown()
        else:
            asked = self.wire.request(plain, head)
        asked.asked = head
        asked.segments += routes.query_texts(head.query)
        return asked

    def _upstream(self, request: Request) -> Request:
        """What upstream is asked: an answer we can read, where we are to read it."""
        if self.plan.observe:
            return request
        headers = (*without(request.headers, "accept-encoding"), ("accept-encoding", "identity"))
        return Request(request.method, request.path, headers, request.body)


_OVERRIDES = frozenset({"x-http-method-override", "x-http-method", "x-method-override"})


def _one_reading(request: Request) -> None:
    """Raise BadRequest where headers let two readers see two requests (threats T13, T30)."""
    types = {value.strip().lower() for name, value in request.headers if name == "content-type"}
    if len(types) > 1:
        raise BadRequest("the request has two content types; send one", code="content_type")
    for name, value in request.headers:
        if name in _OVERRIDES and value.strip().upper() != request.method:
            raise BadRequest("a header names another method; send the request by that method", code="method_override")
