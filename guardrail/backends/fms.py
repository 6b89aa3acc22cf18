"""Detectors that speak the Foundation Model Stack's detector API: any model behind one open protocol.

Knows the protocol's JSON. What a detector's own words mean is told by the policy; must never be guessed.

Source: https://foundation-model-stack.github.io/fms-guardrails-orchestrator/?urls.primaryName=Detector+API (in the
repository foundation-model-stack/fms-guardrails-orchestrator: docs/api/openapi_detector_api.yaml and
docs/architecture/adrs/003-detector-api-design.md). ``score`` is "confidence, probability etc." there, and a detector
may report what it does not think likely; so scores decide, never that something was reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from .card import Card
from .custom import category, custom
from .dialect import UNNAMED, Query, Question, bearer, decoded, encoded, malformed, score

CARD = Card(
    name="fms",
    title="FMS detector API",
    categories=frozenset(),
    source="https://foundation-model-stack.github.io/fms-guardrails-orchestrator/?urls.primaryName=Detector+API",
    languages="the detector's",
    scores="raw",
    price="free, self-hosted",
    verified="document",
)

POINTS = {"lenient": 0.8, "balanced": 0.5, "strict": 0.3}

Api = Literal["contents", "generation", "chat"]
_APIS: tuple[Api, ...] = ("contents", "generation", "chat")


class FMS:
    """A ``Dialect`` of one detector.

    ``url``: the server's address, without ``/api/v1``. ``detector``: its id. ``api``: which of its endpoints: texts
    alone (``contents``), a reply with its prompt (``generation``; it cannot judge what users write), or messages
    (``chat``). ``categories``: a detection, or a detection type, to the category it means; the detection is looked up
    first. ``detections``: further ones, which become ``custom/`` and their own name. What the detector reports
    besides is ``harm`` without a name, but for what is in ``ignore``. Raises ValueError.
    """

    criteria: tuple[str, ...] = ("",)
    slow = False
    batch_chars = 100_000

    def __init__(
        self,
        *,
        url: str,
        detector: str,
        api_key: str | None = None,
        api: Api = "contents",
        categories: Mapping[str, str] | None = None,
        detections: Collection[str] = (),
        params: Mapping[str, Any] | None = None,
        ignore: frozenset[str] = frozenset(),
        longest: int = CARD.longest,
    ) -> None:
        if not detector.strip() or not detector.isascii() or not detector.isprintable():
            raise ValueError("detector: the id is empty or has characters that no id has")
        if api not in _APIS:
            raise ValueError(f"api: it is one of {', '.join(_APIS)}")
        self._means = {name: custom(name) for name in detections}
        self._means |= {name: category(ours) for name, ours in (categories or {}).items()}
        if clash := sorted(ignore & set(self._means)):
            raise ValueError(f"ignore: {', '.join(clash)} has a category, and so is listened to")
        self._ignore, self._params, self._api = ignore, dict(params or {}), api
        self._url = f"{url.rstrip('/')}/api/v1/text/{api}"
        self._headers = (("detector-id", detector.strip()), *bearer(api_key))
        self.model = detector.strip()
        self.batch = 32 if api == "contents" else 1
        self.categories = frozenset({UNNAMED, *self._means.values()})
        self.points: Mapping[str, Mapping[str, float]] | None = {
            point: dict.fromkeys(self.categories, least) for point, least in POINTS.items()
        }
        self.card = replace(CARD, categories=self.categories, longest=longest)
        if api != "contents":
            self.card = replace(self.card, needs="conversation")

    def query(self, question: Question) -> Query:
        """``generation`` is NotEvaluated ``blind`` for what a user wrote, and for a reply whose prompt is not known."""
        if question.image:
            raise NotEvaluated("blind", "the detector reads text only")
        body = self._body(question)
        return Query(self._url, encoded({**body, "detector_params": self._params}), self._headers)

    def _body(self, question: Question) -> dict[str, Any]:
        if self._api == "contents":
            return {"contents": list(question.texts)}
        if len(question.texts) != 1:
            raise malformed("this endpoint takes one text a request")
        if self._api == "generation":
            if question.side == "input" or not question.prompt:
                raise NotEvaluated("blind", "this detector judges a reply together with its prompt, and there is none")
            return {"prompt": question.prompt, "generated_text": question.texts[0]}
        turns = [("user", question.prompt)] if question.prompt and question.side == "output" else []
        turns.append(("user" if question.side == "input" else "assistant", question.texts[0]))
        return {"messages": [{"role": role, "content": content} for role, content in turns]}

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """What is not reported was looked for and not found. Raises NotEvaluated: ``status``, ``malformed``, ``empty``
        (no list of detections for a text at all).
        """
        held = decoded(reply)
        if not isinstance(held, list):
            raise malformed("the reply is no list")
        texts = question.texts
        lists = held if self._api == "contents" else [held]
        if not lists:
            raise NotEvaluated("empty", "the reply has no list of detections")
        if len(lists) != len(texts):
            raise malformed(f"{len(lists)} lists of detections for {len(texts)} texts")
        return [self._scores(text, found) for text, found in zip(texts, lists, strict=True)]

    def _scores(self, text: str, found: Any) -> Scores:
        if not isinstance(found, list):
            raise malformed("the detections of a text are no list")
        scores = dict.fromkeys(self.categories, 0.0)
        spans: dict[str, tuple[int, int]] = {}
        for one in found:
            name, sure, span = self._detection(text, one)
            if name is not None and sure > scores[name]:
                scores[name] = sure
                spans.pop(name, None)
                if span is not None:
                    spans[name] = span
        return Scores(scores, model=self.model, spans=spans)

    def _detection(self, text: str, one: Any) -> tuple[str | None, float, tuple[int, int] | None]:
        if not isinstance(one, dict):
            raise malformed("a detection is no object")
        said, kind = one.get("detection"), one.get("detection_type")
        if not isinstance(said, str) or not isinstance(kind, str):
            raise malformed("a detection has no name or no type")
        sure = score(one.get("score"))
        span = _span(text, one) if self._api == "contents" else None
        if said in self._means:
            return self._means[said], sure, span
        if said in self._ignore or kind in self._ignore:
            return None, sure, span
        return self._means.get(kind, UNNAMED), sure, span


def _span(text: str, one: Mapping[str, Any]) -> tuple[int, int] | None:
    """Where a detection is, if that is less than all. Raises NotEvaluated for a place outside of the text."""
    start, end = one.get("start"), one.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start <= end <= len(text):
        raise malformed("a detection does not lie in the text")
    # The document does not say what places count; the words, where they are told too, show whether it is characters.
    words = one.get("text")
    if start == end or end - start == len(text) or (isinstance(words, str) and words != text[start:end]):
        return None
    return (start, end)
