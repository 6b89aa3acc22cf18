"""The Converse wire format, the counting of its tokens, and Bedrock's own guardrails asked by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...http import Head, Release, Request, media_type
from ...verdict import Kind
from ..aws import AwsEvents
from ..operation import JSON, Operation, reply, streamed
from ..protocol import Body, Codec, Notice, Reference
from ..silent import ENUM, ID, MODEL
from ..table import Media, Node, Text, table
from . import errors
from .converse_stream import NO_USAGE, ConverseStream
from .tables import REQUEST, RESPONSE

COUNT = Node(names={"input": Node(names={"converse": REQUEST})})
"""CountTokens holds a request; that of ``invokeModel`` is base64, and read as what it spells."""
COUNT.names["input"].names["invokeModel"] = table({"body": Media("file")})
APPLY = table(
    {
        "source": ENUM,
        "outputScope": ENUM,
        "content[*].text.text": Text(join="content"),
        "content[*].text.qualifiers[*]": ENUM,
        "content[*].image.format": ENUM,
        "content[*].image.source.bytes": Media("image"),
    }
)
ASYNC = table(
    {
        "modelId": MODEL,
        "clientRequestToken": ID,
        "outputDataConfig.s3OutputDataConfig.kmsKeyId": ID,
        "outputDataConfig.s3OutputDataConfig.bucketOwner": ID,
    }
)


class Bedrock(Operation):
    """What all of Bedrock's operations share: errors by header, prompts kept by id."""

    def error(self, notice: Notice) -> Release:
        kind = (JSON, ("x-amzn-errortype", errors.name(notice)), *notice.headers())
        return Release(self._errors(notice), Head(notice.status, kind), end=True)

    def incident(self, status: int, answer: Body) -> str | None:
        return errors.stopped(answer.tree)

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        """A kept prompt stands in the path, in place of a model."""
        _, found, rest = request.path.partition(":prompt/")
        kept = [Reference("prompt", rest.partition("/")[0], "path")] if found else []
        return [*kept, *super().refers(request, asked)]


class Converse(Bedrock):
    """``POST /model/{id}/converse`` and its stream."""

    caps = (("inferenceConfig", "maxTokens"),)

    def __init__(self) -> None:
        super().__init__(
            "bedrock.converse",
            ["POST model/{id*}/converse", "POST model/{id*}/converse-stream"],
            asks=REQUEST,
            says=RESPONSE,
            errors=errors.error,
        )

    def stream(self, asked: Body | None, head: Head) -> Codec | None:
        return ConverseStream() if media_type(head.headers)[0] == AwsEvents.media else super().stream(asked, head)

    def answer(self, asked: Body | None, notice: Notice) -> Release:
        if streams(asked):
            return streamed(ConverseStream().refuse(notice), AwsEvents.media, notice)
        return reply(refusal(notice), notice)


class Plain(Bedrock):
    """An operation with nothing of its own but tables."""

    def __init__(self, name: str, routes: Sequence[str], asks: Node, kind: Kind = Kind.USER) -> None:
        super().__init__(name, routes, asks=asks, asks_kind=kind, errors=errors.error)

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        _, found, rest = request.path.partition("/async-invoke/")
        kept = [Reference("async-invoke", rest, "path")] if found and rest else []
        return [*kept, *super().refers(request, asked)]

    def issued(self, answer: Body) -> list[Reference]:
        made = answer.tree.get("invocationArn") if isinstance(answer.tree, dict) else None
        return [Reference("async-invoke", made, "invocationArn")] if isinstance(made, str) else []


def streams(asked: Body | None) -> bool:
    """Does the path ask for a stream?"""
    at = asked.asked if asked is not None else None
    return at is not None and at.path.rstrip("/").lower().endswith("-stream")


def refusal(notice: Notice) -> dict[str, Any]:
    """A whole answer that carries a notice."""
    message = {"role": "assistant", "content": [{"text": notice.text}]}
    return {
        "output": {"message": message},
        "stopReason": errors.INTERVENED,
        "usage": dict(NO_USAGE),
        "metrics": {"latencyMs": 0},
    }
