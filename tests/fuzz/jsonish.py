"""JSON bodies, well formed and not, with the canary planted somewhere or nowhere.

Knows templates (``"~"`` is text, ``"~json"`` JSON in a string) and how readers of JSON differ.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

from .words import CANARY, PHRASES, phrase, sentence, spelled

_SLOT = re.compile(r'"~(json)?"')
_STYLES: tuple[dict[str, Any], ...] = ({}, {"separators": (",", ":")}, {"indent": 2})
_PHRASES = [json.dumps(p) for p in PHRASES] + [json.dumps(p, ensure_ascii=False) for p in PHRASES]
_NESTED = [json.dumps(json.dumps({"city": p, "n": 1})) for p in PHRASES]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Frame:
    """A template compiled: the texts between its slots, and where in the tree things stand."""

    pieces: list[list[str]]  # one a style
    nested: list[bool]
    slots: list[Path]
    leaves: list[Path]
    objects: list[Path]


_frames: dict[int, tuple[Any, Frame]] = {}


def frame(template: Any) -> Frame:
    kept = _frames.get(id(template))
    if kept is None:
        kept = _frames[id(template)] = (template, _compile(template))
    return kept[1]


def _compile(template: Any) -> Frame:
    texts = [json.dumps(template, **style) for style in _STYLES]
    strings = list(_strings(template))
    return Frame(
        [_SLOT.sub("\x00", text).split("\x00") for text in texts],
        [match[1] is not None for match in _SLOT.finditer(texts[0])],
        [path for path, text in strings if text.startswith("~")],
        [path for path, text in strings if not text.startswith("~")],
        list(_objects(template)),
    )


def _strings(tree: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(tree, str):
        yield path, tree
    for key, item in _items(tree):
        yield from _strings(item, (*path, key))


def _objects(tree: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(tree, dict):
        yield path
    for key, item in _items(tree):
        yield from _objects(item, (*path, key))


def _items(tree: Any) -> Any:
    return tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list | tuple) else ()


def clean(rng: Random, template: Any, planted: str | None = None) -> str:
    """The template with harmless texts; ``planted`` stands in one slot, spelled somehow."""
    made = frame(template)
    pieces = made.pieces[0 if (style := rng.random()) < 0.7 else 1 if style < 0.9 else 2]
    at = rng.randrange(len(made.nested)) if planted is not None and made.nested else -1
    out = [pieces[0]]
    for n, nested in enumerate(made.nested):
        if n != at or planted is None:
            source = _NESTED if nested else _PHRASES
            out.append(source[int(rng.random() * len(source))])
        elif nested:
            out.append(json.dumps('{"city": ' + spelled(rng, planted) + "}"))
        else:
            out.append(spelled(rng, planted))
        out.append(pieces[n + 1])
    return "".join(out)


@dataclass
class Draft:
    """A tree that is being spoiled; literals that no serialiser writes are put in at the end."""

    rng: Random
    tree: Any
    made: Frame
    literals: list[str] = field(default_factory=list)

    def literal(self, text: str) -> str:
        self.literals.append(text)
        return f"@@{len(self.literals) - 1}@@"

    def canary(self) -> str:
        return self.literal(spelled(self.rng, sentence(self.rng)))

    def at(self, path: Path) -> Any:
        here = self.tree
        for step in path:
            here = here[step]
        return here

    def put(self, path: Path, value: Any) -> None:
        if path:
            self.at(path[:-1])[path[-1]] = value
        else:
            self.tree = value

    def slot(self) -> Path:
        return self.rng.choice(self.made.slots) if self.made.slots else ()

    def add(self, key: str, value: Any) -> None:
        """A new pair in some object, or a new item where there is none."""
        if self.made.objects:
            self.at(self.rng.choice(self.made.objects))[key] = value
        else:
            self.tree = [self.tree, {key: value}]

    def text(self) -> str:
        out = json.dumps(self.tree, ensure_ascii=self.rng.random() < 0.5, **self.rng.choice(_STYLES))
        for n, literal in enumerate(self.literals):
            out = out.replace(f'"@@{n}@@"', literal)
        return out


def _odd_leaf(d: Draft) -> None:
    d.put(d.rng.choice(d.made.leaves or d.made.slots or [()]), d.canary())


def _key(d: Draft) -> None:
    d.add(d.canary(), d.rng.choice([1, None, True, {}, "x"]))


def _unknown(d: Draft) -> None:
    value = d.rng.choice([d.canary(), [d.canary()], {"note": d.canary()}, [[{"a": [d.canary()]}]]])
    d.add(
        d.rng.choice(["x_note", "extra", "user", "instructions", "data", "url", "id", "type", "signature", "name"]),
        value,
    )


def _type(d: Draft) -> None:
    text = d.canary()
    d.put(
        d.slot(),
        d.rng.choice([[text], {"text": text}, [{"type": "text", "text": text}], {"a": {"b": [text]}}, [[[text]]]]),
    )


def _duplicate(d: Draft) -> None:
    path = d.slot()
    keys = [n for n, step in enumerate(path) if isinstance(step, str)]
    if not keys:
        return _unknown(d)
    path = path[: d.rng.choice(keys) + 1]
    home, key = d.at(path[:-1]), str(path[-1])
    value, bad = home[key], d.canary()
    twin = d.literal(
        spelled(d.rng, key) if d.rng.random() < 0.7 else '"' + "".join(f"\\u{ord(c):04x}" for c in key) + '"'
    )
    first = d.rng.random() < 0.5
    rest = dict(home)
    home.clear()
    home.update(
        {twin: bad, **rest}
        if first
        else {**rest, twin: bad}
        if d.rng.random() < 0.5
        else {**rest, key: bad, twin: value}
    )


def _nested(d: Draft) -> None:
    """JSON in a string, where the API has it so; the canary escaped inside as well."""
    slots = [path for path, nested in zip(d.made.slots, d.made.nested, strict=True) if nested]
    if not slots:
        return _type(d)
    text = sentence(d.rng)
    inner = d.rng.choice([f'{{"a": {spelled(d.rng, text)}}}', f"[[{spelled(d.rng, text)}]]", f'{{{spelled(d.rng, text)}: 1, "b": "x"}}',
                          f'{{"a": {spelled(d.rng, text)}, "a": "x"}}', f'{{"a": NaN, "b": {spelled(d.rng, text)}}}'])  # fmt: skip
    d.put(d.rng.choice(slots), d.literal(spelled(d.rng, inner)))


def _deep(d: Draft) -> None:
    depth = d.rng.choice([3, 20, 60, 90, 99, 101, 150, 400])
    opens, closes = d.rng.choice([("[", "]"), ('{"a":', "}")])
    d.add("deep", d.literal(opens * depth + spelled(d.rng, sentence(d.rng)) + closes * depth))


def _number(d: Draft) -> None:
    d.put(d.slot(), d.canary())
    d.add(
        "temperature",
        d.literal(d.rng.choice(["NaN", "-Infinity", "1e999", "9" * 4301, "-0", "1E400", "18446744073709551616"])),
    )


def _slot(d: Draft) -> None:
    d.put(d.slot(), d.canary())


MUTATIONS: tuple[tuple[int, Callable[[Draft], None]], ...] = (
    (8, _slot), (9, _odd_leaf), (5, _key), (9, _unknown), (7, _type), (7, _duplicate), (6, _nested), (4, _deep), (3, _number),
)  # fmt: skip
_BAG = [mutation for weight, mutation in MUTATIONS for _ in range(weight)]


def spoiled(rng: Random, template: Any) -> tuple[str, str]:
    """A body with the canary planted by one of the mutations, and the mutation's name."""
    mutation = rng.choice(_BAG)
    draft = Draft(rng, json.loads(clean(rng, template)), frame(template))
    mutation(draft)
    return draft.text(), mutation.__name__[1:]


