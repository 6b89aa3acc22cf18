"""The operations of Ollama's API. Its paths are everyday ones: the body tells whether a request is Ollama's."""

from __future__ import annotations

from collections.abc import Sequence

from ...http import Head, Release, media_type
from ...text import Segment
from ...verdict import Kind
from .. import jsontext
from ..operation import Operation, reply, streamed, text_at, tree_of
from ..protocol import Body, Codec, Notice
from ..table import EMPTY, Node
from .stream import ENDED, OllamaStream, said
from .tables import ABOUT, CHAT, CREATE, EMBED, GENERATE, SAYS


def error(notice: Notice) -> bytes:
    """Ollama's error object is one text."""
    return jsontext.encode({"error": notice.text})


class Ollama(Operation):
    """An operation at ``/api/...``, which is a common place for an app's own operations too."""

    sure = False

    def __init__(self, name: str, routes: Sequence[str], asks: Node = EMPTY, says: Node = ABOUT) -> None:
        super().__init__(f"ollama.{name}", routes, asks=asks, says=says, errors=error, asks_kind=Kind.OTHER)


class Answering(Ollama):
    """chat and generate. They stream unless the request says ``stream: false``."""

    caps = (("options", "num_predict"),)

    def __init__(self, name: str, asks: Node, *, chat: bool) -> None:
        super().__init__(name, [f"POST api/{name}"], asks, SAYS)
        self._chat = chat

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        if media_type(head.headers)[0] != "application/x-ndjson":
            return super().stream(asked, head)
        return OllamaStream(model=text_at(tree_of(asked), "model"), chat=self._chat)

    def edited(self, body: Body, segments: Sequence[Segment]) -> None:
        """Log-probabilities and the context repeat the text."""
        if any(segment.edits for segment in segments):
            body.drop("logprobs")
            body.drop("context")

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        tree = tree_of(asked)
        model = text_at(tree, "model")
        if tree.get("stream") is False:
            return reply({**said(notice.text, model, self._chat), **ENDED}, notice)
        stream = OllamaStream(model=model, chat=self._chat)
        return streamed(stream.refuse(notice), stream.framing.media, notice)


class Web(Ollama):
    """The web tools: their path leaves no doubt, and their bodies name no model."""

    sure = True


def operations() -> tuple[Operation, ...]:
    """All of them."""
    return (
        Answering("chat", CHAT, chat=True),
        Answering("generate", GENERATE, chat=False),
        Ollama("embed", ["POST api/embed", "POST api/embeddings"], EMBED),
        Ollama("create", ["POST api/create"], CREATE),
        Ollama(
            "models",
            [
                "POST api/show",
                "POST api/pull",
                "POST api/push",
                "POST api/copy",
                "DELETE api/delete",
                "GET api/tags",
                "GET api/ps",
                "GET api/version",
            ],
        ),
        Web("web", ["POST api/web_search", "POST api/web_fetch"]),
    )
