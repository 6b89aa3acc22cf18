"""Google Model Armor: the filters of a template of the user's, applied to a prompt or to a model's reply.

Knows the JSON of ``sanitizeUserPrompt`` and ``sanitizeModelResponse``. The template decides which filters run and
from which confidence on they match, so the matches are the service's decision. Must never know a policy, and never
take a filter that was skipped for one that found nothing.

Source: https://github.com/googleapis/googleapis/blob/master/google/cloud/modelarmor/v1/service.proto for the shapes;
https://docs.cloud.google.com/model-armor/sanitize-prompts-responses for the endpoints and for what replies look like.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from ..http import Headers
from .card import Card
from .dialect import UNNAMED, Query, Question, bearer, decoded, encoded, ignored, malformed

_RAI: Mapping[str, str] = {
    "sexually_explicit": "sexual",
    "hate_speech": "hate",
    "harassment": "harassment",
    "dangerous": "illicit",
}
_FILTERS: Mapping[str, str] = {
    "csam": "sexual/minors",
    "malicious_uris": "custom/malicious-uris",
    "pi_and_jailbreak": "prompt_injection",
    "sdp": "custom/sensitive-data",
}
OURS: Mapping[str, str] = {**_RAI, **_FILTERS}
"""The service's filters, and types of its ``rai`` filter, by this project's names."""

_RESULTS: Mapping[str, str] = {
    "csam": "csamFilterFilterResult",
    "malicious_uris": "maliciousUriFilterResult",
    "pi_and_jailbreak": "piAndJailbreakFilterResult",
    "sdp": "sdpFilterResult",
    "rai": "raiFilterResult",
}
_LEVELS: Mapping[str, float] = {"LOW_AND_ABOVE": 1 / 3, "MEDIUM_AND_ABOVE": 2 / 3, "HIGH": 1.0}
_UNSAID = "_UNSPECIFIED"
_TEMPLATE = re.compile(r"projects/[A-Za-z0-9.:_-]+/locations/([a-z0-9-]+)/templates/[A-Za-z0-9_-]+")

LONGEST = 2_000
"""Characters of one text: our own bound. Each filter has its own limit in tokens, and is skipped for longer texts."""

CARD = Card(
    name="model-armor",
    title="Google Model Armor",
    categories=frozenset(OURS.values()),
    source="https://docs.cloud.google.com/model-armor/sanitize-prompts-responses",
    longest=LONGEST,
    scores="flags",
    price="per token; a free allowance exists",
)


class ModelArmor:
    """What a template's filters matched, with their confidence where it is told. A ``Dialect``.

    ``template``: its full name, ``projects/P/locations/L/templates/T``. ``url``: the endpoint; where it is not given,
    that of the template's location. ``api_key``: an access token, or a function that gives one, called for every
    request and on a worker thread: tokens live for about an hour.

    Raises ValueError for settings that cannot be.
    """

    points: Mapping[str, Mapping[str, float]] | None = None
    batch = 1
    batch_chars = LONGEST
    criteria: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        template: str,
        url: str | None = None,
        api_key: str | Callable[[], str] | None = None,
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        named = _TEMPLATE.fullmatch(template)
        if named is None:
            raise ValueError("the template is not of the form projects/P/locations/L/templates/T")
        self._ignored = ignored(ignore, OURS)
        self._heard = {name: ours for name, ours in OURS.items() if name not in self._ignored}
        if not self._heard:
            raise ValueError("`ignore` leaves nothing to be listened to")
        base = url or f"https://modelarmor.{named[1]}.rep.googleapis.com"
        self._address = f"{base.rstrip('/')}/v1/{template}"
        self._token = api_key if callable(api_key) else None
        self._headers = bearer(None if callable(api_key) else api_key)
        self.slow = self._token is not None
        self.model = template
        self.categories = frozenset(self._heard.values())
        self.card = replace(CARD, categories=self.categories)

    def query(self, question: Question) -> Query:
        """The request. Raises NotEvaluated: ``too_large``, ``malformed``, ``blind`` for an image, ``refused`` where
        no access token can be had.
        """
        if question.image:
            raise NotEvaluated("blind", "texts only are sent to the service")
        if len(question.texts) != 1:
            raise malformed("the service takes one text at a time")
        if len(question.texts[0]) > LONGEST:
            raise NotEvaluated("too_large", f"the text has more than {LONGEST:,} characters")
        what, data = "sanitizeUserPrompt", "userPromptData"
        if question.side == "output":
            what, data = "sanitizeModelResponse", "modelResponseData"
        body = encoded({data: {"text": question.texts[0]}})
        return Query(f"{self._address}:{what}", body, self._signed())

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores``. Raises NotEvaluated: ``status``, ``malformed``, ``empty``, ``unknown_category``."""
        held = decoded(reply)
        result = held.get("sanitizationResult") if isinstance(held, dict) else None
        filters = result.get("filterResults", {}) if isinstance(result, dict) else None
        if not isinstance(result, dict) or not isinstance(filters, dict):
            raise malformed("the reply has no result")
        outcome = result.get("invocationResult")
        if outcome == "FAILURE":
            raise NotEvaluated("empty", "no filter was carried out")
        if outcome not in ("SUCCESS", "PARTIAL"):
            raise malformed("the reply does not say whether the filters were carried out")
        seen = _seen(filters)
        if _matched(result) and not any(seen.flags.values()):
            seen.flags[UNNAMED] = True
        if outcome == "PARTIAL" and not seen.skipped:
            # Some filter was skipped, and nothing says which: that none matched says nothing of any.
            seen.flags = {name: True for name, flag in seen.flags.items() if flag}
        flags = {self._heard.get(name, name): flag for name, flag in seen.flags.items() if name not in self._ignored}
        if not flags:
            raise NotEvaluated("empty", "no filter that is listened to was carried out")
        scores = {
            ours: seen.levels[name] for name, ours in self._heard.items() if name in seen.levels and ours in flags
        }
        return (Scores(scores, flags, self.categories - flags.keys()),)

    def _signed(self) -> Headers:
        if self._token is None:
            return self._headers
        try:
            return bearer(self._token() or "")
        except Exception:  # noqa: BLE001, S110 - whatever it raises, there is no token; and it may hold a secret
            pass
        raise NotEvaluated("refused", "no access token could be had")


