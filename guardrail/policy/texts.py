"""What a refused caller reads: by template and language, with a few slots filled in literally.

The texts that ship are in ``texts.toml``. A text is never a program: a slot is one of three names in
braces, and everything else stays as it is written. It must never know why something was refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files

FALLBACK = "en"
_SLOT = re.compile(r"\{(id|resource|retry_after)\}")
_RANGE = re.compile(
    r"\s*(?P<tag>\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*"
    r"(?:;\s*[qQ]=(?P<q>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?"
)
_LONGEST_HEADER = 1000


@cache
def _data() -> Mapping[str, Mapping[str, str]]:
    text = (files(__package__) / "texts.toml").read_text(encoding="utf-8")
    data: dict[str, dict[str, str]] = tomllib.loads(text)
    return data


def shipped() -> dict[str, Mapping[str, str]]:
    """The texts that ship: template to language to text."""
    return {name: texts for name, texts in _data().items() if name != "resource"}


def lookup(tag: str, available: Collection[str]) -> str | None:
    """The longest available tag that is ``tag`` or its beginning (RFC 4647, section 3.4)."""
    by_name = {name.lower(): name for name in available}
    parts = tag.lower().split("-")
    while parts:
        found = by_name.get("-".join(parts))
        if found is not None:
            return found
        parts.pop()
        if parts and len(parts[-1]) == 1:  # a lone letter introduces what was just cut off
            parts.pop()
    return None


def choose_language(accept_language: str | None, wanted: str, available: Collection[str]) -> str:
    """The available language a caller likes best (RFC 9110, section 12.5.4).

    Where the header names none that there is: ``wanted``, then English, then whatever there is.
    What cannot be read in the header is passed over.
    """
    liked: list[tuple[float, str]] = []
    for item in (accept_language or "")[:_LONGEST_HEADER].split(","):
        match = _RANGE.fullmatch(item)
        if match is not None and match["tag"] != "*":
            liked.append((float(match["q"] or 1), match["tag"]))
    unwanted = {tag.lower() for q, tag in liked if q == 0}
    for q, tag in sorted(liked, key=lambda pair: -pair[0]):
        found = lookup(tag, available) if q > 0 else None
        if found is not None and found.lower() not in unwanted:
            return found
    fallback = lookup(wanted, available) or lookup(FALLBACK, available)
    return fallback or next(iter(available), FALLBACK)


class Texts:
    """The texts of one policy: its own over those that ship."""

    def __init__(
        self,
        own: Mapping[str, Mapping[str, str]] | None = None,
        language: str = FALLBACK,
        crisis_resource: str | None = None,
    ) -> None:
        self.language = language
        self._resource = crisis_resource
        self._texts = {name: dict(texts) for name, texts in shipped().items()}
        for name, texts in (own or {}).items():
            kept = self._texts.setdefault(name, {})
            kept.update({tag.lower(): text for tag, text in texts.items()})

    def languages(self, template: str = "default") -> tuple[str, ...]:
        """The languages a template exists in."""
        return tuple(self._texts.get(template, self._texts["default"]))

    def render(
        self,
        template: str,
        language: str | None = None,
        *,
        id: str | None = None,
        retry_after: int | None = None,
        resource: str | None = None,
    ) -> str:
        """A text with its slots filled.

        A template that does not exist is ``default``; a language it lacks is the policy's, then
        English. A line with a slot that has no value is left out. ``retry_after`` is in seconds.
        """
        texts = self._texts.get(template) or self._texts["default"]
        tag = self._tag(language, texts)
        values = {
            "id": id,
            "retry_after": None if retry_after is None else str(retry_after),
            "resource": resource or self._resource or _data()["resource"].get(tag) or _data()["resource"][FALLBACK],
        }
        lines = [line for line in texts[tag].split("\n") if all(values[name] for name in _SLOT.findall(line))]
        kept = "\n".join(lines) if lines else texts[tag]
        return _SLOT.sub(lambda slot: values[slot[1]] or "", kept).strip()

    def _tag(self, language: str | None, texts: Mapping[str, str]) -> str:
        for wanted in (language, self.language, FALLBACK):
            found = lookup(wanted, texts) if wanted else None
            if found is not None:
                return found
        return next(iter(texts))
