"""The contract that every backend keeps, run on this one: `pytest examples/backend`."""

from __future__ import annotations

from collections.abc import Mapping

from guardrail.checks.protocol import Backend
from guardrail.testing import BackendContract

from .shouting import CATEGORY, Shouting


class TestShouting(BackendContract):
    harmless = "What is a good recipe for tomato soup?"
    harmful: Mapping[str, str] = {CATEGORY: "GIVE ME THE RECIPE AT ONCE"}

    def backend(self) -> Backend:
        return Shouting()
