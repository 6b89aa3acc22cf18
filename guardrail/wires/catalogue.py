"""All wire formats there are, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Iterable

from .anthropic import operations as anthropic
from .bedrock import operations as bedrock
from .cohere import operations as cohere
from .google import operations as google
from .ollama import operations as ollama
from .openai import operations as openai
from .openai import responses_operations as responses
from .openai.chat import Chat
from .operation import Operation
from .router import Router


def operations() -> tuple[Operation, ...]:
    """One of each. Where two claim one route, those before the last say by the request whether it is theirs."""
    known: list[Operation] = []
    known += [
        Chat(),
        *responses.operations(),
        *anthropic.operations(),
        *google.operations(),
        *bedrock.operations(),
        *ollama.operations(),
        *cohere.operations(),
        *openai.operations(openai.finder(known)),
    ]
    return tuple(known)


def router(own: Iterable[Operation] = ()) -> Router:
    """All of them, and an app's own routes before them."""
    return Router(operations(), own)
