"""The moderation service of the backends' tests, here too, and a terminal wide enough for every table."""

from __future__ import annotations

import pytest

from tests.backends.conftest import service

__all__ = ["service"]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
