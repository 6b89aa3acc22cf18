"""The official client of OpenAI, given bytes that left the guard as if a server had sent them."""

from __future__ import annotations

import httpx2
import openai

from tests.support.drive import Result


def client(result: Result) -> openai.OpenAI:
    """A client whose every call is answered by what the caller of an exchange got."""
    assert result.head is not None
    head, body = result.head, result.body

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(head.status, headers=list(head.headers), content=body)

    return openai.OpenAI(
        api_key="none", max_retries=0, http_client=httpx2.Client(transport=httpx2.MockTransport(answer))
    )
