"""Counters: they add up under threads, stay small, and name nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from guardrail.stats import Stats
from guardrail.verdict import Action, Decision, Finding, Gap, Outcome

FINDING = Finding("custom/bad", 1.0, 0, 3, "bad")
DECISION = Decision("d", Action.REFUSE, Outcome.REFUSED, "text", (FINDING, FINDING), (), "p", "0" * 64, user="u" * 64)


def test_nothing_counted_is_all_empty() -> None:
    assert Stats().snapshot() == {
        "decisions": 0,
        "outcomes": {},
        "actions": {},
        "ended": {},
        "doors": {},
        "findings": {},
        "not_evaluated": {},
        "log_errors": 0,
        "log_failing": False,
    }


def test_a_decision_counts_once_in_each_table() -> None:
    stats = Stats()
    stats.count(DECISION)
    stats.count(replace(DECISION, findings=(), not_evaluated=(Gap("far", "timeout"), Gap("far", "timeout", "x"))))
    assert stats.snapshot() == {
        "decisions": 2,
        "outcomes": {"refused": 2},
        "actions": {"refuse": 2},
        "ended": {"complete": 2},
        "doors": {"check": 2},
        "findings": {"bad": 1},
        "not_evaluated": {"far:timeout": 1},
        "log_errors": 0,
        "log_failing": False,
    }


def test_where_the_policy_observes_the_would_be_action_counts() -> None:
    stats = Stats()
    stats.count(replace(DECISION, action=Action.ALLOW, outcome=Outcome.ALLOWED, would=Action.REFUSE))
    assert stats.snapshot()["actions"] == {"refuse": 1}
    assert stats.snapshot()["outcomes"] == {"allowed": 1}


def test_the_log_fails_until_a_decision_is_stored_again() -> None:
    stats = Stats()
    seen = []
    for stored in (False, False, True):
        stats.logged(stored=stored)
        seen.append((stats.snapshot()["log_errors"], stats.snapshot()["log_failing"]))
    assert seen == [(1, True), (2, True), (2, False)]


def test_many_threads_lose_nothing() -> None:
    stats = Stats()

    def work(_: int) -> None:
        for _ in range(500):
            stats.count(DECISION)
            stats.logged(stored=False)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert (stats.snapshot()["decisions"], stats.snapshot()["log_errors"]) == (4000, 4000)


def test_a_snapshot_is_a_copy_that_names_nobody() -> None:
    stats = Stats()
    stats.count(DECISION)
    taken = stats.snapshot()
    stats.count(DECISION)
    assert taken["outcomes"] == {"refused": 1}
    assert "u" * 64 not in repr(taken)
    assert "text" not in repr(taken)
