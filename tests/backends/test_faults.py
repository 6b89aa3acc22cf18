"""Every way in which a service fails ends by the policy's own word, and is never a clean result. The whole table is
`python -m bench.faults`; here each kind of fault meets each fail mode, direction, form of reply and colour once or more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import faults, resilience
from bench.faults import Case, ended
from bench.faulty import KINDS, Faulty, faulty

SOME = (
    ("refuse", "input", False, True),
    ("refuse", "output", True, False),
    ("flag", "input", True, False),
    ("allow", "output", False, False),
    ("allow", "output", True, True),
)
REASONS = {
    **{key: {"status"} for key in ("bad request", "bad key", "too many", "server error", "overloaded", "redirect")},
    **{key: {"malformed"} for key in ("wrong shape", "not JSON", "NaN score")},
    **{key: {"timeout"} for key in ("slow", "dripping")},
    "no results": {"empty"},
    "unknown category": {"unseen"},
    "huge": {"too_large"},
    "broken off": {"protocol"},
    "refused": {"connect"},
    "no TLS": {"tls"},
    "no such host": {"dns", "timeout", "connect"},  # a resolver may take its time, or answer for what is not there
}


@pytest.fixture(scope="module")
def server() -> Iterator[Faulty]:
    with faulty() as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_an_outcome_with_a_word_of_its_own(
    server: Faulty, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind not in ("slow", "dripping"):
        monkeypatch.setattr(faults, "DEADLINE", 20)  # so that no busy machine makes it a timeout
    for word, direction, streamed, sync in SOME:
        end = ended(Case(kind, word, direction, streamed, sync), server, tmp_path)
        assert end.right, end
        assert end.reason in REASONS[kind], end


def test_an_end_that_is_not_as_documented_is_told_apart() -> None:
    case = Case("slow", "refuse", "input", streamed=False, sync=True)
    good = faults.End(
        case, 503, passed=False, outcome="not_evaluated", action="refuse", reason="x", over=0, leaked=False
    )
    assert good.right
    for wrong in (
        {"outcome": "allowed"},
        {"passed": True},
        {"reason": ""},
        {"leaked": True},
        {"action": "allow"},
        {"status": 200},
    ):
        assert not replace(good, **wrong).right


def test_under_load_with_faults_the_budget_holds_and_nothing_is_judged_wrongly() -> None:
    with resilience.service() as service:
        found = asyncio.run(resilience.load(service, 250))
    assert found.wrong == 0
    assert found.at_a_time <= resilience.CONCURRENCY
    assert found.answered > 125
    assert found.counts["known"] > 0
    assert found.counts["hedged"] > 0
    assert set(found.failed) <= {"malformed", "timeout", "status", "open", "busy", "protocol", "connect"}
