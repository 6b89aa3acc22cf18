"""Options that several commands have, with the same words everywhere."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy",
        default="default",
        metavar="P",
        help="a policy that ships (default, strict, observe, production) or a path (default: %(default)s)",
    )


def log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log",
        metavar="URL",
        help="the decision log, such as sqlite:///decisions.db or postgresql+psycopg://host/db; none keeps none "
        "(default: $GUARDRAIL_LOG, else sqlite:///decisions.db)",
    )
