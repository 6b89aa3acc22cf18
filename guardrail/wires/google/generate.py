"""generateContent and streamGenerateContent, of Gemini and of Vertex AI.

Whether an answer streams is in the path, and how it is framed in the query; neither is in the body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from ...http import Head, Release, Request, media_type
from ...text import Segment
from ..arrays import JsonArray
from ..framing import Framing
from ..operation import Operation, reply, streamed, tree_of
from ..protocol import Body, Codec, Notice, Reference
from ..routes import plain
from ..sse import ServerSent
from .errors import SAFETY_WORDS, error
from .generate_stream import GenerateStream, answer_tree, candidates, forget_places, refusal_word
from .tables import ASKS, SAYS

MODELS = ("models/{model}", "tunedModels/{model}", "publishers/{publisher}/models/{model}", "endpoints/{endpoint}")
"""What stands before the verb: Gemini's models, and Vertex AI's."""
_MOST_CANDIDATES = 16


def verbs(*names: str) -> list[str]:
    """The routes of these verbs, for everything that answers."""
    return [f"POST {model}:{name}" for name in names for model in MODELS]


class Generate(Operation):
    """The wire format of ``:generateContent`` and ``:streamGenerateContent``."""

    turns = "contents"
    caps = (
        ("generationConfig", "maxOutputTokens"),
        ("generationConfig", "max_output_tokens"),
        ("generation_config", "max_output_tokens"),
        ("generation_config", "maxOutputTokens"),
    )
    words = SAFETY_WORDS

    def __init__(self) -> None:
        super().__init__(
            "google.generate",
            verbs("generateContent", "streamGenerateContent"),
            asks=ASKS,
            says=SAYS,
            errors=error,
        )

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        media, _ = media_type(head.headers)
        if media == "text/event-stream":
            return GenerateStream(ServerSent(), SAYS, **_basis(asked))
        if media == "application/json" and 200 <= head.status < 300 and _streams(asked):
            return GenerateStream(JsonArray(), SAYS, **_basis(asked))
        return super().stream(asked, head)

    def messages(self, asked: Body) -> int:
        turns = tree_of(asked).get("contents")
        return len(turns) if isinstance(turns, list) else int(turns is not None)

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        """The cached content and the files that the body names, these by their addresses."""
        found: dict[Reference, None] = {}
        todo: list[Any] = [tree_of(asked)]
        while todo:
            value = todo.pop()
            if type(value) is list:
                todo += value
            elif type(value) is dict:
                for key, item in value.items():
                    if type(item) is str and (kind := _KEPT.get(key)) is not None:
                        name = kept_name(item)
                        if name:
                            found[Reference(kind, name, key)] = None
                    elif type(item) is dict or type(item) is list:
                        todo.append(item)
        return list(found)

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        touched = {s.path[1] for s in segments if s.edits and s.path[:1] == ("candidates",) and len(s.path) > 1}
        for n, (_, candidate) in enumerate(candidates(body.tree)):
            if n in touched:
                forget_places(candidate)
                body.touched = True

    def incident(self, status: int, answer: Body) -> str | None:
        return refusal_word(answer.tree) or super().incident(status, answer)

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        basis = _basis(asked)
        if _streams(asked):
            framing: Framing = ServerSent() if _events(asked) else JsonArray()
            stream = GenerateStream(framing, SAYS, **basis)
            return streamed(stream.refuse(notice), framing.media, notice)
        said = [(n, notice.text) for n in range(basis["candidates"])]
        return reply(answer_tree(said, notice, basis["model"]), notice)


_KEPT = {
    "cachedContent": "cachedContent",
    "cached_content": "cachedContent",
    "fileUri": "file",
    "file_uri": "file",
}


def kept_name(value: str) -> str:
    """``files/abc`` out of a file's address or name; empty where it names nothing that Google keeps by a name."""
    if value.startswith("gs:") or (value.startswith("http") and "googleapis.com/" not in value):
        return ""
    for kind in ("files", "cachedContents"):
        _, found, rest = f"/{value}".rpartition(f"/{kind}/")
        if found and rest:
            return f"{kind}/{rest.partition('?')[0].partition(':')[0]}"
    return ""


def _streams(asked: Body | None) -> bool:
    request = asked.asked if asked is not None else None
    return request is not None and plain(request.path).endswith(":streamgeneratecontent")


def _events(asked: Body | None) -> bool:
    request = asked.asked if asked is not None else None
    return request is not None and "sse" in parse_qs(request.query).get("alt", ())


def _basis(asked: Body | None) -> dict[str, Any]:
    """What a reply repeats of its request."""
    tree = tree_of(asked)
    config = tree.get("generationConfig") or tree.get("generation_config")
    count = config.get("candidateCount", config.get("candidate_count")) if isinstance(config, dict) else None
    request = asked.asked if asked is not None else None
    last = request.path.rpartition("/")[2] if request is not None else ""
    return {
        "model": last.partition(":")[0],
        "candidates": count if type(count) is int and 1 <= count <= _MOST_CANDIDATES else 1,
    }
