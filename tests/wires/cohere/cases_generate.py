"""Cohere's older generation calls, from the public reference."""

from __future__ import annotations

from tests.wires.case import Case

CASES = [
    Case(
        "generate",
        "/v1/generate",
        {"model": "command", "prompt": "Write a line on rain.", "max_tokens": 20, "stop_sequences": ["THE END"]},
        {"id": "1", "prompt": "Write a line on rain.", "generations": [{"id": "2", "text": "Rain falls softly."}]},
    ),
    Case(
        "classify",
        "/v1/classify",
        {"inputs": ["A sunny day"], "examples": [{"text": "A dull day", "label": "bad weather"}]},
        {"id": "1", "classifications": [{"id": "2", "input": "A sunny day", "prediction": "good weather"}]},
    ),
    Case(
        "datasets",
        "/v1/datasets",
        method="GET",
        request_type="",
        answer={"datasets": [{"id": "d1", "name": "lakes of Europe", "dataset_type": "embed-input"}]},
    ),
]
