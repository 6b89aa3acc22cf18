"""``python -m examples.demo``: the gateway, a chat app behind it, a conversation, and its decisions.

Nothing leaves this machine, unless ``--upstream`` names a real model's server.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

from guardrail import Guard, GuardrailError
from guardrail.cli.main import main as command
from guardrail.demo.model import demo_model
from guardrail.demo.server import served
from guardrail.doors.gateway import gateway
from guardrail.doors.proxy import Proxy
from guardrail.store.reader import read

from .chat_app import chat_app
from .conversation import Said, play

POLICY = Path(__file__).with_name("policy.yaml")


def main() -> int:
    """Exit status: 0, or 1 where a step of the conversation had not the result it should have."""
    arguments = _arguments()
    key = os.environ.get(arguments.upstream_key_env) if arguments.upstream_key_env else None
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="guardrail-demo-"))
        log = arguments.log or f"sqlite:///{Path(folder) / 'decisions.db'}"
        guard = Guard.from_policy(POLICY, log=log)
        stack.callback(guard.close)
        upstream = Proxy(arguments.upstream, key=key) if arguments.upstream else demo_model(delay=0.01)
        front = stack.enter_context(served(gateway(guard, upstream)))
        page = stack.enter_context(served(chat_app(front, model=arguments.model)))
        if not arguments.upstream:
            as_planned = _play(guard, front, log)
            if arguments.once:
                return 0 if as_planned else 1
        _tell(page, front, log)
        _until_told_to_stop()
    return 0


def _play(guard: Guard, front: str, log: str) -> bool:
    """Was every reply, and every row of the log, what it should be?"""
    said = list(play(front))
    guard.flush()
    print("\nWhat was decided:\n")
    command(["log", "show", "--log", log, "--limit", str(len(said))])
    wrong = _unexpected(said, log)
    print("\n" + ("\n".join(wrong) if wrong else f"All {len(said)} as expected."))
    return not wrong


def _unexpected(said: list[Said], log: str) -> list[str]:
    rows = list(read(log, limit=len(said), newest_first=True))[::-1]
    if len(rows) != len(said):
        return [f"not as expected: {len(said)} requests, {len(rows)} decisions"]
    wrong = []
    for n, (one, row) in enumerate(zip(said, rows, strict=True), 1):
        if (row.action.word, row.ended) != (one.step.action, one.step.ended):
            wanted = f"{one.step.action}, {one.step.ended}"
            wrong.append(f"not as expected: request {n} is {row.action.word}, {row.ended}, and not {wanted}")
        elif not one.fits:
            wrong.append(f"not as expected: the reply to request {n}")
    if said[-1].step.ended != "limited":
        wrong.append("not as expected: no limit was met")
    return wrong


def _tell(page: str, front: str, log: str) -> None:
    print(f"\nchat page   {page}")
    print(f"gateway     {front}/v1   (any OpenAI client; also /readyz and /metrics)")
    print(f"decisions   guardrail log show --log {log}")
    print("Ctrl-C ends it.", flush=True)


def _until_told_to_stop() -> None:
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    while not told.wait(0.5):  # a wait without end cannot be interrupted everywhere
        pass


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the conversation")
    parser.add_argument("--log", metavar="URL", help="keep the decisions there (default: a temporary file)")
    parser.add_argument("--upstream", metavar="URL", help="guard this server instead; no conversation is played")
    parser.add_argument("--upstream-key-env", metavar="NAME", help="the environment variable with its API key")
    parser.add_argument("--model", default="demo", help="the model the chat page asks for (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except GuardrailError as error:
        sys.exit(str(error))
