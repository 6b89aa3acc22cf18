"""Azure AI Content Safety: texts and images, each judged in four categories by how severe they are.

Knows the JSON of ``text:analyze`` and ``image:analyze``, and that a text is measured in code points. Must never know
a policy, and never fetch an image.

Source: https://github.com/Azure/azure-rest-api-specs/blob/main/specification/cognitiveservices/data-plane/ContentSafety/stable/2024-09-01/contentsafety.json
for the shapes; https://learn.microsoft.com/azure/ai-services/content-safety/overview (input requirements) for the
limits; https://learn.microsoft.com/azure/ai-services/content-safety/concepts/harm-categories for the severities.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from ..http import Headers
from .card import Card
from .dialect import Query, Question, bearer, decoded, encoded, ignored, malformed

VERSION = "2024-09-01"
"""The newest stable version of the API."""

OURS: Mapping[str, str] = {"Hate": "hate", "SelfHarm": "self-harm", "Sexual": "sexual", "Violence": "violence"}
"""The service's categories, by this project's names."""

BLOCKLIST = "custom/blocklist"
"""A term of one of the user's own blocklists stands in the text."""

LONGEST = 10_000
"""Code points in one text."""

MAX_IMAGE = 4 * 1024 * 1024
"""Bytes of one image. The service also refuses images under 50 x 50 pixels, and very large ones: the documents name
2,048 x 2,048 and 7,200 x 7,200."""

WORST = 7
STEPS: Mapping[str, int] = {"lenient": 6, "balanced": 4, "strict": 2}
"""The severity that is a finding. The document calls 6 high, 4 medium and 2 low."""

_FORMATS = frozenset(f"data:image/{name};base64" for name in ("jpeg", "jpg", "png", "gif", "bmp", "tiff", "webp"))
_OUTPUTS: Mapping[int, str] = {4: "FourSeverityLevels", 8: "EightSeverityLevels"}
_FOUR, _EIGHT = frozenset({0, 2, 4, 6}), frozenset(range(8))

CARD = Card(
    name="azure",
    title="Azure AI Content Safety",
    categories=frozenset({*OURS.values(), BLOCKLIST}),
    source="https://learn.microsoft.com/azure/ai-services/content-safety/overview",
    modalities=frozenset({"text", "image"}),
    languages="trained and tested on en, de, es, ja, fr, it, pt, zh; others work less well",
    longest=LONGEST,
    unit="characters",
    scores="levels",
    price="per text record and per image; a free tier exists",
)


