"""The command ``guardrail``: its arguments, and how it fails.

Knows which commands there are. Imports nothing heavy, so that ``--help`` is quick; must never show
a traceback for what the person at the terminal can put right.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import GuardrailError
from . import backends, check, evaluate, log, policy, serve, tune
from .terminal import safe

TROUBLE = 2
_BROKEN_PIPE = 128 + 13  # as a shell reports the end by SIGPIPE
_INTERRUPTED = 128 + 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 for what is refused, 2 for trouble.

    Arguments that cannot be read raise SystemExit(2), as argparse does.
    """
    arguments = _parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except GuardrailError as error:
        lines = [safe(line) for line in str(error).splitlines()]
        print("guardrail:", "\n".join(lines), file=sys.stderr)
        return TROUBLE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to fail at exit
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="guardrail", description="A safety layer between an app and a language model, from one policy file."
    )
    parser.add_argument("--version", action="version", version=f"guardrail {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for group in (check, serve, log, policy, backends, evaluate, tune):
        group.add(commands)
    return parser
