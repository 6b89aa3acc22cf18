from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from guardrail.backends import presidio, presidio_local
from guardrail.backends.presidio_local import CARD, Engine, PresidioLocal
from guardrail.checks.protocol import Backend
from guardrail.errors import NotEvaluated
from guardrail.flow import Call, Flow, run
from guardrail.testing import BackendContract


@dataclass(frozen=True)
class Result:
    """As ``presidio_analyzer.RecognizerResult``."""

    entity_type: str
    start: int
    end: int
    score: Any


@dataclass
class StandIn:
    """As ``presidio_analyzer.AnalyzerEngine``: finds ``@``, and is out of its depth with ``deep``.

    Source: https://microsoft.github.io/presidio/api/analyzer_python/
    """

    supported: tuple[str, ...] = presidio.GLOBAL
    score: Any = 0.85
    asked: list[tuple[str, str, list[str]]] = field(default_factory=list)

    def analyze(
        self,
        text: str,
        language: str,
        entities: list[str] | None = None,
        correlation_id: str | None = None,
        score_threshold: float | None = None,
        return_decision_process: bool = False,
        ad_hoc_recognizers: list[Any] | None = None,
        context: list[str] | None = None,
        allow_list: list[str] | None = None,
        allow_list_match: str = "exact",
        regex_flags: int = 0,
        nlp_artifacts: Any = None,
    ) -> list[Result]:
        self.asked.append((text, language, entities or []))
        if "deep" in text:
            raise ValueError(f"[E088] text is too long: {text}")
        return [Result("EMAIL_ADDRESS", at, at + 1, self.score) for at, char in enumerate(text) if char == "@"]

    def get_supported_entities(self, language: str | None = None) -> list[str]:
        if language not in ("en", "de"):
            raise ValueError("No matching recognizers were found to serve the request.")
        return list(self.supported)


def work(effect: Any) -> Any:
    assert isinstance(effect, Call)
    return effect.fn(*effect.args)


def ask(backend: PresidioLocal, *texts: str) -> Any:
    flow: Flow[Any] = backend.moderate(texts)
    return run(flow, work)


def backend(engine: Engine, **options: Any) -> PresidioLocal:
    return PresidioLocal(engine=lambda: engine, **options)


def test_it_is_a_backend_off_the_event_loop() -> None:
    checked: Backend = backend(StandIn())
    assert (checked.name, checked.remote, checked.inline) == (CARD.name, False, 0) == ("presidio_local", False, 0)
    assert isinstance(next(checked.moderate(["a"])), Call)
    assert (CARD.extra, CARD.categories) == ("presidio", presidio.CARD.categories)
    assert checked.points == {
        point: dict.fromkeys(checked.categories, least) for point, least in presidio.POINTS.items()
    }


def test_what_the_engine_finds_has_its_score_and_place() -> None:
    engine = StandIn()
    clean, found = ask(backend(engine), "a", "\U0001f600 a@b")
    assert not any(clean.scores.values())
    assert (found.scores["personal/email"], found.spans) == (0.85, {"personal/email": (3, 4)})
    assert found.unseen == frozenset()
    assert engine.asked[0] == ("a", "en", sorted(presidio.GLOBAL))


def test_numbers_of_other_kinds_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    (found,) = ask(backend(StandIn(score=numpy.float32(0.5))), "@")
    assert found.scores["personal/email"] == 0.5


def test_an_entity_without_a_recognizer_is_unseen_and_not_asked_for() -> None:
    engine = StandIn(supported=("EMAIL_ADDRESS",))
    (found,) = ask(backend(engine, entities=["EMAIL_ADDRESS", "US_SSN"], language="de"), "a")
    assert found.scores == {"personal/email": 0.0}
    assert found.unseen == {"custom/us-ssn"}
    assert engine.asked == [("a", "de", ["EMAIL_ADDRESS"])]


