"""Images with the text beside them: what the moderation service is asked, and what becomes of its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from guardrail import Decision, Guard, GuardrailMiddleware
from guardrail.backends.moderation import Moderation
from guardrail.backends.openai import CATEGORIES, MAX_IMAGE, OpenAIModeration
from guardrail.backends.remote import RemoteBackend
from guardrail.checks.protocol import Looked, Seeing, SeeingModerator
from guardrail.errors import NotEvaluated
from guardrail.flow import Flow
from guardrail.local.backend import LocalBackend
from guardrail.store.recorder import memory
from guardrail.verdict import Finding
from tests.backends.conftest import asked
from tests.doors.driver import CHAT, Answer, Inner, call, request, scope_of

KEY = "sk-canary-0001"
Drive = Callable[[Flow[Any]], Any]
PNG = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LINK = "https://pictures.example/a.png"
APPLIED = frozenset(
    {"self-harm", "self-harm/intent", "self-harm/instructions", "sexual", "violence", "violence/graphic"}
)
"""The categories that the moderation guide lists for images."""


def result_for(source: str, text: str = "", applied: Any = APPLIED) -> dict[str, Any]:
    """A result as documented: flags what stands in the source as ``flag=name``, or in the text as ``[name]``."""
    flags = {name: f"flag={name}" in source or f"[{name}]" in text for name in CATEGORIES}
    types = {name: (["text"] if text else []) + (["image"] if name in applied else []) for name in CATEGORIES}
    return {
        "flagged": any(flags.values()),
        "categories": flags,
        "category_scores": {name: 0.91 if flag else 0.01 for name, flag in flags.items()},
        "category_applied_input_types": types,
    }


@pytest.fixture
def eyes(service: Any) -> Any:
    """The service, which takes texts, or one image with or without a text."""

    def reply(asked: list[Any]) -> tuple[int, Any]:
        if all(isinstance(item, str) for item in asked):
            return service.documented(asked)  # type: ignore[no-any-return]
        texts = [item["text"] for item in asked if item["type"] == "text"]
        urls = [item["image_url"]["url"] for item in asked if item["type"] == "image_url"]
        if len(urls) != 1 or len(texts) > 1:
            return 400, {"error": {"message": "one image at a time"}}
        return 200, {"id": "m", "model": "omni", "results": [result_for(urls[0], "".join(texts))]}

    service.reply = reply
    return service


def backend(service: Any, *, model: str = "omni-moderation-latest", **options: Any) -> RemoteBackend:
    return asked(OpenAIModeration("k", url=service.url, model=model), **options)


def check(service: Any, **options: Any) -> Moderation:
    return Moderation("harm", backend(service, **options), {"*": 0.5})


def shown(service: Any) -> list[Any]:
    """The inputs that were no plain texts."""
    return [body["input"] for _, body in service.requests if not isinstance(body["input"][0], str)]


# -- the backend -----------------------------------------------------------------------------------


def test_it_sees_images_where_its_model_does() -> None:
    sighted: Seeing = asked(OpenAIModeration(KEY))
    assert sighted.sees == {"image"}
    assert asked(OpenAIModeration(KEY, model="text-moderation-latest")).sees == frozenset()
    looker: SeeingModerator = Moderation("harm", asked(OpenAIModeration(KEY)), {})
    assert looker.sees == {"image"}
    assert not isinstance(LocalBackend(), Seeing)
    assert Moderation("harm", LocalBackend(), {}).sees == frozenset()


def test_the_request_is_the_documented_one_with_one_image_each(eyes: Any, drive: Drive) -> None:
    drive(backend(eyes).look([("what is this?", PNG), ("", LINK), (" \n", LINK)]))
    assert sorted(shown(eyes), key=len) == [
        [{"type": "image_url", "image_url": {"url": LINK}}],
        [{"type": "image_url", "image_url": {"url": LINK}}],
        [{"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": PNG}}],
    ]
    assert {body["model"] for _, body in eyes.requests} == {"omni-moderation-latest"}


def test_the_vendors_client_sends_the_same(eyes: Any, drive: Drive) -> None:
    openai = pytest.importorskip("openai")
    client = openai.OpenAI(api_key=KEY, base_url=eyes.url.removesuffix("/moderations"), max_retries=0)
    parts = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": PNG}}]
    client.moderations.create(model="omni-moderation-latest", input=parts)
    client.close()
    drive(backend(eyes).look([("x", PNG)]))
    theirs, ours = (body for _, body in eyes.requests)
    assert ours == theirs


def test_categories_not_applied_to_the_image_are_unseen(eyes: Any, drive: Drive) -> None:
    alone, beside = drive(backend(eyes).look([("", PNG), ("some text", PNG)]))
    assert alone.unseen == beside.unseen == CATEGORIES - APPLIED
    assert "sexual/minors" in alone.unseen


@pytest.mark.parametrize("applied", [None, {}, {"violence": None}])
def test_where_it_is_not_said_what_was_applied_nothing_was(service: Any, drive: Drive, applied: Any) -> None:
    result = result_for(PNG) | {"category_applied_input_types": applied}
    service.reply = lambda _: (200, {"model": "omni", "results": [result]})
    with pytest.raises(NotEvaluated) as caught:
        drive(check(service).look([("", PNG)]))
    assert caught.value.reason == "unseen"


def test_a_flag_counts_whatever_it_was_applied_to(eyes: Any, drive: Drive) -> None:
    image, text = drive(check(eyes).look([("", LINK + "?flag=violence"), ("[hate]", PNG)]))
    unseen = CATEGORIES - APPLIED
    assert image == Looked((Finding("violence", 0.91, 0, 0, "harm", by=(("omni", 0.91),)),), unseen, "omni")
    assert text == Looked((Finding("hate", 0.91, 0, 0, "harm", by=(("omni", 0.91),)),), unseen, "omni")


def test_a_score_above_its_floor_counts_without_a_flag(service: Any, drive: Drive) -> None:
    result = result_for(PNG)
    result["category_scores"]["sexual"] = 0.4
    service.reply = lambda _: (200, {"model": "omni", "results": [result]})
    made = Moderation("harm", backend(service), {"sexual": 0.3})
    (looked,) = drive(made.look([("", PNG)]))
    assert looked.findings == (Finding("sexual", 0.4, 0, 0, "harm", False, by=(("omni", 0.4),)),)


def test_what_is_too_large_is_not_sent(eyes: Any, drive: Drive) -> None:
    with pytest.raises(NotEvaluated) as caught:
        drive(backend(eyes).look([("", "data:image/png;base64," + "A" * MAX_IMAGE)]))
    assert caught.value.reason == "too_large"
    assert eyes.requests == []


@pytest.mark.parametrize("source", ["", "canary", "file:///etc/passwd", "gs://bucket/a", "ftp://x/a.png"])
def test_a_source_of_another_kind_is_not_sent(eyes: Any, drive: Drive, source: str) -> None:
    with pytest.raises(NotEvaluated, match="malformed") as caught:
        drive(backend(eyes).look([("", source)]))
    assert "canary" not in str(caught.value)
    assert eyes.requests == []


@pytest.mark.parametrize(("status", "reason"), [(400, "status"), (500, "status"), (200, "malformed")])
def test_what_is_no_answer_is_not_evaluated(service: Any, drive: Drive, status: int, reason: str) -> None:
    service.reply = lambda _: (status, b'{"error": {"message": "canary"}}')
    with pytest.raises(NotEvaluated) as caught:
        drive(backend(service, timeout=5.0).look([("", PNG)]))
    assert caught.value.reason == reason


def test_a_check_whose_backend_reads_text_only_says_so(drive: Drive) -> None:
    with pytest.raises(NotEvaluated, match="blind"):
        drive(Moderation("harm", LocalBackend(), {}).look([("", PNG)]))


# -- through the middleware ------------------------------------------------------------------------

POLICY = """
guardrail: 1
name: eyes
checks:
  harm: {use: openai, api_key: KEY, url: "URL", on_error: WORD}
