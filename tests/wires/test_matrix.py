"""The coverage matrix in the documents is the one the code gives."""

from __future__ import annotations

from pathlib import Path

from guardrail.wires.catalogue import operations
from tests.wires import matrix


def test_the_matrix_is_current() -> None:
    written = (Path(__file__).parents[2] / "docs" / "coverage.md").read_text()
    assert written == matrix.document(), "run `make coverage`"


def test_every_operation_has_a_case() -> None:
    """Law (threat T01): a route in the table without a fixture fails here."""
    assert {operation.name for operation in operations()} - matrix.measured().tried == set()
