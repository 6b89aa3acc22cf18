"""The Presidio analyzer as a service: personal data in a text, by kind and place.

Knows the analyzer's JSON and its entity names. Must never know what is done about what is found. Only the
entities that are listened to are asked for, so one that was not asked for is a fault of the reply.

Source: https://microsoft.github.io/presidio/api-docs/api-docs.html (``POST /analyze``), and
https://microsoft.github.io/presidio/supported_entities/ for the entities. Places count code points: the server is
Python, and what it returns are places in its ``str``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from .card import Card
from .custom import custom
from .dialect import Query, Question, bearer, decoded, encoded, malformed, score

GLOBAL = (
    "CREDIT_CARD",
    "CRYPTO",
    "DATE_TIME",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "IP_ADDRESS",
    "LOCATION",
    "MEDICAL_LICENSE",
    "NRP",
    "PERSON",
    "PHONE_NUMBER",
    "URL",
)
"""What is asked for by default: the entities that the document calls global and that servers have had for long.
An analyzer looks for what it has a recognizer for in the text's language and passes over the rest without a word, so
others are asked for only by name.
"""

_OTHERS = (
    "MAC_ADDRESS",
    "US_BANK_NUMBER",
    "US_DRIVER_LICENSE",
    "US_ITIN",
    "US_PASSPORT",
    "US_SSN",
    "UK_NHS",
    "UK_NINO",
    "ES_NIF",
    "ES_NIE",
    "IT_FISCAL_CODE",
    "IT_DRIVER_LICENSE",
    "IT_VAT_CODE",
    "IT_PASSPORT",
    "IT_IDENTITY_CARD",
    "PL_PESEL",
    "SG_NRIC_FIN",
    "SG_UEN",
    "AU_ABN",
    "AU_ACN",
    "AU_TFN",
    "AU_MEDICARE",
    "IN_PAN",
    "IN_AADHAAR",
    "IN_VEHICLE_REGISTRATION",
    "IN_VOTER",
    "IN_PASSPORT",
    "IN_GSTIN",
    "FI_PERSONAL_IDENTITY_CODE",
    "KR_DRIVER_LICENSE",
    "KR_FRN",
    "KR_PASSPORT",
    "KR_BRN",
    "KR_RRN",
    "TH_TNIN",
)

_SAME = {
    "EMAIL_ADDRESS": "personal/email",
    "PHONE_NUMBER": "personal/phone",
    "CREDIT_CARD": "personal/card",
    "IBAN_CODE": "personal/iban",
    "IP_ADDRESS": "personal/ip",
}

POINTS = {"lenient": 0.6, "balanced": 0.4, "strict": 0.3}
"""0.4 is the least score that Presidio gives to a match beside a word that supports it
(https://microsoft.github.io/presidio/tutorial/06_context/); weak patterns alone have less, checksums make 1.0."""

CARD = Card(
    name="presidio",
    title="Presidio analyzer (service)",
    categories=frozenset(_SAME.get(entity) or custom(entity) for entity in (*GLOBAL, *_OTHERS)),
    source="https://microsoft.github.io/presidio/api-docs/api-docs.html",
    languages="those of the recognizers it runs with",
    longest=10_000,
    scores="raw",
    price="free, self-hosted",
    verified="document",
)

Spotted = tuple[Any, Any, Any, Any]
"""Entity type, start, end and score of one detection, as they came."""


def listened(entities: Collection[str], ignore: frozenset[str]) -> Mapping[str, str]:
    """Entity to category, for those that are asked for. Raises ValueError for one that cannot be ignored, or none."""
    asked = sorted(dict.fromkeys(entities))
    if unknown := sorted(ignore - set(asked)):
        raise ValueError(f"ignore: no such entity: {', '.join(unknown)}. Known are: {', '.join(asked)}")
    means = {entity: _SAME.get(entity) or custom(entity) for entity in asked if entity not in ignore}
    if not means:
        raise ValueError("entities: there is none to ask for")
    return means


def spotted(text: str, found: Iterable[Spotted], means: Mapping[str, str], ignore: frozenset[str]) -> Scores:
    """The highest score of each category with its place; 0 for what was asked for and not found. Raises NotEvaluated:
    ``malformed``, ``unknown_category``.
    """
    scores = dict.fromkeys(means.values(), 0.0)
    spans: dict[str, tuple[int, int]] = {}
    for entity, start, end, value in found:
        sure = score(value)
        if not isinstance(entity, str):
            raise malformed("an entity has no type")
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
            raise malformed("an entity does not lie in the text")
        if entity in ignore:
            continue
        if entity not in means:
            raise NotEvaluated("unknown_category", "the analyzer found an entity that it was not asked for")
        category = means[entity]
        if category not in spans or sure > scores[category]:
            scores[category], spans[category] = sure, (start, end)
    return Scores(scores, spans=spans)


class Presidio:
    """A ``Dialect`` of the analyzer's REST server.

    ``url``: its address, without ``/analyze``. ``entities``: what it is asked for, custom recognizers' too.
    ``score_threshold``: the least score that it should return; left out, the server's own. ``api_key``: for a proxy
    before it, the analyzer itself has none. Raises ValueError.
    """

    model = ""
    batch = 1
    batch_chars = CARD.longest
    criteria: tuple[str, ...] = ("",)
    slow = False

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        language: str = "en",
        entities: Collection[str] = GLOBAL,
        score_threshold: float | None = None,
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        if score_threshold is not None and not 0 <= score_threshold <= 1:
            raise ValueError("score_threshold: a score is between 0 and 1")
        self._means, self._ignore = listened(entities, ignore), ignore
        self._url, self._headers = f"{url.rstrip('/')}/analyze", bearer(api_key)
        self._asked: dict[str, Any] = {"language": language, "entities": sorted(self._means)}
        if score_threshold is not None:
            self._asked["score_threshold"] = score_threshold
        self.categories = frozenset(self._means.values())
        self.points: Mapping[str, Mapping[str, float]] | None = {
            point: dict.fromkeys(self.categories, least) for point, least in POINTS.items()
        }
        self.card = replace(CARD, categories=self.categories, languages=language)

    def query(self, question: Question) -> Query:
        """One text: the document knows of no more in a request."""
        if question.image:
            raise NotEvaluated("blind", "the analyzer reads text only")
        if len(question.texts) != 1:
            raise malformed("the analyzer takes one text a request")
        return Query(self._url, encoded({"text": question.texts[0], **self._asked}), self._headers)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """An entity that is not in the reply was looked for and not found."""
        held = decoded(reply)
        if not isinstance(held, list):
            raise malformed("the reply is no list of entities")
        if not all(isinstance(one, dict) for one in held):
            raise malformed("an entity is no object")
        found = [(one.get("entity_type"), one.get("start"), one.get("end"), one.get("score")) for one in held]
        return [spotted(question.texts[0], found, self._means, self._ignore)]