@pytest.mark.parametrize(
    ("engine", "options", "text"),
    [
        (StandIn(), {}, "deep canary"),
        (StandIn(), {"language": "xx"}, "canary"),
        (StandIn(supported=()), {}, "canary"),
    ],
)
def test_what_the_engine_will_not_read_is_not_evaluated(engine: StandIn, options: dict[str, Any], text: str) -> None:
    with pytest.raises(NotEvaluated) as caught:
        ask(backend(engine, **options), text)
    assert caught.value.reason == "refused"
    assert "canary" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


@pytest.mark.parametrize("score", [None, "0.5", float("nan"), 1.5, True])
def test_what_is_no_score_is_malformed(score: Any) -> None:
    with pytest.raises(NotEvaluated) as caught:
        ask(backend(StandIn(score=score)), "@")
    assert caught.value.reason == "malformed"


def test_nothing_is_asked_about_no_text() -> None:
    assert ask(backend(StandIn())) == []


def test_what_is_ignored_is_not_heard() -> None:
    quiet = backend(StandIn(), ignore=frozenset({"EMAIL_ADDRESS"}))
    (said,) = ask(quiet, "a@b")
    assert "personal/email" not in {*said.scores, *said.spans, *quiet.categories}
    with pytest.raises(ValueError, match=r"EMAIL.*Known are"):
        backend(StandIn(), ignore=frozenset({"EMAIL"}))


def test_the_engine_is_made_once_when_it_is_first_asked() -> None:
    made: list[int] = []
    gate = threading.Barrier(4, timeout=10)

    def make() -> Engine:
        made.append(1)
        return StandIn()

    local = PresidioLocal(engine=make)
    assert made == []

    def one(_: int) -> Any:
        gate.wait()
        return ask(local, "@")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    assert made == [1]


def test_without_the_extra_it_says_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presidio_local, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"guardrail-middleware\[presidio\]"):
        PresidioLocal()


@pytest.mark.parametrize(("options", "made"), [({}, "default"), ({"config": "analyzer.yml"}, "analyzer.yml")])
def test_the_engine_is_presidios_own(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], made: str) -> None:
    engines: list[str] = []

    def maker(name: str) -> Callable[[], Engine]:
        def make() -> Engine:
            engines.append(name)
            return StandIn()

        return make

    module = SimpleNamespace(
        AnalyzerEngine=maker("default"),
        AnalyzerEngineProvider=lambda analyzer_engine_conf_file: SimpleNamespace(
            create_engine=maker(analyzer_engine_conf_file)
        ),
    )
    monkeypatch.setattr(presidio_local, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.setattr(presidio_local, "import_module", lambda name: module)
    (said,) = ask(PresidioLocal(**options), "@")
    assert said.scores["personal/email"] == 0.85
    assert engines == [made]


@pytest.mark.filterwarnings("ignore:NLP recognizer:UserWarning")  # Presidio says so of every engine without one
class TestTheRealEngine(BackendContract):
    """Presidio itself, where it is installed, over an empty language model: its recognizers by pattern need no other."""

    harmful: Mapping[str, str] = {
        "personal/email": "write to jo@example.com",
        "personal/ip": "my host is 192.168.17.4",
    }

    @pytest.fixture(autouse=True)
    def _engine(self, tmp_path: Path) -> None:
        pytest.importorskip("presidio_analyzer")
        pytest.importorskip("spacy").blank("en").to_disk(tmp_path / "blank")
        self.config = tmp_path / "analyzer.yaml"
        model = f"{{lang_code: en, model_name: {tmp_path / 'blank'}}}"
        self.config.write_text(
            "supported_languages: [en]\ndefault_score_threshold: 0\n"
            f"nlp_configuration: {{nlp_engine_name: spacy, models: [{model}]}}\n"
        )

    def backend(self) -> Backend:
        entities = ["EMAIL_ADDRESS", "IP_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "CREDIT_CARD"]
        return PresidioLocal(entities=entities, config=str(self.config))
