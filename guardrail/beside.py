"""What an API itself says of a request and its answer, in one exchange: asked for, read, judged, not passed on unasked.

Knows the policy's check of that kind, the wire formats that have such an answer, and codecs that carry it. Of what is
released, and of rows, it must never know.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .errors import NotEvaluated
from .policy.inline import Inline
from .verdict import Gap, Kind, Verdict
from .wires.inline import Moderated, Moderating, taken, unheard, written
from .wires.protocol import Body, Codec, Wire

_log = logging.getLogger("guardrail")


class Beside:
    """``hold``: no part of a stream leaves before it was judged."""

    def __init__(self, inline: Inline) -> None:
        self._inline, self.hold = inline, inline.hold
        self._asked = self._unasked = self._barred = self._judged = False

    def ask(self, wire: Wire, asked: Body, *, signed: bool) -> Verdict:
        """Put the question into the request; the verdict where it cannot be asked (``signed``: nothing may change)."""
        if isinstance(wire, Moderated) and wire.moderates and not signed:
            self._asked, self._unasked = True, wire.ask_moderation(asked, self._inline.backend.model)
            return Verdict()
        self._barred = True  # what comes all the same is by a model that the policy did not choose
        return self._inline.absent("input", _kinds(asked))

    def whole(self, wire: Wire, status: int, answer: Body) -> Verdict:
        """The verdict on a whole answer. Raises NotEvaluated where upstream does not know the question."""
        self._judged = True
        told = isinstance(wire, Moderated) and wire.moderates
        said = wire.moderation(answer) if isinstance(wire, Moderated) and told and not self._barred else None
        if said is not None:
            return self._inline.judge(said)
        if status >= 400 and self._unasked and unheard(answer.tree):
            _log.warning("the model's server knows no `moderation`: use another check than openai-inline before it")
            raise NotEvaluated("moderation_unknown", "the model's server does not know the field `moderation`")
        if (status >= 400 and not written(answer.tree)) or (isinstance(wire, Moderated) and wire.unwritten(answer)):
            return Verdict()
        return self._inline.judge(None) if self._asked else self._inline.absent("output", _kinds(answer))

    def nothing(self) -> None:
        """The answer has no body, so there is nothing in it to judge."""
        self._judged = True

    def trim(self, answer: Body) -> bool:
        """Take the answer to a question that was ours alone out of a whole body; whether there was one."""
        if not self._unasked or taken(answer.tree) == "same":
            return False
        answer.touched = True
        return True

    def watch(self, codec: Codec) -> None:
        """A stream begins: what its caller did not ask for is not to leave with it."""
        if isinstance(codec, Moderating):
            codec.hides_moderation = self._unasked

    def streamed(self, codec: Codec) -> Verdict:
        """The verdict at the end of a stream; asked again, nothing new."""
        if self._judged:
            return Verdict()
        self._judged = True
        verdict = self._heard(codec)
        return verdict if self.hold else self._inline.recorded(verdict)

    def _heard(self, codec: Codec) -> Verdict:
        verdict = Verdict()
        told = isinstance(codec, Moderating) and codec.moderates and not self._barred
        if isinstance(codec, Moderating) and told:
            for said in codec.moderations:
                verdict |= self._inline.judge(said)
            if codec.failed or (codec.moderations and not codec.stale):
                return verdict
        return verdict | (self._inline.judge(None) if self._asked else self._inline.absent("output", codec.kinds()))

    def unjudged(self) -> Sequence[Gap]:
        """What was asked for, where no end has come that it could have come with."""
        return self._inline.unfinished() if self._asked and not self._judged else ()


def _kinds(body: Body) -> set[Kind]:
    """Whose texts a body has."""
    return {segment.kind for segment in body.segments if segment.total and not segment.text.isspace()}