input: [harm]
output: []
modalities: {image: POSTURE}
rules:
  - {when: WHEN, do: refuse}
"""
LOCAL = """
guardrail: 1
name: blind
checks:
  harm: {use: local}
input: [harm]
output: []
modalities: {image: POSTURE}
rules:
  - {when: harm, point: lenient, do: refuse}
"""


@contextmanager
def guarding(folder: Path, policy: str, **words: str) -> Iterator[tuple[Guard, list[Decision]]]:
    for name, word in {"KEY": KEY, "WORD": "refuse", "POSTURE": "refuse", "WHEN": "violence", **words}.items():
        policy = policy.replace(name, word)
    path = folder / "policy.yaml"
    path.write_text(policy)
    guard = Guard.from_policy(path, log="none")
    recorder = memory()
    guard._recorder = recorder
    try:
        yield guard, recorder.rows
    finally:
        guard.close()


def ask(guard: Guard, *sources: str, words: str = "What is in the picture?") -> tuple[Answer, bool]:
    """The answer to a question about images, and whether the app was asked."""
    parts = [{"type": "text", "text": words}, *({"type": "image_url", "image_url": {"url": s}} for s in sources)]
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": parts}]}).encode()
    inner = Inner((b'{"choices":[]}',))
    door = GuardrailMiddleware(inner, guard)

    async def asking() -> Answer:
        try:
            return await call(door, scope_of(CHAT), request(body))
        finally:
            await guard.aworld().aclose()

    return asyncio.run(asking()), bool(inner.bodies)


@pytest.mark.parametrize("source", [PNG, LINK])
def test_a_harmless_image_is_seen_and_passes_where_unseen_ones_may_not(eyes: Any, tmp_path: Path, source: str) -> None:
    with guarding(tmp_path, POLICY, URL=eyes.url) as (guard, rows):
        assert ask(guard, source)[1]
    assert (rows[0].outcome, rows[0].not_evaluated) == ("allowed", ())
    ((text, image),) = shown(eyes)
    assert text["text"].startswith("What is in the picture?")
    assert image["image_url"]["url"] == source


def test_an_image_that_is_flagged_is_refused_though_its_text_is_harmless(eyes: Any, tmp_path: Path) -> None:
    with guarding(tmp_path, POLICY, URL=eyes.url, POSTURE="allow") as (guard, rows):
        answer, asked = ask(guard, PNG, LINK + "?flag=violence")
    assert not asked
    assert "canary" not in answer.body.decode()
    assert rows[0].outcome == "refused"
    assert [(f.category, f.check) for f in rows[0].findings] == [("violence", "harm")]


@pytest.mark.parametrize(
    ("word", "posture", "passes"),
    [("allow", "allow", True), ("flag", "allow", True), ("refuse", "allow", False), ("allow", "refuse", False)],
)
def test_a_service_that_is_down_counts_by_its_word_and_the_image_as_not_seen(
    service: Any, tmp_path: Path, word: str, posture: str, passes: bool
) -> None:
    def down_for_images(asked: list[Any]) -> tuple[int, Any]:
        return service.documented(asked) if isinstance(asked[0], str) else (400, {})

    service.reply = down_for_images
    with guarding(tmp_path, POLICY, URL=service.url, WORD=word, POSTURE=posture) as (guard, rows):
        assert ask(guard, PNG)[1] is passes
    (row,) = rows
    assert row.outcome == ("refused" if posture == "refuse" else "not_evaluated")
    assert [(gap.check, gap.reason) for gap in row.not_evaluated] == [("*", "image"), ("harm", "status")]


@pytest.mark.parametrize(("posture", "passes"), [("allow", True), ("refuse", False)])
def test_with_the_local_model_alone_an_image_is_not_evaluated(tmp_path: Path, posture: str, passes: bool) -> None:
    with guarding(tmp_path, LOCAL, POSTURE=posture) as (guard, rows):
        assert ask(guard, PNG)[1] is passes
    assert [(gap.check, gap.reason) for gap in rows[0].not_evaluated] == [("*", "image")]


def test_a_rule_about_what_the_service_does_not_judge_on_images_is_said(eyes: Any, tmp_path: Path) -> None:
    with guarding(tmp_path, POLICY, URL=eyes.url, WHEN="[violence, hate]") as (guard, rows):
        assert ask(guard, PNG)[1]
    assert [(gap.check, gap.reason) for gap in rows[0].not_evaluated] == [("harm", "unseen")]


def test_the_next_turn_sends_no_image_and_no_text_again(eyes: Any, tmp_path: Path) -> None:
    with guarding(tmp_path, POLICY, URL=eyes.url) as (guard, rows):
        ask(guard, PNG)
        asked = len(eyes.requests)
        ask(guard, PNG)
        assert len(eyes.requests) == asked > 0
        ask(guard, PNG, words="And now?")
        assert len(eyes.requests) == asked + 2
    assert [row.outcome for row in rows] == ["allowed"] * 3
