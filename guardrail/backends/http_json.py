"""Any service that takes JSON and answers JSON: a template of its request, and paths into its reply.

Knows what the policy tells of the service. Must never guess at what it does not tell: a path that leads to
nothing is a broken reply, a label nobody mapped is an unknown category, and neither is a clean text.

Source: there is no service to cite; the paths are spelled as in ``guardrail/policy/fields.py`` (``Pointer``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..checks.protocol import Scores
from ..errors import NotEvaluated
from ..flow import Reply
from ..http import Headers
from .card import Card
from .custom import category
from .dialect import Query, Question, bearer, decoded, encoded, malformed, score
from .json_path import JsonPath, Missing
from .json_template import JsonTemplate

CARD = Card(
    name="http_json",
    title="Any JSON service",
    categories=frozenset(),
    source="https://www.rfc-editor.org/rfc/rfc8259",
    scores="raw",
    verified="unverified",
)

LENIENT, BALANCED, STRICT = 0.8, 0.5, 0.3

_METHODS = frozenset({"POST", "PUT", "PATCH"})
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class _Labels:
    path: JsonPath
    means: Mapping[str, str]
    ignore: frozenset[str]

    def categories(self, values: Sequence[Any]) -> set[str]:
        """Of labels, or lists of them. Raises NotEvaluated."""
        found = set()
        for label in [one for value in values for one in (value if isinstance(value, list) else [value])]:
            if not isinstance(label, str):
                raise malformed("a label is no string")
            if label in self.ignore:
                continue
            if label not in self.means:
                raise NotEvaluated("unknown_category", "the service gave a label that is mapped to no category")
            found.add(self.means[label])
        return found


class HttpJson:
    """A ``Dialect`` that the policy describes.

    ``url``: the whole address that is asked. ``body``: JSON in which ``{text}`` and ``{side}`` (``input`` or
    ``output``) are replaced, as a whole string or inside of one, and the string ``{texts}`` by a list of texts.
    ``scores``, ``flags``: category to the path of its number (0 to ``most``) or boolean; with ``{texts}`` each path
    has one ``[*]``, one element a text. ``labels``: the path of a list of labels, ``means`` what they mean, and
    ``ignore`` those that mean nothing (``safe``, say). Raises ValueError for what does not fit together.
    """

    slow = False
    model = ""
    criteria: tuple[str, ...] = ("",)
    batch_chars = 100_000

    def __init__(
        self,
        *,
        url: str,
        body: Any,
        api_key: str | None = None,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        scores: Mapping[str, str] | None = None,
        flags: Mapping[str, str] | None = None,
        labels: str | None = None,
        means: Mapping[str, str] | None = None,
        ignore: frozenset[str] = frozenset(),
        most: float = 1.0,
        batch: int = 32,
        longest: int = CARD.longest,
    ) -> None:
        if method not in _METHODS:
            raise ValueError(f"method: a text is sent by {', '.join(sorted(_METHODS))}")
        if not (most > 0 and math.isfinite(most)):
            raise ValueError("most: the highest score is a number above 0")
        self._template = JsonTemplate.parse(body)
        self._several = self._template.several
        self.batch = batch if self._several else 1
        self._url, self._method, self._most = url, method, most
        self._headers = _headers(headers or {}, api_key)
        self._scores = {category(name): self._path(path, 1) for name, path in (scores or {}).items()}
        self._flags = {category(name): self._path(path, 1) for name, path in (flags or {}).items()}
        self._labels = None if labels is None else _Labels(self._path(labels, 2), dict(means or {}), ignore)
        if (labels is None) != (not means) or (ignore and labels is None):
            raise ValueError("labels: a path, and `means` to say what the labels mean, go together")
        if clash := sorted(ignore & set(means or {})):
            raise ValueError(f"ignore: {', '.join(clash)} has a meaning, and so is listened to")
        decided = {*self._flags, *(category(name) for name in (means or {}).values())}
        self.categories = frozenset({*self._scores, *decided})
        if not self.categories:
            raise ValueError("name a category in scores, flags or means")
        self._decided = frozenset(decided)
        self.points: Mapping[str, Mapping[str, float]] | None = None
        if set(self._scores) - decided:
            steps = {"lenient": LENIENT, "balanced": BALANCED, "strict": STRICT}
            self.points = {point: dict.fromkeys(self.categories, step) for point, step in steps.items()}
        self.card = replace(CARD, categories=self.categories, longest=longest)
        if not self._scores:
            self.card = replace(self.card, scores="flags")

    def _path(self, text: str, most: int) -> JsonPath:
        path = JsonPath.parse(text)
        if path.stars > most or (self._several and not path.stars):
            raise ValueError("a path has one [*], one element a text, where {texts} go together; else at most one")
        return path

    def query(self, question: Question) -> Query:
        """The template with its holes filled. A text stays inside of its JSON string, whatever it holds."""
        if question.image:
            raise NotEvaluated("blind", "this service is sent text only")
        texts = list(question.texts)
        if not self._several and len(texts) != 1:
            raise malformed("this service takes one text a request")
        return Query(self._url, encoded(self._template.filled(texts, question.side)), self._headers, self._method)

    def read(self, question: Question, reply: Reply) -> Sequence[Scores]:
        """One ``Scores`` a text. Raises NotEvaluated: ``status``, ``malformed``, ``empty``, ``unknown_category``."""
        held = decoded(reply, 200, 201)
        count = len(question.texts)
        scores = {name: self._one(path, held, count, self._number) for name, path in self._scores.items()}
        flags = {name: self._one(path, held, count, _boolean) for name, path in self._flags.items()}
        labelled = self._labelled(held, count)
        return [
            self._judged(
                {name: values[n] for name, values in scores.items()},
                {name: values[n] for name, values in flags.items()},
                labelled[n],
            )
            for n in range(count)
        ]

    def _judged(self, scores: dict[str, float], flags: dict[str, bool], labelled: set[str]) -> Scores:
        decided = {name: flags.get(name, False) or name in labelled for name in self._decided}
        if self.points is not None:
            # A rule looks at scores here, so what the service itself decided must reach the point `balanced`.
            for name, flag in decided.items():
                least = BALANCED if name in scores else 1.0
                scores[name] = max(scores.get(name, 0.0), least if flag else 0.0)
        return Scores(scores, decided or None)

    def _labelled(self, held: Any, count: int) -> list[set[str]]:
        if self._labels is None:
            return [set()] * count
        path = self._labels.path
        if self._several:
            return [self._labels.categories(found) for found in _counted(_lists(path, held), count)]
        return [self._labels.categories([label for found in _lists(path, held) for label in found])]

    def _one(self, path: JsonPath, held: Any, count: int, read: Callable[[Any], Any]) -> list[Any]:
        return [read(found[0]) for found in _counted(_lists(path, held), count)]

    def _number(self, value: Any) -> float:
        return score(value, self._most)


def _lists(path: JsonPath, held: Any) -> list[list[Any]]:
    try:
        return path.each(held)
    except Missing:
        pass
    raise malformed("the reply lacks what a path leads to")


def _counted(found: list[list[Any]], count: int) -> list[list[Any]]:
    if not found:
        raise NotEvaluated("empty", "the reply has no result")
    if len(found) != count:
        raise malformed(f"{len(found)} results for {count} texts")
    return found


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise malformed("a flag is no boolean")
    return value


def _headers(given: Mapping[str, str], api_key: str | None) -> Headers:
    held = {name.lower(): value.strip() for name, value in given.items()}
    for name, value in held.items():
        if name in _OURS or not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"headers: {name!r} cannot be set")
        if not value or not value.isascii() or not value.isprintable():
            raise ValueError(f"headers: the value of {name} is empty or has characters that no header has")
    if api_key is not None and "authorization" in held:
        raise ValueError("headers: give either api_key or authorization")
    return tuple({**dict(bearer(api_key)), **held}.items())
