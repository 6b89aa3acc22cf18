"""Ollama's web tools, from the public reference."""

from __future__ import annotations

from tests.wires.case import Case

CASES = [
    Case(
        "web search",
        "/api/web_search",
        {"query": "what is a llama", "max_results": 3},
        {"results": [{"title": "About llamas", "url": "https://example.org/a", "content": "A llama is an animal."}]},
    ),
]
