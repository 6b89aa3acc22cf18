"""The scanner for credentials: provider keys by their published shapes, private keys, web tokens.

Shapes only, no guessing by entropy, so that hashes, identifiers and encoded images are left
alone. Knows the providers' prefixes; the long forms have files of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..verdict import Finding, Kind
from . import jwt, pem
from .protocol import EVERYTHING
from .runs import LETTERS, NOT_AFTER, NOT_BEFORE, AnyOf, leftmost, trailing

_ALNUM, _TOKEN, _HEX, _UPPER = "A-Za-z0-9", r"A-Za-z0-9_\-", "0-9a-f", "A-Z0-9"


@dataclass(frozen=True, slots=True)
class _Shape:
    """A key: one of some literal prefixes, then between ``least`` and ``most`` characters of a set."""

    kind: str
    prefixes: tuple[str, ...]
    characters: str
    least: int
    most: int
    form: str = ""  # what the characters after the prefix must also match in full


def _shape(kind: str, prefixes: str, characters: str, least: int, most: int, form: str = "") -> _Shape:
    return _Shape(kind, tuple(prefixes.split()), characters, least, most, form)


# Prefixes and lengths as the providers publish them (token format notes, secret scanning partner lists).
_SHAPES = (
    _shape("anthropic", "sk-ant-", _TOKEN, 24, 200),
    _shape("openai", "sk-proj- sk-svcacct- sk-admin- sk-None-", _TOKEN, 24, 200),
    _shape("openrouter", "sk-or-v1-", _HEX, 64, 64),
    _shape("openai", "sk-", _ALNUM, 32, 64),
    _shape("aws", "AKIA ASIA ABIA ACCA", _UPPER, 16, 16, r"(?!.*EXAMPLE).*"),
    _shape("google", "AIza", _TOKEN, 35, 35),
    _shape("google", "GOCSPX-", _TOKEN, 28, 28),
    _shape("google", "ya29.", _TOKEN, 30, 400),
    _shape("github", "ghp_ gho_ ghu_ ghs_ ghr_", _ALNUM, 36, 251),
    _shape("github", "github_pat_", _ALNUM + "_", 22, 244),
    _shape("gitlab", "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glagent-", _TOKEN, 20, 128),
    _shape("slack", "xoxa- xoxb- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-", _ALNUM + r"\-", 20, 250, r"(?=.*[0-9]).*"),
    _shape("slack", "hooks.slack.com/services/", _ALNUM + "/", 40, 52, r"T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,}"),
    _shape("stripe", "sk_live_ rk_live_", _ALNUM, 16, 247),
    _shape("stripe", "whsec_", _ALNUM, 32, 64),
    _shape("huggingface", "hf_", _ALNUM, 34, 40),
    _shape("npm", "npm_", _ALNUM, 36, 36),
    _shape("pypi", "pypi-AgEIcHlwaS5vcmc", _TOKEN, 50, 400),
    _shape("sendgrid", "SG.", _TOKEN + ".", 66, 66, r"[\w\-]{22}\.[\w\-]{43}"),
    _shape("twilio", "SK", _HEX, 32, 32),
    _shape("mailgun", "key-", _HEX, 32, 32),
    _shape("digitalocean", "dop_v1_ doo_v1_ dor_v1_", _HEX, 64, 64),
    _shape("shopify", "shpat_ shpca_ shppa_ shpss_", "0-9a-fA-F", 32, 32),
    _shape("databricks", "dapi", _HEX, 32, 32),
    _shape("groq", "gsk_", _ALNUM, 40, 60),
    _shape("xai", "xai-", _ALNUM, 70, 90),
    _shape("perplexity", "pplx-", _ALNUM, 40, 60),
    _shape("replicate", "r8_", _ALNUM, 37, 40),
    _shape("linear", "lin_api_", _ALNUM, 40, 40),
    _shape("newrelic", "NRAK-", _UPPER, 27, 27),
    _shape("vault", "hvs.", _TOKEN, 80, 200),
    _shape("age", "AGE-SECRET-KEY-1", _UPPER, 58, 58),
)

_LONGEST = max(len(prefix) + shape.most for shape in _SHAPES for prefix in shape.prefixes) + 1
_TELEGRAM = re.compile(rf"{NOT_AFTER}[0-9]{{8,10}}:AA[{_TOKEN}]{{33}}(?![{_TOKEN}]){NOT_BEFORE}")
_TELEGRAM_OPEN = rf"[0-9]{{1,10}}+(?:\Z|:(?:\Z|A(?:\Z|A[{_TOKEN}]{{0,33}}+\Z)))"


def _begun(prefix: str, rest: str) -> str:
    """A pattern for what may become ``prefix`` and then ``rest``, at the end of a text."""
    pattern = rf"{rest}\Z"
    for character in reversed(prefix[1:]):
        pattern = rf"(?:\Z|{re.escape(character)}{pattern})"
    return re.escape(prefix[0]) + pattern


_live = re.compile(
    f"{NOT_AFTER}(?:"
    + "|".join(
        [_begun(prefix, f"[{shape.characters}]{{0,{shape.most}}}+") for shape in _SHAPES for prefix in shape.prefixes]
        + [_TELEGRAM_OPEN, _begun("eyJ", "")]
    )
    + ")"
)
_run = re.compile(r"[A-Za-z0-9_.:/\-]++")
_RUN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/-")
_all = (*(prefix for shape in _SHAPES for prefix in shape.prefixes), "eyJ")
_begins = frozenset(prefix[:size] for prefix in _all for size in range(1, len(prefix) + 1))
_lettered = tuple(prefix for prefix in _all if prefix.isalpha())
_heads = frozenset(prefix[:size] for shape in _SHAPES for prefix in (*shape.prefixes, "eyJ") for size in (1, 2))


class _Finder:
    """One shape made ready: its trigger for RE2, and every place where it matches."""

    def __init__(self, shape: _Shape) -> None:
        prefixes = "|".join(re.escape(prefix) for prefix in shape.prefixes)
        self.category = f"secret/{shape.kind}"
        self.trigger = rf"\b(?:{prefixes})[{shape.characters}]{{4}}"
        self._prefixes = shape.prefixes
        self._form = re.compile(shape.form) if shape.form else None
        more = shape.characters.replace(".", "")  # a full stop may end the sentence
        self._body = re.compile(rf"([{shape.characters}]{{{shape.least},{shape.most}}}+)(?![{more}]){NOT_BEFORE}")

    def find(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        for prefix in self._prefixes:
            at = text.find(prefix, start)
            while at >= 0:
                body = self._body.match(text, at + len(prefix))
                if body and self._real(body.group(1)) and not (at and _word.match(text, at - 1)):
                    yield at, body.end()
                at = text.find(prefix, at + 1)

    def _real(self, body: str) -> bool:
        """Whether it has the form, and is not one character repeated, as in documentation."""
        return len(set(body) - set("-_./")) > 1 and (self._form is None or self._form.fullmatch(body) is not None)


_word = re.compile(f"[{LETTERS}]")


def _find_telegram(text: str, start: int) -> Iterator[tuple[int, int]]:
    return (found.span() for found in _TELEGRAM.finditer(text, start))


_finders = [_Finder(shape) for shape in _SHAPES]
_FIND = (*(finder.find for finder in _finders), _find_telegram, jwt.find, pem.find)
_RANKED = (*(finder.category for finder in _finders), "secret/telegram", "secret/jwt", "secret/private_key")
_TRIGGERS = (*(finder.trigger for finder in _finders), "[0-9]{8}:AA", *jwt.TRIGGERS, *pem.TRIGGERS)


class Secrets:
    """Finds provider keys, PEM private keys and JSON web tokens; categories are ``secret/<kind>``."""

    inline = 8_192

    def __init__(self, name: str, *, reads: frozenset[Kind] = EVERYTHING) -> None:
        self.name, self.reads = name, reads
        self.categories = frozenset(_RANKED)
        self.reach: int | None = max(pem.REACH, jwt.REACH, _LONGEST)
        self.triggers: tuple[str, ...] | None = _TRIGGERS
        self._quick = AnyOf(_TRIGGERS)

    def scan(self, text: str, start: int = 0) -> Sequence[Finding]:
        hits = self._quick(text)
        if not hits:
            return ()
        found = [(begin, rank, end) for rank in hits for begin, end in _FIND[rank](text, start)]
        return leftmost(found, _RANKED, self.name) if found else ()

    def tail(self, text: str) -> int:
        held = pem.tail(text) if "-" in text else 0
        if text[-1:] not in _RUN:
            return held
        last = text[text.rfind(" ") + 1 :]
        if last.isalpha() and last.isascii() and last not in _begins and not last.startswith(_lettered):
            return held  # what most text ends in: a word that begins no key
        run = trailing(_run, text, _LONGEST)
        if not run:
            return held
        size = len(text)
        word = text[size - run :]
        if word[:2] not in _heads and word.isalpha():
            return held
        live = _live.search(text, size - run)
        return max(held, jwt.tail(text), size - live.start() if live else 0)
