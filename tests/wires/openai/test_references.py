"""Ids in paths: which kind of object each names, however the path is spelled."""

from __future__ import annotations

import pytest

from guardrail.wires.protocol import Reference
from guardrail.wires.references import body_references, made, path_references

ROUTES = [
    "GET v/files/{id}",
    "GET v/files/{id}/content",
    "POST v/threads/runs",
    "POST v/threads/{id}",
    "GET v/threads/{id}/runs/{run}",
    "DELETE v/models/{id}",
    "GET v/organization/{rest*}",
]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/v1/files/file-AbC", [("file", "file-AbC")]),
        ("/openai/v1/Files/file-AbC/content/", [("file", "file-AbC")]),
        ("//v1//files/./x/../file-AbC", [("file", "file-AbC")]),
        ("/v1/files%2Ffile-AbC", [("file", "file-AbC")]),
        ("/v1/threads/runs", []),
        ("/v1/threads/thread_1", [("thread", "thread_1")]),
        ("/mounted/v1/threads/thread_1/runs/run_1", [("thread", "thread_1"), ("run", "run_1")]),
        ("/v1/models/gpt-4o", []),
        ("/v1/organization/users/u1", []),
        ("/v1/nothing/at/all", []),
    ],
)
def test_paths(path: str, found: list[tuple[str, str]]) -> None:
    assert [(r.kind, r.id) for r in path_references(path, ROUTES)] == found


def test_bodies_are_searched_to_their_ends() -> None:
    tree = {
        "input_file_id": "f1",
        "deep": [{"vector_store_ids": ["v1", 7, ""]}],
        "file_id": None,
        "metadata": {"id": "x"},
    }
    assert {(r.kind, r.id) for r in body_references(tree)} == {("file", "f1"), ("vector_store", "v1")}


def test_only_what_an_answer_is_was_made_by_it() -> None:
    batch = {"object": "batch", "id": "b1", "input_file_id": "f0", "output_file_id": "f1", "error_file_id": None}
    assert made(batch) == [Reference("batch", "b1", "id"), Reference("file", "f1", "output_file_id")]
    assert made({"object": "list", "data": [batch]}) == []
    assert made({"object": "file", "id": "f1", "deleted": True}) == []
    assert made({"object": "upload", "id": "u1", "file": {"object": "file", "id": "f2"}})[1] == Reference(
        "file", "f2", "id"
    )
    assert made([batch]) == []
