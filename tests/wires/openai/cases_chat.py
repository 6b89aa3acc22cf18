"""Chat completions: the fixtures of ``tests/wires/fixtures.py`` as cases."""

from __future__ import annotations

from tests.wires.case import SSE, Case
from tests.wires.fixtures import ANSWERS, REQUESTS, STREAMS

PATH = "/v1/chat/completions"
_ASKED = {"model": "m", "n": 4, "messages": [{"role": "user", "content": "Say a few words."}]}
_DEPLOYED = "/openai/deployments/gpt-5-mini/chat/completions"

CASES = [
    *(Case(f"chat request, {name}", PATH, tree, ANSWERS["plain"]) for name, tree in REQUESTS.items()),
    *(
        Case(f"chat answer, {name}", PATH, _ASKED, tree, status=400 if name == "error" else 200)
        for name, tree in ANSWERS.items()
    ),
    *(
        Case(
            f"chat stream, {name}",
            _DEPLOYED if name == "azure" else PATH,
            {**_ASKED, "stream": True},
            events=events,
            answer_type=SSE,
            done="[DONE]",
        )
        for name, events in STREAMS.items()
    ),
]
