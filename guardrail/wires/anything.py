"""The wire format of nobody in particular: what the policy word ``walk`` lets the guard read."""

from __future__ import annotations

from ..http import Head, Release, Request, header
from ..verdict import Kind
from . import generic
from .open_stream import open_stream
from .operation import Operation
from .protocol import Body, Codec, Notice


class Walk(Operation):
    """Every string of a body is text of its direction; refusals are a plain error object."""

    def __init__(self) -> None:
        super().__init__("walk", ())

    def request(self, body: bytes, asked: Request) -> Body:
        content_type = header(asked.headers, "content-type") or ""
        return generic.body(body, asked.media, self.asks, Kind.USER, content_type)

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        return open_stream(head, text=True)

    def render(self, asked: Body | None, notice: Notice) -> Release:
        release = self.error(notice)
        if notice.answer and release.head is not None:
            return Release(release.body, Head(400, release.head.headers), end=True)
        return release

    def messages(self, asked: Body) -> int:
        return 0
