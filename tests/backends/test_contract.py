"""Every backend keeps the contract: against a server on loopback that answers as its public document says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from guardrail.backends.bedrock_guardrail import BedrockGuardrail
from guardrail.backends.dialect import OneSided, Side
from guardrail.backends.remote import Remote
from guardrail.checks.protocol import Backend, Scores
from guardrail.flow import Flow
from guardrail.local.backend import LocalBackend
from guardrail.testing import BackendContract

from .fakes.loopback import Fake, served

SERVICES = (
    "openai",
    "mistral",
    "azure",
    "azure_shield",
    "model_armor",
    "bedrock_guardrail",
    "presidio",
    "fms",
    "http_json",
    "llama_guard",
    "shieldgemma",
    "nemotron",
    "granite_guardian",
    "qwen3guard",
    "gpt_oss_safeguard",
    "judge",
)


@pytest.fixture(scope="class", params=[(name, side) for name in SERVICES for side in ("input", "output")], ids="-".join)
def service(request: pytest.FixtureRequest) -> Iterator[tuple[Fake, Side]]:
    name, side = request.param
    with served(name) as fake:
        yield fake, side


class TestServices(BackendContract):
    """All dialects, on both sides. ``MEANS`` of a fake says what it knows, in its document's words."""

    @pytest.fixture(autouse=True)
    def _service(self, service: tuple[Fake, Side], monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        self.fake, self.side = service
        dialect = self.fake.module.dialect(self.fake.base)
        judged = dialect.judges(self.side) if isinstance(dialect, OneSided) else dialect.categories
        if not judged:
            pytest.skip("it judges nothing of this side")
        # A guardrail is whatever was made of it, and tells only what it found.
        self.untold = dialect.categories if isinstance(dialect, BedrockGuardrail) else frozenset()
        self.harmful = {ours: f"a text about [{ours}]" for ours in self.fake.module.MEANS if ours in judged}

    def backend(self) -> Backend:
        return Remote(self.fake.module.dialect(self.fake.base), timeout=30.0).on("input")


class TestLocal(BackendContract):
    harmful: Mapping[str, str] = {"harassment": "you are a stupid worthless idiot and everybody hates you"}

    def backend(self) -> Backend:
        return LocalBackend("fast")


class Unsound:
    """Answers with what it is given."""

    name, longest, stride, inline, remote = "unsound", 2000, 400, 0, False
    categories = frozenset({"hate", "violence"})
    points: Mapping[str, Mapping[str, float]] | None = None

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        yield from ()
        return [self.answer for _ in texts]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Scores({"hate": 0.1, "violence": math.nan}), "NaN"),
        (Scores({"hate": 0.1, "violence": 1.5}), "not in"),
        (Scores({"hate": 0.1, "violence": True}), "true or false"),
        (Scores({"hate": 0.1}), "nor unseen: violence"),
        (Scores({"hate": 0.1, "violence": 0.1, "sexual": 0.1}), "does not judge: sexual"),
    ],
)
def test_the_contract_is_not_kept_by_what_would_be_a_clean_result(answer: Scores, said: str) -> None:
    class Contract(BackendContract):
        def backend(self) -> Backend:
            return Unsound(answer)

    with pytest.raises(AssertionError, match=said):
        Contract().test_what_is_harmless_is_not()
