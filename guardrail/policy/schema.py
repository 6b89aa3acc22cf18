"""Prints the JSON Schema of policy files, for editors.

python -m guardrail.policy.schema > docs/policy.schema.json
"""

from __future__ import annotations

import json

from .spec import json_schema


def text() -> str:
    """The schema as it stands in ``docs/policy.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    print(text(), end="")
