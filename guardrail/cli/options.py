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


def at_once(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", metavar="N", type=workers, help="questions at a time, up to 16 (default: 8 to a service, else 1)"
    )


def count(text: str) -> int:
    """A number of things, at least one."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def workers(text: str) -> int:
    """Questions at a time: as many as the worlds of threads take."""
    number = count(text)
    if number > 16:
        raise argparse.ArgumentTypeError("at most 16 questions run at a time")
    return number


def share(text: str) -> float:
    """A number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError
    return number


def named_share(text: str) -> tuple[str, float]:
    """``NAME=X`` with X from 0 to 1. Raises GuardrailError."""
    from ..errors import GuardrailError

    name, equals, number = text.partition("=")
    try:
        value = share(number)
    except ValueError:
        value = -1.0
    if not equals or not name or value < 0:
        raise GuardrailError("write a threshold as CATEGORY=NUMBER with a number from 0 to 1, such as sexual=.4")
    return name.strip(), value


count.__name__ = "count (a whole number from 1 on)"  # argparse says: invalid <name> value
share.__name__ = "share (a number from 0 to 1)"