class AzureContentSafety:
    """Severities from 0 to 7 as scores (severity / 7), texts one by one, images one by one. A ``Dialect``.

    ``url``: the resource's endpoint (``https://NAME.cognitiveservices.azure.com``). ``levels``: steps in which the
    severity of a text is told, 4 or 8; that of an image is always told in 4. ``blocklists``: names of blocklists of
    the resource that texts are compared with. ``blobs``: hosts of blob storage (``NAME.blob.core.windows.net``) that
    the resource may read: https links to them are passed on, other links never are.

    Raises ValueError for settings that cannot be.
    """

    model = ""
    batch = 1
    batch_chars = LONGEST
    criteria: tuple[str, ...] = ()
    slow = False

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        version: str = VERSION,
        levels: Literal[4, 8] = 8,
        blocklists: Sequence[str] = (),
        blobs: frozenset[str] = frozenset(),
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        heard = listened(OURS, ignore)
        if levels not in _OUTPUTS:
            raise ValueError(f"levels is {levels}; give 4 or 8")
        self._headers = subscription(api_key)
        self._url, self._version, self._levels = url.rstrip("/"), version, levels
        self._heard, self._blocklists = heard, tuple(blocklists)
        self._blobs = tuple(f"https://{host.lower()}/" for host in blobs)
        self.categories = frozenset({*heard.values(), *([BLOCKLIST] if self._blocklists else [])})
        self.card = replace(CARD, categories=self.categories)
        self.points: Mapping[str, Mapping[str, float]] | None = {
            name: {category: 1.0 if category == BLOCKLIST else step / WORST for category in self.categories}
            for name, step in STEPS.items()
        }

    def query(self, question: Question) -> Query:
        """The request. Raises NotEvaluated: ``too_large``, ``malformed``."""
        what, asked = "text:analyze", dict[str, Any](categories=list(self._heard), outputType=_OUTPUTS[self._levels])
        if question.image:
            what, asked = "image:analyze", asked | {"image": self._image(question.image), "outputType": _OUTPUTS[4]}
        else:
            asked["text"] = alone(question.texts, LONGEST)
            if self._blocklists:
                asked |= {"blocklistNames": list(self._blocklists), "haltOnBlocklistHit": False}
        return Query(address(self._url, what, self._version), encoded(asked), self._headers)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores``. Raises NotEvaluated: ``status``, ``malformed``, ``empty``, ``unknown_category``."""
        held = decoded(reply)
        if not isinstance(held, dict):
            raise malformed("the reply is no object")
        known = _severities(held.get("categoriesAnalysis"), _FOUR if question.image or self._levels == 4 else _EIGHT)
        scores = {ours: known[name] / WORST for name, ours in self._heard.items() if name in known}
        if self._blocklists and not question.image and "blocklistsMatch" in held:
            scores[BLOCKLIST] = float(_matched(held["blocklistsMatch"]))
        if not scores:
            raise NotEvaluated("empty", "the service judged no category")
        return (Scores(scores, unseen=self.categories - scores.keys()),)

    def _image(self, source: str) -> Mapping[str, str]:
        if source.startswith(self._blobs):
            return {"blobUrl": source}
        head, _, content = source.partition(",")
        if head.lower() not in _FORMATS:
            raise malformed("the image is no data URL of a format that the service reads, nor in a storage it may read")
        if len(content) > (MAX_IMAGE + 2) // 3 * 4:
            raise NotEvaluated("too_large", f"the image has more than {MAX_IMAGE:,} bytes")
        try:
            if base64.b64decode(content, validate=True):
                return {"content": content}
        except (binascii.Error, ValueError):
            pass
        raise malformed("the image is not base64")


def listened(known: Mapping[str, str], ignore: frozenset[str]) -> dict[str, str]:
    """``known`` less what is ignored. Raises ValueError for unknown names, and where nothing is left."""
    unheard = ignored(ignore, known)
    heard = {name: ours for name, ours in known.items() if name not in unheard}
    if not heard:
        raise ValueError("`ignore` leaves nothing to be listened to")
    return heard


def subscription(key: str | None) -> Headers:
    """The headers of a JSON request, with a resource's key where there is one. Raises ValueError for what is no key."""
    *authorization, plain = bearer(key)
    return (*(("ocp-apim-subscription-key", value.removeprefix("Bearer ")) for _, value in authorization), plain)


def address(url: str, what: str, version: str) -> str:
    """Where one operation of a resource is found."""
    return f"{url}/contentsafety/{what}?api-version={version}"


def alone(texts: Sequence[str], longest: int) -> str:
    """The one text of a request. Raises NotEvaluated: ``too_large``, ``malformed``."""
    if len(texts) != 1:
        raise malformed("the service takes one text at a time")
    if len(texts[0]) > longest:
        raise NotEvaluated("too_large", f"the text has more than {longest:,} characters")
    return texts[0]


def _severities(found: Any, allowed: frozenset[int]) -> dict[str, int]:
    if not isinstance(found, list):
        raise malformed("the reply has no list of categories")
    severities: dict[str, int] = {}
    for one in found:
        name = one.get("category") if isinstance(one, dict) else None
        if not isinstance(name, str) or name in severities:
            raise malformed("a category has no name, or stands there twice")
        if name not in OURS:
            raise NotEvaluated("unknown_category", "the service names a category that it is not known to have")
        severity = one.get("severity")
        if severity is None:  # the schema allows it: then the category was not judged
            continue
        if type(severity) is not int or severity not in allowed:
            raise malformed("a severity is none of the steps that were asked for")
        severities[name] = severity
    return severities


def _matched(found: Any) -> bool:
    if not isinstance(found, list) or not all(
        isinstance(one, dict) and isinstance(one.get("blocklistName"), str) for one in found
    ):
        raise malformed("the matches of the blocklists are not of the documented shape")
    return bool(found)
