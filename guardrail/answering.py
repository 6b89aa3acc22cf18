"""The answer's half of an exchange: response, feed, finish, take, pump, fail.

What comes from upstream is fed; what may go on is returned. Knows nothing of how a request is read.
"""

from __future__ import annotations

from .ending import Ending
from .errors import BadRequest, NotEvaluated, UpstreamError
from .flow import Flow
from .http import Head, Release, media_type
from .policy import sight, whole
from .reply import StreamReply, WholeReply, plain_head, refuses
from .text import Medium
from .verdict import Action, Gap, Verdict
from .wires import coding
from .wires.generic import is_text
from .wires.magic import is_binary, modality_of

UTF8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
_ENOUGH = 64
"""Bytes by which a file is known."""
_BODILESS = frozenset({204, 205, 304})


class Answering(Ending):
    """What becomes of the upstream's answer."""

    _deferred = False  # observe: the input is judged after the answer has left
    _observed = False  # observe: the end of a stream was judged
    _trouble: Exception | None = None  # why the answer cannot be read
    _finished = False
    fresh = False  # something came that no pump has begun with
    _spilled = False  # the guard failed, and the policy says to go on
    _undo: coding.Decoder | None = None  # of a spilled stream
    _pending: Flow[Verdict] | None = None  # input checks that run beside the upstream call
    _labelled: str | None = None  # the answer calls itself a file: its first bytes will tell
    _first = b""

    def response(self, head: Head) -> None:
        """The upstream's status and headers have come."""
        self.fresh = True
        self._answer, self._answered, self.ledger.status = head, True, head.status
        media, charset = media_type(head.headers)
        if head.status in _BODILESS or self._head.method == "HEAD" or (media == "text/html" and not self.claimed):
            self._open = True
            if self.beside is not None:
                self.beside.nothing()
            return
        applied = coding.codings(head.headers)
        try:
            decoder = coding.Decoder(applied, self.plan.caps.reply) if applied else None
            codec = self.wire.stream(self.asked, head)
            if charset not in UTF8 and (codec is not None or not media or is_text(media)):
                raise NotEvaluated("charset")
        except (BadRequest, NotEvaluated) as error:
            self._trouble = error
            return
        if codec is not None:
            streaming = self.plan.output.streaming
            if self.beside is not None:
                self.beside.watch(codec)
            beside, prompt = self.beside, self._prompt()
            self._reply = StreamReply(
                codec,
                streaming,
                decoder,
                self.plan.caps.reply,
                self._barred,
                self.vault,
                prompt=prompt,
                beside=beside,
            )
            if not self.plan.observe:
                self._answer = plain_head(head, decoder is not None)
            return
        lane, limit, beside = self.plan.output, self.plan.caps.reply, self.beside
        self._reply = WholeReply(
            self.wire, lane, head, media, decoder, limit, self.vault, prompt=self._prompt(), beside=beside
        )
        if media and not is_text(media) and not media.startswith("text/") and decoder is None:
            self._labelled = media

    def _barred(self, medium: Medium) -> bool:
        return not self.plan.observe and self.plan.posture(medium.modality) >= Action.REVIEW

    def _look(self, chunk: bytes) -> None:
        """The first bytes of what calls itself a file: it is one, or it is text and is read."""
        self._first += chunk[:_ENOUGH]
        if len(self._first) < _ENOUGH and not self._finished:
            return
        media, self._labelled = self._labelled or "", None
        if not is_binary(self._first):
            return
        modality = modality_of(self._first, media)
        if self.claimed and self.wire.gives(media) is None:
            self._trouble = NotEvaluated("media_type")
            return
        posture = self.plan.posture(modality)
        self.ledger.add(Verdict(posture, (), (Gap("*", modality, "response"),)))
        if posture >= Action.REVIEW and not self.plan.observe:
            self._trouble = NotEvaluated(modality)
        else:
            if not self.plan.observe and isinstance(self._reply, WholeReply):
                self._raw += self._reply.spill()
            self._open, self._reply = True, None

    def feed(self, chunk: bytes) -> None:
        """Take bytes from upstream. Never asks, never judges. May be called while a ``pump`` waits for an answer."""
        if self._over or not chunk:
            return
        self._came += len(chunk)
        self.fresh = True
        try:
            if self._open:
                self._raw += chunk if self._undo is None else self._undo.feed(chunk)
            if self._reply is not None and self._trouble is None:
                self._reply.feed(chunk)
            if self._labelled is not None:
                self._look(chunk)
        except Exception as error:  # noqa: BLE001 - the next pump says what it means
            self._trouble = error

    def finish(self) -> None:
        """The upstream has ended."""
        self._finished = self.fresh = True
        if self._labelled is not None and self._first:
            self._look(b"")
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

    @property
    def overlaps(self) -> bool:
        """Are input checks under way? Then ``pump`` is to be driven beside the upstream call."""
        return self._pending is not None

    @property
    def held(self) -> int:
        """Bytes that wait for a verdict, theirs or their request's, and that nothing else bounds."""
        return self._reply.held if isinstance(self._reply, StreamReply) else len(self._raw)

    def comment(self) -> bytes:
        """Bytes by which the caller of a silent stream sees that it is alive, where it may be given any."""
        reply = self._reply
        if not isinstance(reply, StreamReply) or self._open or self.told or self._answer is not None:
            return b""
        return reply.comment()

    def quick(self) -> Release | None:
        """What may leave of a stream, where that takes no question and nothing is found. None: ask ``pump``."""
        reply = self._reply
        if not isinstance(reply, StreamReply) or self._finished or self._over or self._stored or self._open:
            return None
        if self._trouble is not None or self._pending is not None or not reply.quick():
            return None
        self.fresh = False
        body = reply.release(terminal=False, keep=self.plan.recording.text != "none")
        self.ledger.changed = self.ledger.changed or reply.changed
        return self._leave(body)

    def pump(self, *, idle: bool = False) -> Flow[Release]:
        """Judge what is due, and return what may leave now. ``end`` is set once, at the end.

        While it waits for an answer the upstream may be read on: see ``feed`` and ``fresh``. One ``pump``
        at a time. ``idle``: nothing has come for a while, so nothing more is waited for.
        """
        release = yield from self._safely(self._pump(idle), self._spill)
        if self._finished and not self._over and not self.fresh:  # the guard failed at the very end, and goes on
            rest = yield from self._pump_open()
            release = Release(release.body + rest.body, release.head or rest.head, rest.end)
        return release

    def _pump(self, idle: bool) -> Flow[Release]:
        if self._over:
            return Release()
        if self._pending is not None and (stopped := (yield from self._settle(self._pending))) is not None:
            return stopped
        self.fresh = False
        if self._trouble is not None and not isinstance(self._trouble, (BadRequest, NotEvaluated)):
            raise self._trouble
        if self._open:
            return (yield from self._pump_open())
        if isinstance(self._reply, StreamReply):
            return (yield from self._pump_stream(self._reply, idle))
        if self._trouble is not None:
            return (yield from self._unread(self._trouble))
        if self._reply is None or not self._finished:
            return Release()
        return (yield from self._pump_whole(self._reply))

    def _settle(self, pending: Flow[Verdict]) -> Flow[Release | None]:
        """The verdict on the request, after upstream was asked. A Release: it is refused, whatever was answered."""
        try:
            verdict = yield from pending
        finally:
            self._pending = None
        self.ledger.add(verdict)
        if refuses(verdict):
            return (yield from self._refuse(verdict))
        return None

    def _pump_whole(self, reply: WholeReply) -> Flow[Release]:
        try:
            verdict = yield from reply.judge()
        except (BadRequest, NotEvaluated) as error:
            return (yield from self._unread(error))
        self._judged(reply, verdict)
        seen: frozenset[Medium] = frozenset()
        if reply.body is not None and reply.media() and not refuses(verdict):
            sighted, seen = yield from sight.judge(self.plan.output, reply.body)
            self.ledger.add(sighted)
            verdict |= sighted
        verdict |= self._unseen(medium for medium in reply.media() if medium not in seen)
        if refuses(verdict):
            return (yield from self._refuse(verdict))
        if (rendered := self._provider_refused(reply)) is not None:
            yield from self._commit("provider_refused")
            return self._end(rendered)
        head, data, changed = reply.written()
        self.ledger.changed |= changed
        if (stopped := (yield from self._commit("complete"))) is not None:
            return stopped
        return self._end(Release(data, head, end=True))

    def _pump_stream(self, reply: StreamReply, idle: bool) -> Flow[Release]:
        # What comes while this asks is for the next pump to tell.
        finished, trouble = self._finished, self._trouble
        final = (finished or reply.complete) and trouble is None
        verdict = Verdict() if self._stored else (yield from reply.judge(final=final, idle=idle))
        self.ledger.add(verdict)
        verdict |= self._unseen(reply.media())
        keep = self.plan.recording.text != "none"
        body = reply.release(terminal=self._stored, keep=keep)
        self.ledger.changed |= reply.changed
        if refuses(verdict):
            self.ledger.keep_text("".join(reply.text))
            body += reply.refuse(self._voice.refusal(verdict))
            yield from self._commit("refused")
            return self._leave(body, end=True)
        if trouble is not None:  # what came before it was judged, and has left as far as it is clear
            rest = yield from self._unread(trouble)
            return Release(body + rest.body, rest.head, end=True)
        if final and not self._stored:
            self._judged(reply, Verdict())
            reply.settle()
            self.ledger.changed |= reply.changed
            self.ledger.keep_text("".join(reply.text))
            if (stopped := (yield from self._commit("complete"))) is not None:
                whole_ = stopped.head is not None  # then nothing of the answer has left, nor will
                return stopped if whole_ else Release(body + stopped.body, end=True)
            body += reply.release(terminal=True)
        return self._leave(body, end=finished)

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
                reply.release(terminal=True, keep=True, held=True)
                if final and not self._observed:
                    self._observed = True
                    self._judged(reply, Verdict())
                    self.ledger.keep_text("".join(reply.text))
            elif isinstance(reply, WholeReply) and observing and self._finished:
                self._judged(reply, (yield from reply.judge()))
        except (BadRequest, NotEvaluated) as error:
            self._trouble = error

    def _judged(self, reply: WholeReply | StreamReply, verdict: Verdict) -> None:
        self.ledger.add(verdict)
        self.ledger.gaps(reply.gaps)
        self.ledger.skipped |= self.plan.output.skipped(reply.kinds())
        if isinstance(reply, WholeReply):
            self.ledger.keep(reply.segments)
        if reply.incident is not None:
            self.ledger.incident(reply.incident)

    def _provider_refused(self, reply: WholeReply) -> Release | None:
        """The provider's own safety error, told as the policy tells refusals. None: as it came."""
        if reply.incident is None or reply.head.status < 400 or not self.plan.retell:
            return None
        self.ledger.deny()
        release = self.wire.render(self.asked, self._voice.provider())
        self.ledger.status = release.head.status if release.head else 0
        return release

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
