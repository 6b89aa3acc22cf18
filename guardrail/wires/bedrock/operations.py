"""All operations of Bedrock's runtime."""

from __future__ import annotations

from ..operation import Operation
from .converse import APPLY, ASYNC, COUNT, Converse, Plain
from .invoke import Invoke


def operations() -> tuple[Operation, ...]:
    """One of each."""
    started = ["POST async-invoke", "GET async-invoke", "GET async-invoke/{arn*}"]
    checks = ["POST guardrail/{id*}/version/{version}/apply", "POST guardrail-checks/invoke"]
    return (
        Converse(),
        Invoke(),
        Plain("bedrock.count_tokens", ["POST model/{id*}/count-tokens"], COUNT),
        Plain("bedrock.async_invoke", started, ASYNC),
        Plain("bedrock.apply_guardrail", checks, APPLY),
    )
