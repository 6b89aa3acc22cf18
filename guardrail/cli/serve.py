"""``guardrail serve``: the gateway as a server of its own.

Everything that can be wrong is found before the port is open.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from . import options

if TYPE_CHECKING:
    from ..doors.asgi import App
    from .options import Commands

DEMO = "demo"


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "serve",
        help="run the gateway",
        description="Run the gateway: an OpenAI-compatible address that any client can be pointed at. "
        "Its only line on standard output says where it listens; SIGHUP reads the policy again, SIGTERM "
        "lets running answers end.",
    )
    parser.add_argument(
        "--upstream",
        required=True,
        metavar="URL",
        help=f"the model's server, such as https://api.openai.com/v1; {DEMO}: the built-in demo model",
    )
    options.policy(parser)
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="where to listen (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8787, metavar="N", help="0: any that is free (default: %(default)s)"
    )
    options.log(parser)
    parser.add_argument(
        "--upstream-key-env",
        metavar="NAME",
        help="the environment variable with the upstream's API key; callers' own keys are then not sent on",
    )
    parser.add_argument(
        "--moderations",
        action="store_true",
        help="answer POST /v1/moderations by the policy's own model check instead of sending it on",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Raises GuardrailError for whatever keeps it from serving."""
    from ..errors import GuardrailError

    if find_spec("uvicorn") is None:
        raise GuardrailError("the gateway needs uvicorn: pip install 'guardrail-middleware[gateway]'")
    from ..core import Guard
    from ..doors.gateway import gateway
    from .server import listen, serve

    _log_to_stderr()
    guard = Guard.from_policy(arguments.policy, log=arguments.log)
    try:
        patience = guard.plan.patience
        waits = (600.0, patience.first_byte, patience.idle)  # the guard gives up sooner where the policy says so
        read = None if None in waits else max(word for word in waits if word is not None)
        upstream = _upstream(arguments.upstream, _key(arguments.upstream_key_env), read)
        guard.open_log()
        try:
            app = gateway(guard, upstream, moderations=arguments.moderations)
        except ValueError as error:
            raise GuardrailError(f"--moderations: {error}") from None
        serve(app, guard, listen(arguments.host, arguments.port))
    finally:
        guard.close()
    return 0


def _upstream(address: str, key: str | None, read: float | None) -> App:
    from ..errors import GuardrailError

    if address == DEMO:
        from ..demo.model import demo_model

        return demo_model()
    from ..doors.proxy import Proxy

    try:
        return Proxy(address, key=key, read=read)
    except ValueError as error:
        raise GuardrailError(f"--upstream: {error}; for the built-in demo model write {DEMO}") from None


def _key(name: str | None) -> str | None:
    from ..errors import GuardrailError

    if name is None:
        return None
    key = os.environ.get(name, "").strip()
    if not key:
        raise GuardrailError(f"--upstream-key-env: the environment variable {name} is not set, or empty. Set it")
    return key


def _log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    for name in ("guardrail", "uvicorn.error"):
        logging.getLogger(name).setLevel(logging.INFO)


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError
    return number


_port.__name__ = "port"  # argparse says: invalid port value
