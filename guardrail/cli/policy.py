"""``guardrail policy``: look at a policy before it is put in force."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .options import Commands


def add(commands: Commands) -> None:
    group = commands.add_parser("policy", help="check a policy file", description="Look at a policy file.")
    actions = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    parser = actions.add_parser("check", help="can it be used?", description="Say everything that is wrong with it.")
    parser.add_argument("policy", metavar="P", help="a policy that ships, or a path")
    parser.set_defaults(run=check)


def check(arguments: argparse.Namespace) -> int:
    """Raises PolicyError with all problems."""
    from ..policy.compile import load_plan
    from .terminal import safe

    plan = load_plan(arguments.policy)
    print(f"ok  {safe(plan.name)}  {plan.hash}")
    for remark in plan.remarks:
        print(f"note  {safe(str(remark))}")
    return 0
