"""An OpenAI client whose calls are guarded where they leave the program.

    python -m examples.openai_client                                 # the built-in demo model
    python -m examples.openai_client http://localhost:11434/v1 llama3.2

Nothing else in the program changes; streams, retries and every other endpoint pass there as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator

from openai import AsyncOpenAI, OpenAI

from guardrail import as_user, guard
from guardrail.demo.model import demo_model
from guardrail.demo.server import served


def main(address: str | None = None, model: str = "demo") -> None:
    key = os.environ.get("OPENAI_API_KEY", "none")
    with _base_url(address) as base_url:
        # guard() makes a new client over the connections of the one given, which is the one to close
        with OpenAI(base_url=base_url, api_key=key) as plain, as_user("user-17"):
            client = guard(plain)
            print(ask(client, model, "My card is 4111 1111 1111 1111."))
            print(ask(client, model, "GUARDRAIL-TEST-REFUSE"))
        print(asyncio.run(stream(AsyncOpenAI(base_url=base_url, api_key=key), model, "Hello!")))


def ask(client: OpenAI, model: str, text: str) -> str:
    done = client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return f"{done.choices[0].finish_reason}: {done.choices[0].message.content}"


async def stream(plain: AsyncOpenAI, model: str, text: str) -> str:
    parts = []
    async with plain:
        events = await guard(plain).chat.completions.create(
            model=model, messages=[{"role": "user", "content": text}], stream=True
        )
        async for event in events:
            parts += [choice.delta.content or "" for choice in event.choices]
    return "streamed: " + "".join(parts)


@contextlib.contextmanager
def _base_url(address: str | None) -> Iterator[str]:
    if address is not None:
        yield address
        return
    with served(demo_model(delay=0)) as origin:
        yield f"{origin}/v1"


if __name__ == "__main__":
    main(*sys.argv[1:3])
