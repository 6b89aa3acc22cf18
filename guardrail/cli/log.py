"""``guardrail log``: read the decision log."""

from __future__ import annotations

import argparse
import shutil
from typing import TYPE_CHECKING

from . import options

if TYPE_CHECKING:
    from .options import Commands

_ROOM = (120, 24)
"""Columns and lines where the output is no terminal."""


def add(commands: Commands) -> None:
    group = commands.add_parser("log", help="read the decision log", description="Read the decision log.")
    shown = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    parser = shown.add_parser("show", help="the latest decisions", description="The latest decisions, newest last.")
    options.log(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--limit", type=_count, default=50, metavar="N", help="how many (default: %(default)s)")
    parser.set_defaults(run=show)


def show(arguments: argparse.Namespace) -> int:
    """Raises LogError."""
    from ..store.reader import read
    from .decisions import fields, line, listing

    decisions = list(read(arguments.log, limit=arguments.limit, newest_first=True))
    decisions.reverse()
    if arguments.json:
        for decision in decisions:
            print(line(fields(decision)))
    else:
        print("\n".join(listing(decisions, shutil.get_terminal_size(_ROOM).columns)))
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


_count.__name__ = "number of decisions"  # argparse says: invalid number of decisions value