@dataclass(slots=True)
class _Seen:
    """What the filters said, by the service's names. ``skipped``: one of them was not carried out."""

    flags: dict[str, bool] = field(default_factory=dict)
    levels: dict[str, float] = field(default_factory=dict)
    skipped: bool = False

    def add(self, name: str, held: Mapping[str, Any], ran: bool) -> None:
        """``ran``: the filter was carried out. A match counts anyhow: part of a text may be enough to find it."""
        match = _state(held, "matchState", "MATCH_FOUND", "NO_MATCH_FOUND")
        level = _state(held, "confidenceLevel", *_LEVELS)
        if match == "MATCH_FOUND" or (ran and match):
            self.flags[name] = match == "MATCH_FOUND"
            if level:
                self.levels[name] = _LEVELS[level]


def _seen(filters: Mapping[str, Any]) -> _Seen:
    seen = _Seen()
    for name, outer in filters.items():
        if name not in _RESULTS:
            raise NotEvaluated("unknown_category", "the service names a filter that it is not known to have")
        held = _inner(outer, _RESULTS[name])
        if name == "sdp":
            held = _inner(held, "deidentifyResult" if "deidentifyResult" in held else "inspectResult")
        ran = _state(held, "executionState", "EXECUTION_SUCCESS", "EXECUTION_SKIPPED") == "EXECUTION_SUCCESS"
        seen.skipped |= not ran
        if name != "rai":
            seen.add(name, held, ran)
            continue
        types = held.get("raiFilterTypeResults", {})
        if not isinstance(types, dict):
            raise malformed("the types of the responsible AI filter are no object")
        for kind in types:
            if kind not in _RAI:
                raise NotEvaluated("unknown_category", "the service names a type that it is not known to have")
            seen.add(kind, _inner(types, kind), ran)
        if _matched(held, "matchState") and not any(seen.flags.get(kind) for kind in _RAI):
            seen.flags[UNNAMED] = True
    return seen


def _inner(held: Any, key: str) -> Mapping[str, Any]:
    inner = held.get(key) if isinstance(held, dict) else None
    if not isinstance(inner, dict):
        raise malformed("the result of a filter is not of the documented shape")
    return inner


def _state(held: Mapping[str, Any], key: str, *known: str) -> str:
    """One of the states that the document names, or "" where none is said."""
    state = held.get(key)
    if state is None or (isinstance(state, str) and state.endswith(_UNSAID)):
        return ""
    if not isinstance(state, str) or state not in known:
        raise malformed("a filter is in a state that its document does not name")
    return state


def _matched(held: Mapping[str, Any], key: str = "filterMatchState") -> bool:
    return _state(held, key, "MATCH_FOUND", "NO_MATCH_FOUND") == "MATCH_FOUND"
