"""The flow of one model call, phase by phase: admit, request, response, feed, finish, close.

Bytes are fed and what may go on is returned; questions to the outside are yielded. A phase never
calls an earlier one. Doors carry bytes to and fro and know nothing else; this file knows no door,
no library and no I/O, and takes time and ids as arguments.
"""

from __future__ import annotations

from collections.abc import Callable

from .admit.identity import Caller
from .ending import Ending
from .errors import BadRequest, NotEvaluated, UpstreamError
from .flow import Call, Flow
from .http import Head, Release, Request, header, media_type, with_length, without
from .policy import whole
from .policy.plan import Plan
from .reply import WORKER, StreamReply, WholeReply, plain_head, refuses
from .verdict import Action, Decision, Verdict
from .wires import coding
from .wires.generic import FORM, is_text
from .wires.protocol import Wire

UTF8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
_BODILESS = frozenset({204, 205, 304})


class Exchange(Ending):
    """One request and its answer."""

    def __init__(
        self,
        plan: Plan,
        wire: Wire | None,
        request: Request,
        *,
        door: str,
        id: str,
        now: Callable[[], float],
        store: Callable[[Decision], object],
    ) -> None:
        super().__init__(plan, wire, request, door=door, id=id, now=now, store=store)
        self.caller = Caller()
        self._media, self._charset = media_type(request.headers)
        self.unknown = False  # a route that the policy word for unclaimed ones refuses
        self._raw = bytearray()  # bytes that pass as they came
        self._trouble: Exception | None = None  # why the answer cannot be read
        self._deferred = False  # observe: the input is judged after the answer has left
        self._finished = False
        self._spilled = False  # the guard failed, and the policy says to go on
        self._undo: coding.Decoder | None = None  # of a spilled stream

    # -- the request -------------------------------------------------------------------------

    def admit(self) -> Flow[Release | None]:
        """Identity, limits and declared size, before the body is read. A Release ends the exchange."""
        return (yield from self._safely(self._admit(), lambda: None))

    def _admit(self) -> Flow[Release | None]:
        plan = self.plan
        try:
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
        """Is the request's body to be read? Files sent to unclaimed routes go by, recorded."""
        media = self._media
        return self.claimed or not media or is_text(media) or media == FORM

    def unread(self) -> Request:
        """The request to send on where its body is not read."""
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
        media, charset = self._media, self._charset
        sent = Request(head.method, head.path, head.headers, body)
        try:
            if charset not in UTF8:
                raise BadRequest("the body's charset is not UTF-8; send it in UTF-8", code="charset", status=415)
            plain = coding.decoded(body, head.headers, plan.caps.body)
            if len(plain) > WORKER:
                asked = yield Call(self.wire.request, (plain, media))
            else:
                asked = self.wire.request(plain, media)
            self.asked = asked
            plan.caps.check(sum(s.total for s in asked.segments), self.wire.messages(asked))
        except BadRequest as wrong:
            return (yield from self._bad(wrong)) or sent
        self.ledger.gaps(asked.gaps)
        self.ledger.skipped |= plan.input.skipped(asked.segments)
        if plan.observe:
            self._deferred = True
            return sent
        verdict = yield from whole.judge(plan.input, asked.segments)
        self.ledger.add(verdict)
        self.ledger.keep(asked.segments)
        if refuses(verdict):
            return (yield from self._refuse(verdict))
        self.ledger.changed = bool(asked.edited())
        if plan.caps.output_tokens is not None:
            self.wire.limit_output(asked, plan.caps.output_tokens)
        if plan.identity is not None and plan.identity.forward:
            self.wire.forward(asked, plan.identity.forward, self.caller.user)
        data = asked.body()
        headers = head.headers
        if data is not body:
            headers = with_length(without(headers, "content-encoding") if plain is not body else headers, len(data))
        return self._upstream(Request(head.method, head.path, headers, data))

    def _upstream(self, request: Request) -> Request:
        """What upstream is asked: an answer we can read, where we are to read it."""
        if self.plan.observe:
            return request
        headers = (*without(request.headers, "accept-encoding"), ("accept-encoding", "identity"))
        return Request(request.method, request.path, headers, request.body)

    # -- the answer --------------------------------------------------------------------------

    def response(self, head: Head) -> None:
        """The upstream's status and headers have come."""
        self._answer, self._answered, self.ledger.status = head, True, head.status
        media, charset = media_type(head.headers)
        applied = coding.codings(head.headers)
        streamed = media == "text/event-stream"
        readable = streamed or not media or is_text(media) or (self.claimed and media.startswith("text/"))
        bodiless = head.status in _BODILESS or self._head.method == "HEAD"
        if bodiless or not (readable or self.claimed):
            if not bodiless and media != "text/html":
                self.ledger.gap("*", "media_type", "response")
            self._open = True
            return
        try:
            if not readable:
                raise NotEvaluated("media_type")
            if charset not in UTF8:
                raise NotEvaluated("charset")
            decoder = coding.Decoder(applied, self.plan.caps.reply) if applied else None
        except (BadRequest, NotEvaluated) as error:
            self._trouble = error
            return
        if streamed:
            self._reply = StreamReply(self.wire.stream(self.asked), self.plan.output, decoder, self.plan.caps.reply)
            if not self.plan.observe:
                self._answer = plain_head(head, decoder is not None)
        else:
            self._reply = WholeReply(self.wire, self.plan.output, head, media, decoder, self.plan.caps.reply)

    def feed(self, chunk: bytes) -> None:
        """Take bytes from upstream. Never asks, never judges."""
        if self._over or not chunk:
            return
        try:
            if self._open:
                self._raw += chunk if self._undo is None else self._undo.feed(chunk)
            if self._reply is not None and self._trouble is None:
                self._reply.feed(chunk)
        except Exception as error:  # noqa: BLE001 - the next pump says what it means
            self._trouble = error

    def finish(self) -> None:
        """The upstream has ended."""
        self._finished = True
        if isinstance(self._reply, StreamReply) and self._trouble is None and not self._over:
            try:
                self._reply.finish()
            except Exception as error:  # noqa: BLE001 - the next pump says what it means
                self._trouble = error

    def take(self) -> Release:
        """What may leave without asking anything: everything, where nothing is held."""
        if not (self.passing or self._spilled):
            return Release()
        data, self._raw = bytes(self._raw), bytearray()
        return self._leave(data)

    def pump(self) -> Flow[Release]:
        """Judge what is due, and return what may leave now. ``end`` is set once, at the end."""
        release = yield from self._safely(self._pump(), self._spill)
        if self._finished and not self._over:  # the guard failed at the very end, and goes on
            rest = yield from self._pump_open()
            release = Release(release.body + rest.body, release.head or rest.head, rest.end)
        return release

    def _pump(self) -> Flow[Release]:
        if self._over:
            return Release()
        if self._trouble is not None and not isinstance(self._trouble, (BadRequest, NotEvaluated)):
            raise self._trouble
        if self._open:
            return (yield from self._pump_open())
        if isinstance(self._reply, StreamReply):
            return (yield from self._pump_stream(self._reply))
        if self._trouble is not None:
            return (yield from self._unread(self._trouble))
        if self._reply is None or not self._finished:
            return Release()
        return (yield from self._pump_whole(self._reply))

    def _pump_whole(self, reply: WholeReply) -> Flow[Release]:
        try:
            verdict = yield from reply.judge()
        except (BadRequest, NotEvaluated) as error:
            return (yield from self._unread(error))
        self._judged(reply, verdict)
        if refuses(verdict):
            return (yield from self._refuse(verdict))
        head, data, changed = reply.written()
        self.ledger.changed |= changed
        if (stopped := (yield from self._commit("complete"))) is not None:
            return stopped
        return self._end(Release(data, head, end=True))

    def _pump_stream(self, reply: StreamReply) -> Flow[Release]:
        final = (self._finished or reply.complete) and self._trouble is None
        verdict = Verdict() if self._stored else (yield from reply.judge(final=final))
        self.ledger.add(verdict)
        keep = self.plan.recording.text != "none"
        body = reply.release(terminal=self._stored, keep=keep)
        self.ledger.changed |= reply.changed
        if refuses(verdict):
            self.ledger.keep_text("".join(reply.text))
            body += reply.refuse(self._voice.refusal(verdict))
            yield from self._commit("refused")
            return self._leave(body, end=True)
        if self._trouble is not None:  # what came before it was judged, and has left as far as it is clear
            rest = yield from self._unread(self._trouble)
            return Release(body + rest.body, rest.head, end=True)
        if final and not self._stored:
            self._judged(reply, Verdict())
            self.ledger.keep_text("".join(reply.text))
            if (stopped := (yield from self._commit("complete"))) is not None:
                whole_ = stopped.head is not None  # then nothing of the answer has left, nor will
                return stopped if whole_ else Release(body + stopped.body, end=True)
            body += reply.release(terminal=True)
        return self._leave(body, end=self._finished)

    def _pump_open(self) -> Flow[Release]:
        """Nothing is held. An answer that is not judged has its row before its head leaves."""
        if self.plan.observe:
            yield from self._observe()
        if self._finished or not (self.plan.observe or self._spilled):
            if self._trouble is not None:
                self.ledger.gap("*", _reason(self._trouble), "response")
            if (stopped := (yield from self._commit("complete"))) is not None:
                return stopped
        out = self.take()
        self._over = self._finished
        return Release(out.body, out.head, end=self._finished)

    def _spill(self) -> Release:
        """The guard failed and the policy says to go on: all that is held leaves, and what comes passes."""
        reply, self._reply, self._trouble = self._reply, None, None
        if self._open or reply is None:  # then nothing was held
            return Release()
        self._open = self._spilled = True
        self._undo = reply.decoder if isinstance(reply, StreamReply) else None
        return self._leave(reply.spill())

    def _observe(self) -> Flow[None]:
        """Judge what has left already, only to remember it."""
        if self._deferred and self.asked is not None:
            self._deferred = False
            self.ledger.add((yield from whole.judge(self.plan.input, self.asked.segments)))
            self.ledger.keep(self.asked.segments)
        reply, observing = self._reply, self._trouble is None and not refuses(self.ledger.verdict)
        try:
            if isinstance(reply, StreamReply) and observing and not self._stored:
                final = self._finished or reply.complete
                self.ledger.add((yield from reply.judge(final=final)))
                reply.release(terminal=True, keep=True)
                if final:
                    self._judged(reply, Verdict())
                    self.ledger.keep_text("".join(reply.text))
            elif isinstance(reply, WholeReply) and observing and self._finished:
                self._judged(reply, (yield from reply.judge()))
        except (BadRequest, NotEvaluated) as error:
            self._trouble = error

    def _judged(self, reply: WholeReply | StreamReply, verdict: Verdict) -> None:
        segments = reply.segments if isinstance(reply, WholeReply) else reply.segments()
        self.ledger.add(verdict)
        self.ledger.gaps(reply.gaps)
        self.ledger.skipped |= self.plan.output.skipped(segments)
        if isinstance(reply, WholeReply):
            self.ledger.keep(segments)

    def fail(self, error: UpstreamError) -> Flow[Release]:
        """The upstream was not reached, or broke off: told to the caller in its own wire format."""
        notice = self._voice.unavailable("upstream_error", error.status)
        if self._stored and isinstance(self._reply, StreamReply):
            return self._leave(b"", end=True)  # the end that the wire format knows has left
        release = self._instead(notice)
        yield from self._commit("upstream_error")
        return release

    def _unread(self, error: Exception) -> Flow[Release]:
        """The answer cannot be read: not evaluated, and so not given."""
        self.ledger.gap("*", _reason(error), "response", Action.REFUSE)
        notice = self._voice.unavailable("not_evaluated", 502)
        if isinstance(self._reply, StreamReply):
            yield from self._commit("unreadable")
            return self._leave(self._reply.refuse(notice), end=True)
        self.ledger.status = notice.status
        yield from self._commit("unreadable")
        return self._end(self.wire.render(self.asked, notice))


def _reason(error: Exception) -> str:
    return error.code if isinstance(error, BadRequest) else str(getattr(error, "reason", type(error).__name__))
