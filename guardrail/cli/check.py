"""``guardrail check``: judge one text and say so in the exit status."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..errors import GuardrailError
from . import options

if TYPE_CHECKING:
    from .options import Commands

_EPILOG = """exit status: 0 allowed or changed (always, where the policy observes), 1 refused,
2 not evaluated, or a policy, log or argument that cannot be used"""


def add(commands: Commands) -> None:
    parser = commands.add_parser("check", help="judge one text", description="Judge one text.", epilog=_EPILOG)
    parser.add_argument("text", nargs="?", default="-", metavar="TEXT", help="the text; - or nothing: standard input")
    options.policy(parser)
    parser.add_argument(
        "--direction",
        choices=("input", "output"),
        default="input",
        help="judge it as a prompt or as a reply (default: %(default)s)",
    )
    parser.add_argument(
        "--prompt", metavar="TEXT", help="with --direction output: what the reply answers, for models that want it"
    )
    options.log(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Raises PolicyError, LogError, BadRequest, or GuardrailError for a prompt beside a text that is one itself."""
    if arguments.prompt is not None and arguments.direction == "input":
        raise GuardrailError("--prompt is what a reply answers: give --direction output with it")
    from ..core import Guard
    from ..verdict import Outcome
    from .decisions import line, sheet

    guard = Guard.from_policy(arguments.policy, log=arguments.log)
    text = _standard_input() if arguments.text == "-" else arguments.text
    try:
        decision = guard.check(text, direction=arguments.direction, prompt=arguments.prompt)
    finally:
        guard.close()
    print(line(decision.public()) if arguments.json else "\n".join(sheet(decision)))
    if decision.would is not None:
        return 0
    return {Outcome.REFUSED: 1, Outcome.NOT_EVALUATED: 2}.get(decision.outcome, 0)


def _standard_input() -> str:
    from ..errors import BadRequest

    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("standard input is not UTF-8; convert it to UTF-8", code="invalid_text") from None
