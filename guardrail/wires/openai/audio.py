"""Speech and transcripts: ``audio/speech``, ``audio/transcriptions``, ``audio/translations``, voices.

A transcript comes as JSON, as text or subtitles, or as a stream of deltas and segments that its
last event repeats. Sounds are media; a refused transcript is an error, for words of ours in its
place would be taken for what somebody said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...http import Head, media_type
from ...text import Segment
from ...verdict import Kind
from .. import silent
from ..operation import Operation, text_at
from ..protocol import Body, Codec, Notice
from ..sse import ServerSent
from ..stream import JsonStream, Place, unknown
from ..table import Entry, Media, Text, table
from .errors import SAFETY_WORDS, error_tree
from .rest import Rest, resource

_AUDIO = Media("audio")
_TEXT = Text(Kind.ASSISTANT, "text")
_PIECES: dict[str, Entry] = {"id": silent.ID, "type": silent.ENUM, "text": Text(Kind.ASSISTANT, "segments")}
SPEECH = table(
    {
        "model": silent.MODEL,
        "input": Text(Kind.USER),
        "instructions": Text(Kind.SYSTEM),
        "response_format": silent.ENUM,
        "stream_format": silent.ENUM,
        "ref_audio": _AUDIO,
    }
)
SPOKEN = table(
    {"type": silent.ENUM, "audio": _AUDIO, "audio_data": _AUDIO, "error.type": silent.ENUM, "error.code": silent.ENUM}
)
TRANSCRIPT = table(
    {
        "text": _TEXT,
        "task": silent.ENUM,
        **{f"segments[*].{name}": entry for name, entry in _PIECES.items()},
        "words[*].word": Text(Kind.ASSISTANT, "words"),
        "logprobs[*].token": Text(Kind.ASSISTANT, "logprobs"),
        "usage.type": silent.ENUM,
        "error.type": silent.ENUM,
        "error.code": silent.ENUM,
    }
)
DELTA = table(
    {
        "type": silent.ENUM,
        "segment_id": silent.ID,
        "delta": _TEXT,
        "logprobs[*].token": Text(Kind.ASSISTANT, "logprobs"),
    }
)
SEGMENT = table(_PIECES)
DONE = table(
    {
        "type": silent.ENUM,
        "text": _TEXT,
        "logprobs[*].token": Text(Kind.ASSISTANT, "logprobs"),
        "usage.type": silent.ENUM,
    }
)
_REPEATS = ("logprobs", "words")
_SILENT = frozenset(
    {
        "model",
        "language",
        "response_format",
        "stream",
        "temperature",
        "timestamp_granularities[]",
        "include[]",
        "chunking_strategy",
    }
)


class Speech(Rest):
    """``POST audio/speech``: a text in, a sound out, whole or as events."""

    def __init__(self) -> None:
        super().__init__(
            "openai.audio.speech",
            ["POST audio/speech"],
            asks=SPEECH,
            says=SPOKEN,
            modalities=frozenset({"audio", "file"}),
        )

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        return SpeechStream()


class SpeechStream(JsonStream):
    """Codec of a sound that comes in pieces."""

    def __init__(self) -> None:
        super().__init__(ServerSent(), SPOKEN)

    def place(self, name: str, tree: Any) -> Place:
        return Place(SPOKEN, whole=True) if _type(tree).startswith("speech.audio") else unknown(SPOKEN)

    def terminal(self, name: str, tree: Any) -> bool:
        return _type(tree) == "speech.audio.done"

    def refused(self, name: str, tree: Any) -> str | None:
        return _safety(tree)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "", {"type": "error", **error_tree(notice)}

    breaking = closing


class Transcripts(Rest):
    """``POST audio/transcriptions`` and ``audio/translations``: a sound in, a text out."""

    def __init__(self) -> None:
        super().__init__(
            "openai.audio.transcripts",
            ["POST audio/transcriptions", "POST audio/translations"],
            asks=table(
                {
                    "model": silent.MODEL,
                    "prompt": Text(Kind.USER),
                    "input_audio.data": _AUDIO,
                    "input_audio.format": silent.ENUM,
                    "file": _AUDIO,
                    "file_url": _AUDIO,
                    "url": _AUDIO,
                    "known_speaker_references[*]": _AUDIO,
                }
            ),
            says=TRANSCRIPT,
            fields={"prompt": Kind.USER},
            silent=_SILENT,
            repeatable=frozenset({"timestamp_granularities", "include", "context_bias", "known_speaker_names"}),
        )

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "text/event-stream":
            return super().stream(asked, head)
        return TranscriptStream()

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Words, their log-probabilities and token ids repeat the text: an edited transcript loses them."""
        if not isinstance(body.tree, dict) or not body.edited():
            return
        for name in _REPEATS:
            body.drop(name)
        pieces = body.tree.get("segments")
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, dict) and "tokens" in piece:
                piece["tokens"] = []


class TranscriptStream(JsonStream):
    """Codec of a transcript: deltas, or segments by speaker, and an event that repeats all of it."""

    def __init__(self) -> None:
        super().__init__(ServerSent(), TRANSCRIPT)
        self._left: list[Any] = []  # the deltas that went to the caller; masks are put into them where they stand
        self._done = False

    def place(self, name: str, tree: Any) -> Place:
        word = _type(tree)
        if word == "transcript.text.delta":
            return Place(DELTA, at=("text",))
        if word == "transcript.text.segment":
            return Place(SEGMENT, at=("segments",))
        if word == "transcript.text.done":
            return Place(DONE, whole=True, closes=(("text",), ("segments",)))
        return unknown(TRANSCRIPT, word)

    def terminal(self, name: str, tree: Any) -> bool:
        return _type(tree) == "transcript.text.done"

    def note(self, name: str, tree: Any) -> None:
        self._done = self._done or _type(tree) == "transcript.text.done"
        if _type(tree) == "transcript.text.delta":
            self._left.append(tree)

    def changed(self, name: str, tree: Any) -> None:
        if isinstance(tree, dict):
            tree.pop("logprobs", None)

    def refused(self, name: str, tree: Any) -> str | None:
        return _safety(tree)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """What was said up to here and the notice, as one more delta and the end that repeats them all."""
        if self._done:
            return
        said = "".join(text_at(tree, "delta") for tree in self._left)
        more = f"\n\n{notice.text}" if said else notice.text
        yield "", {"type": "transcript.text.delta", "delta": more}
        yield "", {"type": "transcript.text.done", "text": said + more}

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "", {"type": "error", **error_tree(notice)}


def _type(tree: Any) -> str:
    return text_at(tree, "type") if isinstance(tree, dict) else ""


def _safety(tree: Any) -> str | None:
    said = tree.get("error") if isinstance(tree, dict) else None
    words = (said.get("code"), said.get("type")) if isinstance(said, dict) else ()
    return next((word for word in words if isinstance(word, str) and word in SAFETY_WORDS), None)


def operations() -> tuple[Operation, ...]:
    voices = [
        *resource("audio/voice_consents"),
        *resource("audio/voices", "GET sample", methods="GET POST PATCH DELETE"),
    ]
    kept = Rest("openai.audio.voices", voices, modalities=frozenset({"audio"}))
    return (Speech(), Transcripts(), kept)
