"""Thresholds put into the text of a policy, each beside its evidence; everything else stays as it was written.

Knows how rules are written, and edits their lines only. Must never know where a threshold came from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML, MappingNode, SequenceNode

from ..errors import GuardrailError
from ..policy.taxonomy import HARM, categories_of
from ..policy.tree import read as read_tree
from .tuning import Choice

MARK = "# tuned:"
"""Begins every comment that is written here, so that the next run can take it away again."""

_PLAIN = re.compile(r"[a-z][a-z0-9_]*(?:[/-][a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class _Written:
    """A rule in the file: its keys, and the lines it takes (from 0; the last not included)."""

    keys: Mapping[str, Any]
    first: int
    last: int
    indent: str
    beside: tuple[str, ...]  # comments in its lines

    @property
    def rest(self) -> bool:
        """Whether it is what an earlier run left of a rule for ``harm``."""
        return self.when() == [HARM] and self.keys.get("at_least") == 1.0

    @property
    def others(self) -> dict[str, Any]:
        """What it says but for the categories and their bar."""
        return {key: value for key, value in self.keys.items() if key not in ("when", "point", "at_least")}

    def says_no_more_than(self, other: _Written, category: str) -> bool:
        """Whether another rule says the same of this category from as low a score on."""
        mine, its = self.keys.get("at_least"), other.keys.get("at_least")
        if category not in other.when() or self.others != other.others or mine is None or its is None:
            return False
        return bool(its <= mine)

    def when(self) -> list[str]:
        named = self.keys.get("when")
        return [named] if isinstance(named, str) else [str(name) for name in named or ()]


def with_thresholds(
    text: str, choices: Sequence[Choice], *, about: Sequence[str], models: Collection[str], action: str = "refuse"
) -> str:
    """The policy's text with a rule for each chosen category in place of those that refused it before.

    ``models``: the categories that the policy's models can find. ``about``: comment lines on the whole. A rule that
    also speaks of other categories stays for those. Raises GuardrailError where the rules are written in a way
    that cannot be edited.
    """
    text = _unmarked(text)
    chosen = {choice.category: choice for choice in choices if choice.threshold is not None}
    touched: list[tuple[_Written, set[str]]] = []
    rules = _rules(text)
    for rule in rules:
        covered = categories_of(rule.when(), models) if rule.keys.get("do") == action and not rule.rest else set()
        if covered & set(chosen):
            touched.append((rule, covered))
    lines = text.split("\n")
    inside = {at for rule, _ in touched for at in range(rule.first, rule.last)}
    said = {line for at, line in enumerate(lines) if at not in inside}
    stands = [rule for rule in rules if not any(rule is other for other, _ in touched)]
    done: set[str] = set()
    edits: list[tuple[_Written, list[str]]] = []
    for rule, covered in touched:
        fresh = [chosen[name] for name in sorted(covered & set(chosen) - done)]
        edits.append((rule, list(_split(rule, fresh, covered, set(chosen), () if edits else about, said, stands))))
        done |= covered & set(chosen)
    if missing := sorted(set(chosen) - done):
        raise GuardrailError(f"no rule of this policy has do: {action} for {', '.join(missing)}")
    for rule, new in reversed(edits):
        lines[rule.first : rule.last] = new
    return "\n".join(lines)


def _split(
    rule: _Written,
    chosen: Sequence[Choice],
    covered: set[str],
    tuned: set[str],
    about: Sequence[str],
    said: set[str],
    stands: Sequence[_Written],
) -> Iterator[str]:
    """The lines that stand in place of a rule. ``said``: lines that need not be said again; added to.

    ``stands``: the rules that are left as they are.
    """
    pad = rule.indent
    yield from (f"{pad}{comment}" for comment in rule.beside)
    yield from (f"{pad}{MARK} {line}" for line in about)
    rest = rule.others
    for choice in chosen:
        yield from (f"{pad}{MARK} {line}" for line in evidence(choice))
        yield f"{pad}- {_flow({'when': choice.category, 'at_least': choice.threshold, **rest})}"
    left = [name for when in rule.when() for name in _left(when, covered, tuned)]
    left = [name for name in left if not any(rule.says_no_more_than(other, name) for other in stands)]
    if left and (line := f"{pad}- {_flow({**rule.keys, 'when': list(dict.fromkeys(left))})}") not in said:
        said.add(line)
        yield line
    if HARM in rule.when() and (line := f"{pad}- {_flow({'when': HARM, 'at_least': 1.0, **rest})}") not in said:
        said.add(line)
        yield f"{pad}# What else a service may call harm, where it is certain: a lower bar would hold above too."
        yield line


def _left(when: str, covered: set[str], tuned: set[str]) -> list[str]:
    """What stays of a name in ``when`` once the tuned categories have rules of their own."""
    below = sorted(categories_of(when, covered))
    if when != HARM and when not in tuned and not (set(below) & tuned):
        return [when]
    return [name for name in below if name not in tuned]


def evidence(choice: Choice) -> list[str]:
    """What a person needs to believe a threshold: rows, recall, false-positive rate, precision, with intervals."""
    counts = choice.counts
    if counts is None:
        return []
    recall, fpr, precision = counts.recall, counts.fpr, counts.precision
    shown = [
        f"{name} {figure.value:.{digits}f} [{figure.low:.{digits}f}, {figure.high:.{digits}f}]"
        for name, figure, digits in (("recall", recall, 3), ("FPR", fpr, 4), ("precision", precision, 3))
        if figure.value == figure.value
    ]
    lines = [f"{choice.category}: n {choice.rows}, positive {choice.positives}; {', '.join(shown)}"]
    return [*lines, f"  {choice.note}"] if choice.note else lines


def _unmarked(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(MARK))


def _rules(text: str) -> list[_Written]:
    root = YAML().compose(text)
    tree = read_tree(text, "policy")
    assert tree is not None
    if not isinstance(root, MappingNode):
        return []
    node = next((value for key, value in root.value if key.value == "rules"), None)
    if not isinstance(node, SequenceNode) or not node.value:
        return []
    if node.flow_style:
        raise GuardrailError("the rules stand in brackets: write each on a line of its own that begins with a dash")
    return [_written(text.split("\n"), item, tree.at(["rules", n]).plain()) for n, item in enumerate(node.value)]


def _written(lines: Sequence[str], item: Any, keys: Any) -> _Written:
    first, last = item.start_mark.line, item.end_mark.line + (1 if item.flow_style else 0)
    before = lines[first][: item.start_mark.column]
    if before.strip() != "-" or not isinstance(keys, dict):
        raise GuardrailError(
            f"line {first + 1} of the policy: begin each rule with a dash, on the line of its first key"
        )
    while last > first + 1 and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
        last -= 1
    beside: tuple[str, ...]
    if item.flow_style:
        after = lines[last - 1][item.end_mark.column :].strip()
        beside = (after,) if after.startswith("#") else ()
    else:
        last = max(last, first + 1)
        beside = tuple(line.strip() for line in lines[first + 1 : last] if line.lstrip().startswith("#"))
    return _Written(keys, first, last, before[: before.index("-")], beside)


def _flow(keys: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {_value(value)}" for key, value in keys.items()) + "}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return _value(value[0]) if len(value) == 1 else f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").removesuffix(".") if value < 1 else "1.0"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value not in ("true", "false", "null"):
        return value
    return json.dumps(value, ensure_ascii=False)
