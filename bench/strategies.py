"""The policies by which streams are judged in different ways: what looks at them, and when.

Each is laid over the bench's exact policy, in one folder with it. JSON, for that is YAML too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from .service import PATH

Strategy = Literal["window", "buffer", "after"]
Kind = Literal["exact", "local", "remote"]
KINDS: Mapping[Kind, str] = {"exact": "exact", "local": "exact and local", "remote": "exact and remote"}
STRATEGIES: tuple[Strategy, ...] = ("window", "buffer", "after")
_EXACT = ("words", "personal", "secrets", "urls")
FAR = "far"


def remote(url: str, key: str) -> dict[str, Any]:
    """A check that asks the service. Where it gets no answer the text passes, for that is counted and told."""
    return {"use": "openai", "url": url + PATH, "api_key": key, "on_error": "allow"}


def strategy(kind: Kind, word: Strategy, service: str = "", do: str = "flag") -> dict[str, Any]:
    """The strategy is that of the last check named: a model judges beside exact checks that keep to a window.

    Models read the answer only, so that what is added is the stream's own. The service knows each strategy
    by its key.
    """
    if kind == "exact":
        return {"checks": {name: {"stream": word} for name in _EXACT}}
    check = {"use": "local"} if kind == "local" else remote(service, word)
    return {
        "checks": {FAR: {**check, "stream": word}},
        "output": [FAR],
        "rules": [{"when": "harm", "do": do}],
    }


def overlapping(word: str, service: str) -> dict[str, Any]:
    """A remote check of the request, before the model is asked or meanwhile."""
    return {
        "checks": {FAR: remote(service, word)},
        "input": [FAR],
        "rules": [{"when": "harm", "do": "refuse"}],
        "overlap": word,
    }


def written(folder: Path, name: str, policy: Mapping[str, Any]) -> Path:
    """The policy as a file beside the bench's own."""
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps({"guardrail": 1, "name": name, "extends": "exact.yaml", **policy}), encoding="utf-8")
    return path
