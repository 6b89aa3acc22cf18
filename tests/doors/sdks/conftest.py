"""The servers of the SDKs' tests, once a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .place import Place, standing


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with standing(tmp_path_factory.mktemp("sdks")) as made:
        yield made
