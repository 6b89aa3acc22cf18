"""A policy made to stand alone: what it takes from its parents written into it, its own comments kept.

Knows how a policy extends another. Must never know what a rule says.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from ..errors import PolicyError, Problem
from ..policy import merge, sources, spec
from ..policy.audit import produced
from ..policy.backends import backends_of
from ..policy.load import load
from ..policy.taxonomy import categories_of

_ADDED = ("rules", "limits", "custom")


def standing_alone(source: str | Path, env: Mapping[str, str] = os.environ) -> str:
    """The text of a policy without ``extends``. One that extends nothing is given as it is.

    A shipped policy gets a name of its own. Rules that are inherited could only be tightened by others beside
    them, never changed, so they have to be in the file. Raises PolicyError.
    """
    problems: list[Problem] = []
    chain = sources.chain(source, env, problems)
    if problems:
        raise PolicyError(problems)
    text = sources.text_of(sources.find(source), sources.MAX_BYTES)
    if len(chain) == 1:
        named = f"name: {source}\n"
        return text.replace(named, f"name: {source}-tuned\n", 1) if source in sources.shipped() else text
    merged: Any = merge.merged(chain, problems).plain()
    if problems:
        raise PolicyError(problems)
    own_rules = chain[0].entries["rules"].items if "rules" in chain[0].entries else ()
    inherited = len(merged.get("rules", ())) - len(own_rules)
    merged["rules"] = [
        *_findable(merged.get("rules", ())[:inherited], load(source, env=env).spec),
        *merged.get("rules", ())[inherited:],
    ]
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    own = yaml.load(text)
    _fill(own, {key: value for key, value in merged.items() if key != "extends"}, top=True)
    out = io.StringIO()
    yaml.dump(own, out)
    return out.getvalue()


def _findable(rules: Sequence[Mapping[str, Any]], policy: spec.Policy) -> Iterator[Mapping[str, Any]]:
    """Inherited rules, less what no check of this policy can find: a mistake in rules of one's own."""
    backends = backends_of(policy, lambda _name, _error: None)
    found = set[str]()
    for name in {*policy.input, *policy.output}:
        own = produced(policy.checks[name])
        found |= own if own is not None else backends[name].categories if name in backends else set()

    def finds(when: str) -> bool:
        return bool(categories_of(when, found)) or (when.startswith("secret/") and "secret" in found)

    for rule in rules:
        named = [rule["when"]] if isinstance(rule["when"], str) else rule["when"]
        if kept := [when for when in named if finds(when)]:
            yield {**rule, "when": kept if len(kept) > 1 else kept[0]}


def _fill(own: CommentedMap, merged: Mapping[str, Any], *, top: bool = False) -> None:
    """What of ``merged`` is not in ``own`` is put there, and what is in ``own`` alone is taken away."""
    for key in [key for key in own if key not in merged]:
        del own[key]
    for key, value in merged.items():
        if key not in own:
            if top and key == "name":
                continue  # a parent's name is its own
            own[key] = _styled(value, flow=not (top and key in ("checks", *_ADDED)))
        elif isinstance(own[key], CommentedMap) and isinstance(value, Mapping):
            _fill(own[key], value)
        elif top and key in _ADDED and isinstance(own[key], CommentedSeq):
            for at, item in enumerate(value[: len(value) - len(own[key])]):
                own[key].insert(at, _styled(item))
        elif top and key in ("input", "output"):
            own[key] = _styled(value)


def _styled(value: Any, *, flow: bool = True) -> Any:
    """The value as ruamel writes it: on one line, or an entry a line with each entry on one."""
    if isinstance(value, Mapping):
        made: Any = CommentedMap({key: _styled(item) for key, item in value.items()})
    elif isinstance(value, list):
        made = CommentedSeq([_styled(item) for item in value])
    else:
        return value
    if flow:
        made.fa.set_flow_style()
    else:
        made.fa.set_block_style()
    return made
