"""Each of the 13 categories alone blocks: as the vendor's SDK types give them and as raw JSON, in requests, in replies
and in streams. (A library that looks wire names up under an SDK's attribute names lets 8 of them through.)
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from guardrail import Guard, GuardrailMiddleware
from guardrail.backends.openai import CATEGORIES
from tests.backends.conftest import result_for
from tests.backends.test_openai_images import guarding
from tests.doors.driver import CHAT, Answer, Inner, call, request, scope_of

POLICY = """
guardrail: 1
name: thirteen
checks:
  harm: {use: openai, api_key: KEY, url: "URL", timeout: 30s}
input: [harm]
output: [harm]
rules:
  - {when: harm, do: refuse}
"""
SAFE = "What is a good soup?"


def raw(text: str) -> dict[str, Any]:
    """The reply as the document writes it."""
    return {"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": [result_for(text)]}


def typed(text: str) -> dict[str, Any]:
    """The same by way of the SDK's own types, whose attributes have other names than the wire."""
    openai = pytest.importorskip("openai")
    made = openai.types.ModerationCreateResponse.model_validate(raw(text))
    assert made.results[0].categories.self_harm_intent is ("[self-harm/intent]" in text)
    return json.loads(made.to_json())  # type: ignore[no-any-return]


@pytest.fixture(params=[raw, typed], ids=["raw", "sdk"])
def server(request: pytest.FixtureRequest, service: Any) -> Any:
    def reply(texts: list[str]) -> tuple[int, Any]:
        answers = [request.param(text) for text in texts]
        return 200, {**answers[0], "results": [one for answer in answers for one in answer["results"]]}

    service.reply = reply
    return service


def asked_of(guard: Guard, inner: Inner, body: dict[str, Any]) -> Answer:
    async def asking() -> Answer:
        try:
            return await call(GuardrailMiddleware(inner, guard), scope_of(CHAT), request(json.dumps(body).encode()))
        finally:
            await guard.aclose()

    return asyncio.run(asking())


@pytest.mark.parametrize("category", sorted(CATEGORIES))
def test_it_blocks_in_both_directions_whole_and_streamed(server: Any, tmp_path: Path, category: str) -> None:
    harmful = f"about [{category}], canary"
    with guarding(tmp_path, POLICY, URL=server.url) as (guard, rows):
        for text, direction in ((harmful, "input"), (harmful, "output"), (SAFE, "input"), (SAFE, "output")):
            decision = guard.check(text, direction=direction)  # type: ignore[arg-type]
            assert decision.action.word == ("refuse" if text == harmful else "allow")
            assert [f.category for f in decision.findings] == ([category] if text == harmful else [])
        whole = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": harmful}}]})
        parts = [*harmful[:-1].split(" "), "."]
        events = [{"choices": [{"index": 0, "delta": {"content": f"{part} "}}]} for part in parts]
        stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        for asked, reply, streamed in (
            (harmful, whole.replace(harmful, SAFE), False),
            (SAFE, whole, False),
            (SAFE, stream, True),
        ):
            media = "text/event-stream" if streamed else "application/json"
            inner = Inner((reply.encode(),), headers=(("content-type", media),))
            body = {"model": "m", "stream": streamed, "messages": [{"role": "user", "content": asked}]}
            answer = asked_of(guard, inner, body)
            assert answer.status == 200
            assert b"canary" not in answer.body
            assert rows[-1].outcome == "refused"
            assert [f.category for f in rows[-1].findings] == [category]
            assert rows[-1].findings[0].by[0][0] == "omni-moderation-2024-09-26"
            assert rows[-1].models == ("harm:omni-moderation-2024-09-26",)
            assert bool(inner.bodies) is (asked == SAFE)
