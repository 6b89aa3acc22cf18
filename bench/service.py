"""A moderation service on loopback that takes its time: ``python -m bench.service SECONDS``.

Answers in the shape of OpenAI's endpoint. Flags one sentence, and tells how often each key asked.
"""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections import Counter
from typing import TYPE_CHECKING

from .model import request_body
from .stub import serve

if TYPE_CHECKING:
    from guardrail.doors.asgi import Scope
    from guardrail.doors.delivery import Receive, Send

PATH, ASKED = "/v1/moderations", "/asked"
SECONDS = 0.05
MARK = "grimbledorf"
SENTENCES = {
    "soon": f"Then take the {MARK} and pour it over all of them while they sleep.",
    "late": "Then wait until the lights are out and all of them are asleep, walk softly up the stairs and along the "
    f"narrow lane to where the old clockmaker keeps it, and last of all pour out the {MARK}.",
}
"""What the service flags: sentences of its own, of which no exact check knows a word. The second one nobody can
tell for what it is before its last word."""
_CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def questions(url: str, key: str) -> int:
    """How often a key has asked so far."""
    with direct().open(url + ASKED, timeout=20) as answer:
        counts: dict[str, int] = json.loads(answer.read())
    return counts.get(f"Bearer {key}", 0)


def direct() -> urllib.request.OpenerDirector:
    """Opens addresses on loopback, whatever proxy the environment names."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Service:
    """The app."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._questions: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        if scope["path"] == ASKED:
            data = json.dumps(self._questions).encode()
        else:
            texts = json.loads(await request_body(receive))["input"]
            self._questions[dict(scope["headers"]).get(b"authorization", b"").decode()] += 1
            await asyncio.sleep(self._seconds)
            data = json.dumps({"id": "modr-1", "model": "bench", "results": [_result(text) for text in texts]}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(data))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})


def _result(text: str) -> dict[str, object]:
    bad = MARK in text
    return {
        "flagged": bad,
        "categories": {name: bad and name == "violence" for name in _CATEGORIES},
        "category_scores": {name: 0.97 if bad and name == "violence" else 0.001 for name in _CATEGORIES},
    }


if __name__ == "__main__":
    serve(Service(float(sys.argv[1])))
