"""Amazon Bedrock Guardrails through ApplyGuardrail: a guardrail that was made in AWS judges a text or an image.

Knows the operation's JSON. Must never return ``outputs`` or a ``match``: they quote the text. A guardrail has only the
policies that somebody gave it, so a content filter that does not report is unseen, not 0.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-independent-api.html (what FULL reports),
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-content-filters-overview.html (confidence, strength),
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-mmfilter.html (images), and
https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-reference.html.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from .bedrock_assessment import Judged, assessed
from .bedrock_names import CONFIDENCE, FILTERS, KNOWN, Names
from .bedrock_signing import Signer
from .card import Card
from .dialect import UNNAMED, Query, Question, Side, bearer, decoded, encoded, malformed

CARD = Card(
    name="bedrock_guardrail",
    title="Amazon Bedrock Guardrails",
    categories=Names().categories(frozenset()),
    source="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html",
    modalities=frozenset({"text", "image"}),
    languages="those of the guardrail's tier",
    longest=5000,
    scores="levels",
    price="by policy and text unit of 1,000 characters",
    verified="document",
    extra="bedrock",
)

MAX_IMAGE = 4 * 1024 * 1024
"""Bytes of an image, at most, as the document has it (4 MB)."""

_FORMATS = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg"}
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z0-9]+)+")
_GUARDRAIL = re.compile(r"[a-z0-9]+|arn:aws(?:-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+")
_VERSION = re.compile(r"[1-9][0-9]{0,7}|DRAFT")


class BedrockGuardrail:
    """A ``Dialect`` of one guardrail.

    ``region``, ``guardrail`` (id or ARN), ``version``: as AWS names them. ``url``: the host, where it is not the
    region's own. ``api_key``: an Amazon Bedrock API key; without one requests are signed with what botocore's chain of
    credentials finds for ``profile``, or with ``credentials``. ``topics``, ``regexes``: the guardrail's denied topics
    and regular expressions, by the names they have there; each is ``custom/`` and its name, and others are
    ``custom/topic`` and ``custom/regex``. ``ignore``: content filters, kinds of personal data, or whole policies
    (``wordPolicy``, say). Raises ValueError, and ImportError where botocore is needed and missing.

    Confidence is the score, in thirds. Rules look at it by the points ``lenient`` (HIGH), ``balanced`` (MEDIUM) and
    ``strict`` (LOW); what the guardrail itself detected has at least MEDIUM, so that ``balanced`` passes nothing that
    the guardrail stops.
    """

    batch = 1
    batch_chars = CARD.longest
    criteria: tuple[str, ...] = ("",)

    def __init__(
        self,
        *,
        region: str,
        guardrail: str,
        version: str = "DRAFT",
        url: str | None = None,
        api_key: str | None = None,
        profile: str | None = None,
        credentials: Any = None,
        topics: Collection[str] = (),
        regexes: Collection[str] = (),
        ignore: frozenset[str] = frozenset(),
    ) -> None:
        if not _REGION.fullmatch(region):
            raise ValueError("region: write one such as us-east-1")
        if not _GUARDRAIL.fullmatch(guardrail) or not _VERSION.fullmatch(version):
            raise ValueError("guardrail: write its id or ARN, and as version a number or DRAFT")
        if unknown := sorted(ignore - KNOWN):
            raise ValueError(f"ignore: no such thing: {', '.join(unknown)}. Known are: {', '.join(sorted(KNOWN))}")
        self._names, self._ignore = Names(tuple(topics), tuple(regexes)), ignore
        self.slow = api_key is None
        self._signer = Signer(region, profile=profile, credentials=credentials) if self.slow else None
        self._headers = bearer(api_key)
        base = (url or f"https://bedrock-runtime.{region}.amazonaws.com").rstrip("/")
        # A colon is left as it is: clients that unquote it on the way (yarl) would break the signature.
        self._url = f"{base}/guardrail/{quote(guardrail, safe=':')}/version/{version}/apply"
        self.model = f"{guardrail}:{version}"
        self.categories = self._names.categories(ignore)
        levels = {"lenient": CONFIDENCE["HIGH"], "balanced": CONFIDENCE["MEDIUM"], "strict": CONFIDENCE["LOW"]}
        self._graded = frozenset(FILTERS.values()) & self.categories
        self.points: Mapping[str, Mapping[str, float]] | None = {
            point: {name: least if name in self._graded else 1.0 for name in self.categories}
            for point, least in levels.items()
        }
        self.card = replace(CARD, categories=self.categories)

    def asked(self, side: Side) -> tuple[str, ...]:
        """See ``OneSided``: one question on either side."""
        return self.criteria

    def judges(self, side: Side) -> frozenset[str]:
        """Prompt attacks are looked for in what users write only."""
        return self.categories - {FILTERS["PROMPT_ATTACK"]} if side == "output" else self.categories

    def query(self, question: Question) -> Query:
        """One text, or one image with the text beside it. May wait for credentials. Raises NotEvaluated: ``blind``,
        ``too_large``, ``malformed``, ``credentials``.
        """
        content: list[dict[str, Any]] = [{"text": {"text": text}} for text in question.texts]
        if question.image:
            content.append({"image": _image(question.image)})
        if len(question.texts) > 1 or not content:
            raise malformed("a guardrail takes one text a request")
        body = encoded({"source": question.side.upper(), "content": content, "outputScope": "FULL"})
        headers = self._headers if self._signer is None else self._signer.headers(self._url, body)
        return Query(self._url, body, headers)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """Raises NotEvaluated: ``status``, ``malformed``, ``unknown_category``, ``empty`` (nothing was assessed),
        ``cut`` or ``blind`` (nothing was found, but not all was looked at).
        """
        held = decoded(reply)
        action = held.get("action") if isinstance(held, dict) else None
        if action not in ("NONE", "GUARDRAIL_INTERVENED") or "assessments" not in held:
            raise malformed("the reply is no answer of a guardrail")
        intervened = action == "GUARDRAIL_INTERVENED"
        judged = assessed(held.get("assessments"), self._names, self._ignore)
        if not judged.any and not intervened:
            raise NotEvaluated("empty", "the guardrail assessed nothing")
        flags = {**judged.flags, UNNAMED: intervened and not judged.detected}
        if not any(flags.values()):
            _all_read(held, image=bool(question.image))
        return [self._scores(judged, flags, image=bool(question.image))]

    def _scores(self, judged: Judged, flags: Mapping[str, bool], *, image: bool) -> Scores:
        filters = self._graded
        expected = filters | self._names.expected(self._ignore)
        unseen = {name for name in expected if name not in judged.scores}
        if image:
            # The other policies read the text beside the image only.
            unseen |= self.categories - filters - {UNNAMED}
        scores = {**judged.scores, UNNAMED: 1.0 if flags[UNNAMED] else 0.0}
        return Scores(scores, flags, frozenset(unseen), self.model)


def _image(source: str) -> dict[str, Any]:
    """An image block. Raises NotEvaluated for what is no data URL of a PNG or JPEG of at most ``MAX_IMAGE`` bytes."""
    head, _, data = source.partition(",")
    media, *rest = head[5:].lower().split(";")
    if head[:5].lower() != "data:" or media.strip() not in _FORMATS:
        raise NotEvaluated("blind", "a guardrail sees PNG and JPEG images that are sent along, and no links")
    if len(data) > MAX_IMAGE * 4 // 3 + 4:
        raise NotEvaluated("too_large", f"the image has more than {MAX_IMAGE:,} bytes")
    try:
        whole = bool(base64.b64decode(data, validate=True)) and "base64" in rest
    except (binascii.Error, ValueError):
        whole = False
    if not whole:
        raise malformed("the image is not base64")
    return {"format": _FORMATS[media.strip()], "source": {"bytes": data}}


def _all_read(held: Mapping[str, Any], *, image: bool) -> None:
    """Raises NotEvaluated where the guardrail itself says that it did not look at everything."""
    if image:
        guarded, _ = _coverage(held, "images")
        usage = held.get("usage")
        units = usage.get("contentPolicyImageUnits") if isinstance(usage, dict) else None
        if not guarded and not (type(units) is int and units > 0):
            raise NotEvaluated("blind", "the guardrail does not say that it looked at the image")
    guarded, total = _coverage(held, "textCharacters")
    if guarded < total:
        raise NotEvaluated("cut", "the guardrail did not read the whole text")


def _coverage(held: Mapping[str, Any], what: str) -> tuple[int, int]:
    """How much was guarded, and of how much; 0 of 0 where it is not told."""
    coverage = held.get("guardrailCoverage")
    told = coverage.get(what) if isinstance(coverage, dict) else None
    if told is None:
        return 0, 0
    guarded, total = (told.get("guarded"), told.get("total")) if isinstance(told, dict) else (None, None)
    if type(guarded) is not int or type(total) is not int:
        raise malformed("the coverage is no two numbers")
    return guarded, total
