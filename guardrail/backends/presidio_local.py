"""The Presidio analyzer in this process: no network, but its models in memory.

Knows the engine's ``analyze``. Loads the engine once, on a worker thread, when it is first asked.

Source: https://microsoft.github.io/presidio/api/analyzer_python/ (``AnalyzerEngine.analyze``) and
https://microsoft.github.io/presidio/analyzer/analyzer_engine_provider/ for engines made from a file. The engine's
default language model is fetched by spaCy where it is not installed: install it beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any, Protocol, SupportsFloat

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Call, Flow
from . import presidio
from .presidio import GLOBAL, POINTS, Spotted, listened, spotted

CARD = replace(
    presidio.CARD,
    name="presidio_local",
    title="Presidio analyzer (in process)",
    source="https://microsoft.github.io/presidio/api/analyzer_python/",
    price="free",
    verified="real",
    extra="presidio",
)


class Found(Protocol):
    """One detection, as ``presidio_analyzer.RecognizerResult`` has it."""

    @property
    def entity_type(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def score(self) -> float: ...


class Engine(Protocol):
    """What is asked of ``presidio_analyzer.AnalyzerEngine``. ``analyze`` raises ValueError for a language or entities
    that it has no recognizer for, and for texts that are too long for it.
    """

    def analyze(self, text: str, language: str, entities: list[str] | None = None) -> Sequence[Found]: ...
    def get_supported_entities(self, language: str | None = None) -> list[str]: ...


class PresidioLocal:
    """A ``Backend`` that analyses in this process.

    ``config``: the file that an ``AnalyzerEngineProvider`` makes an engine from; left out, Presidio's own default,
    which is English. ``engine``: makes the engine instead. Raises ValueError as ``Presidio`` does, and ImportError
    without the extra.
    """

    name = "presidio_local"
    longest = CARD.longest
    stride = 400
    inline = 0
    remote = False

    def __init__(
        self,
        *,
        language: str = "en",
        entities: Collection[str] = GLOBAL,
        config: str | None = None,
        ignore: frozenset[str] = frozenset(),
        engine: Callable[[], Engine] | None = None,
    ) -> None:
        if engine is None and find_spec("presidio_analyzer") is None:
            raise ImportError("Presidio in process needs the extra: pip install 'guardrail-middleware[presidio]'")
        self._means, self._ignore = listened(entities, ignore), ignore
        self._language, self._config = language, config
        self._make = engine or self._default
        self._engine: Engine | None = None
        self._lock = Lock()
        self.categories = frozenset(self._means.values())
        self.points: Mapping[str, Mapping[str, float]] | None = {
            point: dict.fromkeys(self.categories, least) for point, least in POINTS.items()
        }
        self.card = replace(CARD, categories=self.categories, languages=language)

    def moderate(self, texts: Sequence[str]) -> Flow[Sequence[Scores]]:
        """Always asked of a worker: a language model is run. Raises NotEvaluated: ``refused``, ``malformed``,
        ``unknown_category``.
        """
        found: Sequence[Scores] = yield Call(self._analyze, (tuple(texts),))
        return found

    def _analyze(self, texts: Sequence[str]) -> Sequence[Scores]:
        engine = self._loaded()
        try:
            supported = set(engine.get_supported_entities(language=self._language))
            means = {entity: name for entity, name in self._means.items() if entity in supported}
            asked = sorted(means)
            found = [engine.analyze(text=text, language=self._language, entities=asked) for text in texts if asked]
        except ValueError:
            found = []
        if len(found) != len(texts):
            # Raised here, so that it does not carry the engine's own error, which may quote the text.
            raise NotEvaluated("refused", "the analyzer has no recognizer for what is asked, or the text is too long")
        unseen = self.categories - set(means.values())
        return [
            replace(spotted(text, map(_spotted, held), means, self._ignore), unseen=unseen)
            for text, held in zip(texts, found, strict=True)
        ]

    def _loaded(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = self._make()
            return self._engine

    def _default(self) -> Engine:
        presidio_analyzer = import_module("presidio_analyzer")
        if self._config is None:
            engine: Engine = presidio_analyzer.AnalyzerEngine()
        else:
            provider = presidio_analyzer.AnalyzerEngineProvider(analyzer_engine_conf_file=self._config)
            engine = provider.create_engine()
        return engine


def _spotted(one: Found) -> Spotted:
    # Models give numbers of numpy's own types.
    sure: Any = one.score
    real = isinstance(sure, SupportsFloat) and not isinstance(sure, bool)
    return (one.entity_type, one.start, one.end, float(sure) if real else sure)
