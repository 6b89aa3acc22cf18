"""Calls of OpenAI's API, and of those who speak it, that the other files leave out."""

from __future__ import annotations

from tests.wires.case import Case

CASES = [
    Case(
        "delete a response",
        "/v1/responses/resp_1",
        method="DELETE",
        request_type="",
        answer={"id": "resp_1", "object": "response", "deleted": True},
    ),
    Case(
        "reranking",
        "/v1/reranking",
        {"model": "r-1", "query": "which lake is deep", "documents": ["Lake Baikal is deep.", "A pond is not."]},
        {"results": [{"index": 0, "relevance_score": 0.9, "document": {"text": "Lake Baikal is deep."}}]},
    ),
    Case(
        "agent",
        "/v1/agents/ag_1/notes",
        {"name": "lake agent", "instructions": "Speak of lakes only."},
        {"id": "ag_1", "object": "agent", "name": "lake agent", "instructions": "Speak of lakes only."},
    ),
]