@lru_cache(maxsize=1)
def _garbage() -> tuple[Callable[[Random, str], str], ...]:
    return (
        lambda rng, t: t + rng.choice([" x", "}", "]", ",", "\x00", "\n" + t, t, ' {"a": 1}', "//", ";"]),
        lambda rng, t: rng.choice(["\x0c", "\xa0", "\ufeff", ")]}',\n", "while(1);", "// c\n", "\x00", "x="]) + t,
        lambda rng, t: t[: rng.randrange(len(t) // 2, len(t))],
        lambda rng, t: t.replace("}", ",}", 1) if rng.random() < 0.5 else t.replace("]", ",]", 1),
        lambda rng, t: t.replace('"', "'"),
        lambda rng, t: t.replace(CANARY, CANARY[:3] + rng.choice(["\\", "\\x", "\n", "\x01", "\\u00"]) + CANARY[3:]),
        lambda rng, t: t.replace(":", ": /* c */", 1),
        lambda rng, t: t.replace('": "', '": +"', 1) + " ",
        lambda rng, t: t.replace('"', '"\\ud800', 3),
        lambda rng, t: re.sub(r'"(\w+)":', r"\1:", t),
    )


def mangled(rng: Random, text: str) -> str:
    """The text less its good form, for readers that forgive."""
    return rng.choice(_garbage())(rng, text)


def encoded(rng: Random, text: str) -> tuple[bytes, str]:
    """The text as bytes of some Unicode coding, and the coding's name."""
    how = rng.choice(
        ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "latin-1", "utf-7", "broken", "cp1252")
    )
    if how == "broken":
        raw = bytearray(text.encode("utf-8", "surrogatepass"))
        raw[rng.randrange(len(raw)) : 0] = rng.choice([b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x80"])
        return bytes(raw), "utf-8"
    return text.encode(how, "replace"), how


def plain(rng: Random) -> str:
    return "\n".join(phrase(rng) for _ in range(rng.randrange(1, 4)))
