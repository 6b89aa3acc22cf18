"""Transcripts: repeats of one text agree after a mask, and refused streams end as the client expects."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from typing import Any

import pytest

from guardrail.verdict import Action
from guardrail.wires.openai.audio import Speech, Transcripts
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import EVENTS as SSE_HEADERS
from tests.support.drive import JSON, Result, call
from tests.wires.case import SSE, framed
from tests.wires.openai.sdk import client

cases = importlib.import_module("tests.wires.openai.cases_audio")
PATH = "/v1/audio/transcriptions"
BY_NAME = {case.name: case for case in cases.CASES}


def plan(word: str, **more: Any) -> Any:
    return replace(plans.plan(plans.Word(word, **more)), router=Router((Speech(), Transcripts())))


def heard(word: str, answer: bytes, headers: Any = JSON, **more: Any) -> Result:
    asked = cases.form(model="whisper-1", stream="true")
    form = (("content-type", cases.FORM),)
    cuts = range(0, len(answer), 31)
    return call(plan(word, **more), asked, answer, headers=headers, request_headers=form, path=PATH, cuts=cuts)


def transcribed(result: Result) -> list[Any]:
    """The events as the official client reads them."""
    create: Any = client(result).audio.transcriptions.create
    return list(create(model="w", file=b"a", stream=True))


def test_a_prompt_in_the_form_is_read_and_refused_as_an_error() -> None:
    asked = cases.form(model="whisper-1", prompt="a harmful one")
    result = call(plan("harmful"), asked, request_headers=(("content-type", cases.FORM),), path=PATH)
    assert result.sent is None
    assert result.head is not None
    assert result.head.status == 400
    assert json.loads(result.body)["error"]["message"] == plans.SAY


def test_a_mask_is_in_every_repeat_and_words_and_tokens_go() -> None:
    result = heard("all of", BY_NAME["transcript in full"].said(), category=plans.MASKED)
    said = json.loads(result.body)
    assert said["text"] == "Good day to [gone] you"
    assert said["segments"][0]["text"] == " Good day to [gone] you"
    assert "words" not in said
    assert said["segments"][0]["tokens"] == []


def test_a_word_over_two_segments_is_masked() -> None:
    tree = {"text": "un bad mask", "segments": [{"text": "un ba"}, {"text": "d mask"}]}
    said = json.loads(heard("bad", json.dumps(tree).encode(), category=plans.MASKED).body)
    assert said == {
        "text": "un [gone] mask",
        "segments": [
            {
                "text": "un [gone]",
            },
            {"text": " mask"},
        ],
    }


def test_a_mask_over_two_deltas_is_in_the_last_event_too() -> None:
    body = framed(cases.EVENTS, SSE)
    result = heard("day to", body, SSE_HEADERS, category=plans.MASKED)
    assert b"day" not in result.body
    events = transcribed(result)
    deltas = "".join(event.delta for event in events if event.type == "transcript.text.delta")
    assert deltas == "Good [gone] all of you"
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == deltas


@pytest.mark.parametrize("at", range(4))
def test_a_stream_refused_at_any_event_ends_with_a_repeat_of_what_was_heard(at: int) -> None:
    events = [dict(event) for event in cases.EVENTS]
    events[at]["delta" if "delta" in events[at] else "text"] += " harmful"
    result = heard("harmful", framed(events, SSE), SSE_HEADERS)
    assert result.refused
    assert b"harmful" not in result.body
    seen = transcribed(result)
    deltas = "".join(event.delta for event in seen if event.type == "transcript.text.delta")
    assert deltas.endswith(plans.SAY)
    assert seen[-1].type == "transcript.text.done"
    assert seen[-1].text == deltas


@pytest.mark.parametrize("name", ["transcript as text", "transcript as subtitles", "transcript as web subtitles"])
def test_texts_of_every_form_are_read(name: str) -> None:
    case = BY_NAME[name]
    result = heard("Good", case.said(), (("content-type", case.answer_type),))
    assert b"Good" not in result.body
    assert result.refused


def test_a_sound_follows_the_posture_of_sounds() -> None:
    case = BY_NAME["speech"]
    sound = (("content-type", "audio/mpeg"),)
    for posture, passes in ((Action.ALLOW, True), (Action.REFUSE, False)):
        strict = replace(plan("harmful"), modalities={"audio": posture})
        result = call(strict, case.asked, case.answer, headers=sound, path="/v1/audio/speech")
        assert (result.body == case.answer) == passes
        assert [gap.reason for gap in result.rows[-1].not_evaluated][:1] == ["audio"]


def test_words_under_a_sounds_name_are_read() -> None:
    sound = (("content-type", "audio/mpeg"),)
    result = call(plan("harmful"), b'{"input":"a"}', b"a harmful text", headers=sound, path="/v1/audio/speech")
    assert b"harmful" not in result.body


def test_a_word_over_two_events_by_speaker_is_refused() -> None:
    pieces = [
        {"type": "transcript.text.segment", "id": f"s{n}", "text": text} for n, text in enumerate((" harm", "ful"))
    ]
    result = heard("harmful", framed([*pieces, {"type": "transcript.text.done", "text": "x y"}], SSE), SSE_HEADERS)
    assert result.refused
    assert b"ful" not in result.body
