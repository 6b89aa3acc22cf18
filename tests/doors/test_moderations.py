"""The gateway's own moderation endpoint, asked by the vendor's SDK, and by this project's own backend for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from guardrail import Guard
from guardrail.backends.merged import of_windows
from guardrail.backends.openai import OpenAIModeration
from guardrail.backends.remote import Remote
from guardrail.checks.protocol import Backend, Scores
from guardrail.doors.gateway import gateway
from guardrail.flow import Flow
from guardrail.testing import BackendContract

from .driver import Inner, post
from .servers import serving

PATH = "/v1/moderations"
INSULT = "you are a stupid worthless idiot and everybody hates you"
POLICY = """
guardrail: 1
checks:
  harm: {use: local, tier: fast}
input: [harm]
output: [harm]
rules:
  - {when: [harm, prompt_injection, toxicity], do: refuse}
"""


@pytest.fixture(scope="module")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    path: Path = tmp_path_factory.mktemp("moderations") / "p.yaml"
    path.write_text(POLICY)
    made = Guard.from_policy(path, log="none")
    yield made
    made.close()


def asked(guard: Guard, body: Any, inner: Inner | None = None) -> Any:
    return post(gateway(guard, inner or Inner(), moderations=True), body, PATH)


def test_a_text_or_several_are_judged_in_the_endpoints_form(guard: Guard) -> None:
    inner = Inner()
    answer = asked(guard, {"input": [INSULT, "a soup recipe"], "model": "whatever"}, inner)
    assert answer.status == 200
    assert not inner.bodies  # nothing was sent on
    insult, soup = answer.json()["results"]
    assert (insult["flagged"], soup["flagged"]) == (True, False)
    assert insult["categories"]["harassment"] is True
    assert set(insult["categories"]) == set(insult["category_scores"]) == set(insult["category_applied_input_types"])
    assert len(set(insult["categories"])) == 15  # the 13, and what this model judges beside them
    assert asked(guard, {"input": "a soup recipe"}).json()["results"][0]["flagged"] is False
    assert answer.json()["model"].startswith("guardrail-local")


def test_the_end_of_a_long_text_is_read(guard: Guard) -> None:
    text = "The soup is good today. " * 300 + INSULT
    assert asked(guard, {"input": text}).json()["results"][0]["flagged"] is True


@pytest.mark.parametrize(
    "body",
    [b"", b"[", b"[" * 5000, {}, {"input": 1}, {"input": []}, {"input": ["a"] * 65}, {"input": [["a"]]},
     {"input": [{"type": "audio"}]}, {"input": [{"type": "image_url", "image_url": {"url": "u"}}] * 2}],
)  # fmt: skip
def test_what_is_no_request_is_a_clear_400(guard: Guard, body: Any) -> None:
    answer = asked(guard, body)
    assert answer.status == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


class Half:
    """A backend of one's own, of short texts: of one with ``half`` in it, it only judges hate."""

    name, longest, stride, inline, remote = "half", 50, 10, 0, False
    categories = frozenset({"hate", "violence"})
    points: Mapping[str, Mapping[str, float]] | None = None

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        yield from ()
        return [self._said(text) for text in texts]

    def _said(self, text: str) -> Scores:
        if "half" in text:
            return Scores({}, {"hate": False}, frozenset({"violence"}), why="busy", by={"a": {"hate": 0.1}})
        return Scores({}, {"hate": False, "violence": False}, by={"a": {"hate": 0.2}, "b": {"violence": 0.3}})


@pytest.mark.parametrize("soup", ["before", "after"])
def test_what_was_not_judged_of_one_window_was_not_judged(tmp_path: Path, soup: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "guardrail: 1\nchecks: {it: {use: python, backend: 'tests.doors.test_moderations:Half'}}\ninput: [it]\n"
        "rules: [{when: harm, do: refuse}]\n"
    )
    guard = Guard.from_policy(path, log="none")
    plain = "The soup is good today. " * 6
    text = plain + "It is half. " if soup == "before" else "It is half. " + plain
    (result,) = asked(guard, {"input": text}).json()["results"]
    assert result["category_applied_input_types"]["violence"] == []
    assert result["category_applied_input_types"]["hate"] == ["text"]
    (result,) = asked(guard, {"input": plain}).json()["results"]
    assert result["category_applied_input_types"]["violence"] == ["text"]
    guard.close()


def test_windows_together_keep_why_and_who_said_what() -> None:
    half = Half()
    both = of_windows([half._said("whole"), half._said("half")])
    assert both.unseen == {"violence"}
    assert both.why == "busy"
    assert both.by == {"a": {"hate": 0.2}, "b": {"violence": 0.3}}


def test_an_image_that_the_backend_cannot_see_is_not_clean(guard: Guard) -> None:
    answer = asked(guard, {"input": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]})
    assert answer.status == 503
    assert answer.json()["error"]["code"] == "blind"


def test_it_is_there_only_where_it_is_asked_for(guard: Guard, tmp_path: Path) -> None:
    inner = Inner()
    post(gateway(guard, inner), {"input": "a soup recipe"}, PATH)
    assert inner.bodies
    path = tmp_path / "p.yaml"
    path.write_text(
        "guardrail: 1\nchecks: {w: {use: words, words: [x], category: custom/x}}\ninput: [w]\n"
        "rules: [{when: custom/x, do: refuse}]\n"
    )
    other = Guard.from_policy(path, log="none")
    with pytest.raises(ValueError, match="nothing to answer"):
        gateway(other, inner, moderations=True)
    other.close()


@pytest.fixture(scope="class")
def address(guard: Guard) -> Iterator[str]:
    with serving(gateway(guard, Inner(), moderations=True)) as url:
        yield url


class TestItself(BackendContract):
    """This project's backend for the endpoint, over this project's endpoint: a real service of that kind."""

    harmful = {"harassment": INSULT}  # noqa: RUF012 - read only

    @pytest.fixture(autouse=True)
    def _address(self, address: str) -> None:
        self.url = address

    def backend(self) -> Backend:
        return Remote(OpenAIModeration("sk-none", url=f"{self.url}{PATH}"), timeout=30.0).on("input")


def test_the_vendors_sdk_reads_it_in_both_colours(guard: Guard) -> None:
    openai = pytest.importorskip("openai")
    with serving(gateway(guard, Inner(), moderations=True)) as url:
        client = openai.OpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0)
        one = client.moderations.create(input=INSULT)
        client.close()

        async def ask() -> Any:
            async with openai.AsyncOpenAI(api_key="k", base_url=f"{url}/v1", max_retries=0) as client:
                return await client.moderations.create(input=[INSULT, "soup"])

        two = asyncio.run(ask())
    assert one.results[0].flagged
    assert one.results[0].categories.harassment
    assert [result.flagged for result in two.results] == [True, False]
