"""The realtime API as far as it is plain HTTP: secrets for clients, sessions and calls (API reference, "Realtime").

What is said in a session goes over WebSocket or WebRTC and is not read here; its instructions and
tools are. Calls are made by SDP (RFC 8866), alone or in a form beside the session.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...http import Head, Request, header
from ...verdict import Kind
from .. import generic
from ..document import Document, Plain
from ..multipart import Multipart, Parser
from ..operation import Operation
from ..protocol import Body, Codec, Reference
from ..silent import ENUM, ID, MODEL
from ..table import EMPTY, Entry, Node, Silent, Text, table
from .errors import error
from .responses import in_path
from .responses_items import DEFINITION, anchored, part, tools

_KEY = Silent("credential the API makes for the caller", 4096)
_SDP = (b"v=0\r", b"v=0\n")
_VERBS = ("reject", "refer", "hangup")
_REFERS = {"prompt.id": "prompt", "session.prompt.id": "prompt"}


def _session(at: str) -> dict[str, Entry]:
    """A session's settings, as asked and as given; ``at`` stands before each name."""
    audio = {
        f"{at}audio.{way}.{name}": ENUM
        for way in ("input", "output")
        for name in ("format.type", "noise_reduction.type", "turn_detection.type", "turn_detection.eagerness")
    }
    return {
        f"{at}id": ID,
        f"{at}session_id": ID,
        f"{at}object": ENUM,
        f"{at}type": ENUM,
        f"{at}model": MODEL,
        f"{at}instructions": Text(Kind.SYSTEM),
        f"{at}prompt.id": ID,
        f"{at}prompt.version": ENUM,
        **part(f"{at}prompt.variables.*"),
        f"{at}prompt.variables": Text(Kind.USER),
        f"{at}prompt.variables.*": Text(Kind.USER),
        f"{at}prompt.variables.*.text": Text(Kind.USER),
        **tools(at),
        **anchored(f"{at}input[*]", Kind.USER),
        f"{at}modalities[*]": ENUM,
        f"{at}output_modalities[*]": ENUM,
        f"{at}include[*]": ENUM,
        f"{at}voice": ENUM,
        f"{at}reasoning.effort": ENUM,
        f"{at}truncation": ENUM,
        f"{at}truncation.type": ENUM,
        f"{at}tracing": ENUM,
        f"{at}max_output_tokens": ENUM,
        f"{at}max_response_output_tokens": ENUM,
        **audio,
        f"{at}audio.input.transcription.model": MODEL,
        f"{at}audio.input.transcription.language": ENUM,
        f"{at}audio.input.transcription.languages[*]": ENUM,
        f"{at}audio.input.transcription.delay": ENUM,
        f"{at}audio.input.transcription.prompt": Text(Kind.SYSTEM),
        f"{at}audio.input.transcription.keywords": DEFINITION,
        f"{at}audio.output.voice": ENUM,
        f"{at}audio.output.voice.id": ID,
        f"{at}audio.output.language": ENUM,
        f"{at}input_audio_format": ENUM,
        f"{at}output_audio_format": ENUM,
        f"{at}input_audio_noise_reduction.type": ENUM,
        f"{at}input_audio_transcription.model": MODEL,
        f"{at}input_audio_transcription.language": ENUM,
        f"{at}input_audio_transcription.prompt": Text(Kind.SYSTEM),
        f"{at}turn_detection.type": ENUM,
        f"{at}turn_detection.eagerness": ENUM,
        f"{at}client_secret.value": _KEY,
    }


SESSION = table(_session(""))
ASKS = table({**_session(""), **_session("session."), "expires_after.anchor": ENUM})
SAYS = table({**_session(""), **_session("session."), "value": _KEY, "error.type": ENUM, "error.code": ENUM})


class Realtime(Operation):
    """Secrets and sessions."""

    def __init__(self, name: str, *routes: str, asks: Node = ASKS) -> None:
        super().__init__(name, routes, asks=asks, says=SAYS, errors=error, refers=_REFERS)

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        return [*in_path(request.path, (("calls", "call"),)), *super().refers(request, asked)]


class Calls(Realtime):
    """Calls: SDP, a form with SDP and a session, or JSON; the answer is SDP or nothing."""

    def request(self, body: bytes, asked: Request) -> Body:
        if asked.media.startswith("multipart/"):
            media = header(asked.headers, "content-type") or ""
            return Multipart(body, media, Kind.OTHER, chosen=_chosen)
        if generic.looks_like_json(body) or generic.is_json(asked.media):
            return super().request(body, asked)
        return generic.body(body, asked.media, self.asks, Kind.OTHER)

    def response(self, body: bytes, media: str) -> Body:
        if body.startswith(_SDP):
            return Plain(body, Kind.OTHER)
        return super().response(body, media)

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        return None  # SDP calls itself plain text, and comes at once


def _chosen(name: str, _fields: Mapping[str, str]) -> Parser | None:
    """The session is JSON inside a form."""
    return _read if name == "session" else None


def _read(content: bytes) -> Body:
    return Document(content, SESSION, Kind.OTHER)


def operations() -> tuple[Operation, ...]:
    """One of each operation of this API."""
    return (
        Realtime(
            "openai.realtime.sessions",
            "POST realtime/client_secrets",
            "POST realtime/sessions",
            "POST realtime/transcription_sessions",
            "POST realtime/translations/client_secrets",
        ),
        Realtime("openai.realtime.accept", "POST realtime/calls/{id}/accept"),
        Realtime("openai.realtime.call", *(f"POST realtime/calls/{{id}}/{verb}" for verb in _VERBS), asks=EMPTY),
        Calls("openai.realtime.calls", "POST realtime/calls"),
    )
