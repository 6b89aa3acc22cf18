"""Operations that give numbers for texts: embeddings, reranking, moderations.

OpenAI's, and those of Azure, Mistral, Voyage, OpenRouter, Perplexity, vLLM and others on the same
paths. There is nothing to say in their answers, so a refusal is an error.
"""

from __future__ import annotations

from ...verdict import Kind
from .. import silent
from ..operation import Operation
from ..protocol import Body
from ..table import Entry, Media, Silent, Text, table
from .rest import Rest

VECTOR = Silent("an embedding: numbers in base64", 1 << 20)
_INPUT = Text(Kind.USER, tokens=True)
_RESULT = Text(Kind.TOOL_RESULT)
_LIST: dict[str, Entry] = {
    "id": silent.ID,
    "object": silent.ENUM,
    "model": silent.MODEL,
    "provider": Silent("name of a provider"),
    "data[*].object": silent.ENUM,
    "error.type": silent.ENUM,
    "error.code": silent.ENUM,
}


def _parts(at: str) -> dict[str, Entry]:
    """Content that is made of texts and pictures."""
    return {
        f"{at}.type": silent.ENUM,
        f"{at}.text": Text(Kind.USER),
        f"{at}.image_url": Media("image"),
        f"{at}.image_url.url": Media("image"),
        f"{at}.image_base64": Media("image"),
        f"{at}.video_url": Media("video"),
        f"{at}.video_base64": Media("video"),
        f"{at}.input_audio.data": Media("audio"),
    }


def _inputs(name: str) -> dict[str, Entry]:
    return {
        name: _INPUT,
        f"{name}[*]": _INPUT,
        f"{name}[*][*]": _INPUT,
        **_parts(f"{name}[*]"),
        **_parts(f"{name}[*].content[*]"),
    }


EMBED = table(
    {
        "model": silent.MODEL,
        "encoding_format": silent.ENUM,
        "input_type": silent.ENUM,
        "output_dtype": silent.ENUM,
        **_inputs("input"),
        **_inputs("inputs"),
    }
)
VECTORS = table(
    {
        **_LIST,
        "data[*].embedding": VECTOR,
        "data[*].data[*].embedding": VECTOR,
        "data[*].data[*].object": silent.ENUM,
    }
)
RERANK = table(
    {
        "model": silent.MODEL,
        "query": Text(Kind.USER),
        "query.text": Text(Kind.USER),
        "documents": _RESULT,
        "documents[*]": _RESULT,
        "documents[*].text": _RESULT,
        "documents[*].image_url": Media("image"),
        "documents[*].content[*].image_url.url": Media("image"),
    }
)
RANKED = table(
    {
        **_LIST,
        "results[*].document": _RESULT,
        "results[*].document.text": _RESULT,
        "data[*].document": _RESULT,
        "data[*].document.text": _RESULT,
    }
)
MODERATE = table({"model": silent.MODEL, **_inputs("input")})
MODERATED = table(
    {
        **_LIST,
        **silent.judged("results[*]"),
    }
)


class Vectors(Rest):
    """One operation from texts to numbers; ``many``: the field that may hold several inputs."""

    many = "input"

    def messages(self, asked: Body) -> int:
        given = asked.tree.get(self.many) if isinstance(asked.tree, dict) else None
        return len(given) if isinstance(given, list) and given and not isinstance(given[0], int) else 1


class Embeddings(Vectors):
    """``POST embeddings``, and Voyage's for pages with pictures and for chunks of documents."""

    user = ("user",)

    def __init__(self) -> None:
        tails = ("embeddings", "multimodalembeddings", "contextualizedembeddings")
        routes = [f"POST v/{tail}" for tail in tails] + ["POST deployments/{deployment}/embeddings"]
        super().__init__("openai.embeddings", routes, asks=EMBED, says=VECTORS)


class Rerank(Vectors):
    """``POST rerank`` of Voyage, OpenRouter, vLLM, llama.cpp and others: OpenAI has none."""

    many = "documents"

    def __init__(self) -> None:
        super().__init__("openai.rerank", ["POST v/rerank", "POST v/reranking"], asks=RERANK, says=RANKED)


class Moderations(Vectors):
    """``POST moderations``: a judge that is asked by the app itself."""

    def __init__(self) -> None:
        routes = ["POST v/moderations", "POST v/chat/moderations", "POST deployments/{deployment}/moderations"]
        super().__init__("openai.moderations", routes, asks=MODERATE, says=MODERATED)


def operations() -> tuple[Operation, ...]:
    return (Embeddings(), Rerank(), Moderations())
