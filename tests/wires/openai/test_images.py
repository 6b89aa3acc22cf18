"""Images: what is a medium, and what a refused picture looks like to the official client."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from typing import Any

import openai
import pytest

from guardrail.http import Request
from guardrail.verdict import Action, Kind
from guardrail.wires.multipart import Multipart
from guardrail.wires.openai.images import Images
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import EVENTS as SSE_HEADERS
from tests.support.drive import call
from tests.wires.case import SSE, framed
from tests.wires.openai.sdk import client

cases = importlib.import_module("tests.wires.openai.cases_images")
PATH = "/v1/images/generations"
BY_NAME = {case.name: case for case in cases.CASES}
REFUSE = {"image": Action.REFUSE}


def plan(*checks: Any, **more: Any) -> Any:
    return replace(plans.plan(*checks or (plans.Word("harmful"),)), router=Router((Images(),)), **more)


def test_pictures_are_media_and_prompts_are_texts() -> None:
    case = BY_NAME["images edited in JSON"]
    body = Images().request(case.asked, Request("POST", case.path, (("content-type", "application/json"),)))
    assert [medium.modality for medium in body.media] == ["image", "image"]
    assert [s.text for s in body.segments if s.kind is Kind.USER] == ["turn the logo to green"]
    answer = Images().response(BY_NAME["images"].said(), "application/json")
    assert [medium.modality for medium in answer.media] == ["image", "image"]
    assert "A calm lion cooks a big meal" in [s.text for s in answer.segments]


def test_a_form_is_read_and_the_users_name_is_put_into_it() -> None:
    case = BY_NAME["images edited in a form, streamed"]
    wire = Images()
    body = wire.request(case.asked, Request("POST", case.path, (("content-type", cases.FORM),)))
    assert isinstance(body, Multipart)
    assert [medium.modality for medium in body.media] == ["image", "image", "image"]
    assert ("turn the logo to green", Kind.USER) in [(s.text, s.kind) for s in body.segments]
    wire.forward(body, "user", "u-1")
    assert b"u-1" in body.body()
    assert b"someone we know" not in body.body()


def test_a_refused_prompt_is_an_error_of_the_api() -> None:
    result = call(plan(), b'{"prompt":"a harmful one"}', path=PATH)
    with pytest.raises(openai.BadRequestError, match="not allowed"):
        client(result).images.generate(prompt="x")


def test_a_posture_for_pictures_decides_on_the_answer() -> None:
    case = BY_NAME["images"]
    for posture, outcome in ((Action.REFUSE, "refused"), (Action.ALLOW, "not_evaluated")):
        strict = plan(modalities={"image": posture})
        result = call(strict, b'{"prompt":"a lion"}', case.said(), path=PATH)
        assert result.rows[-1].not_evaluated
        assert result.rows[-1].outcome == outcome
        assert (b"iVBOR" in result.body) == (outcome != "refused")


@pytest.mark.parametrize("at", range(3))
def test_a_stream_refused_at_any_event_ends_in_an_error(at: int) -> None:
    events = [json.loads(json.dumps(event)) for event in BY_NAME["images streamed"].events]
    events[at][1]["note"] = "a harmful word"
    body = framed([tuple(event) for event in events], SSE)
    request = json.dumps({"prompt": "a lion", "stream": True, "n": 1}).encode()
    result = call(plan(), request, body, headers=SSE_HEADERS, path=PATH, cuts=range(0, len(body), 50))
    assert result.refused
    seen: list[Any] = []
    with pytest.raises(openai.APIError, match="not allowed"):
        seen += client(result).images.generate(prompt="x", stream=True)
    assert b"harmful" not in result.body
    assert result.body.count(b"b64_json") == at


def test_with_several_pictures_the_last_one_ends_the_stream() -> None:
    name, last = BY_NAME["images streamed"].events[-1]
    events = [*BY_NAME["images streamed"].events, (name, {**last, "revised_prompt": "Another lion"})]
    body = framed(events, SSE)
    result = call(plan(), b'{"prompt":"a","stream":true,"n":2}', body, headers=SSE_HEADERS, path=PATH)
    assert result.body == body


def test_the_providers_own_refusal_is_recorded() -> None:
    error = {"error": {"message": "No.", "type": "image_generation_user_error", "code": "moderation_blocked"}}
    result = call(plan(), b'{"prompt":"a"}', json.dumps(error).encode(), status=400, path=PATH)
    assert result.rows[-1].ended == "provider_refused"
