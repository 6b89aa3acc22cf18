"""A decision and its row: nothing is lost on the way, on either database."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from sqlalchemy.schema import CreateTable

from guardrail.errors import LogError
from guardrail.store.schema import decisions, from_row, storable, to_row
from guardrail.verdict import Action, Decision, Finding, Gap, Outcome, Spent

HOSTILE = [
    "line\nline\r\n",
    "nul\x00nul",
    "\x1a",
    "\x1a0000",
    "\x1b[31mred\x1b[0m",
    "\u202eright to left\u2066",
    "'; DROP TABLE decisions; --",
    '"}],"x":[{"',
    "%s %(id)s ? :id",
    "\ud800 alone",
    "\ud83d\ude00 two halves",
    "\U0001f600",
    "\\u0000 \\",
    "\uffff\ufeff\x7f\x85\u2028",
    "",
]

texts = st.one_of(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x00\x1a\ud83d\ude00\udfff0af")), max_size=12),
    st.sampled_from(HOSTILE),
)
numbers = st.floats(allow_nan=False)
places = st.integers(0, 2**40)
some = {
    "id": texts,
    "action": st.sampled_from(Action),
    "outcome": st.sampled_from(Outcome),
    "text": st.none() | texts,
    "findings": st.lists(st.builds(Finding, texts, numbers, places, places, texts, st.booleans()), max_size=3).map(
        tuple
    ),
    "not_evaluated": st.lists(st.builds(Gap, texts, texts, texts), max_size=3).map(tuple),
    "policy": texts,
    "policy_hash": texts,
    "would": st.none() | st.sampled_from(Action),
    "time": numbers,
    "seconds": numbers,
    "door": texts,
    "wire": texts,
    "route": texts,
    "status": st.integers(0, 999),
    "ended": texts,
    "user": st.none() | texts,
    "review": st.none() | texts,
    "skipped": st.lists(texts, max_size=3).map(tuple),
    "models": st.lists(texts, max_size=3).map(tuple),
    "spent": st.none() | st.builds(Spent, st.floats(0, 1e9), st.integers(0, 2**40)),
}


@pytest.fixture(scope="module")
def through_database() -> Callable[[Decision], Decision]:
    engine = sa.create_engine("sqlite://")
    connection = engine.connect()
    connection.execute(CreateTable(decisions))

    def through(decision: Decision) -> Decision:
        connection.execute(decisions.insert(), to_row(decision))
        row = connection.execute(sa.select(decisions)).mappings().one()
        connection.execute(decisions.delete())
        return from_row(dict(row))

    return through


@given(decision=st.builds(Decision, **some))
@settings(max_examples=300, deadline=None)
def test_comes_back_the_same(through_database: Callable[[Decision], Decision], decision: Decision) -> None:
    back = through_database(decision)
    assert back == decision
    assert isinstance(back.action, Action)
    assert isinstance(back.outcome, Outcome)


def test_every_field_is_a_column_and_is_tested() -> None:
    fields = {field.name for field in dataclasses.fields(Decision)}
    assert set(decisions.c.keys()) == fields == set(some)


@pytest.mark.parametrize("field", ["id", "text", "policy", "door", "wire", "route", "ended", "user", "review"])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_comes_back(
    make: Callable[..., Decision], through_database: Callable[[Decision], Decision], field: str, text: str
) -> None:
    decision = make(**{field: text})
    assert through_database(decision) == decision


@given(text=texts)
@example("\x1a0000")
def test_what_is_stored_fits_every_database(text: str) -> None:
    stored = storable(text)
    stored.encode()
    assert "\x00" not in stored


def test_ordinary_text_is_kept_readable(make: Callable[..., Decision]) -> None:
    assert to_row(make(text="Grüße 😀\n"))["text"] == "Grüße 😀\n"


@pytest.mark.parametrize(
    "change",
    [{"action": "explode"}, {"outcome": "x"}, {"findings": "{"}, {"findings": '[{"a":1}]'}, {"skipped": "1"}, {"x": 1}],
)
def test_a_row_of_another_make_is_an_error_without_its_text(
    make: Callable[..., Decision], change: dict[str, Any]
) -> None:
    row = to_row(make(text="canary-7")) | change
    with pytest.raises(LogError, match="another version") as caught:
        from_row(row)
    assert "canary-7" not in str(caught.value)
    assert caught.value.__context__ is None


def test_postgresql_takes_the_same_tables() -> None:
    ddl = str(CreateTable(decisions).compile(dialect=sa.make_url("postgresql://").get_dialect()()))
    assert "id TEXT NOT NULL" in ddl
    assert "time DOUBLE PRECISION NOT NULL" in ddl
    assert '"user" TEXT' in ddl


def test_time_and_user_are_indexed() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        decisions.create(connection)
        columns = {
            connection.execute(sa.text(f"PRAGMA index_info({index.name})")).one()[2] for index in decisions.indexes
        }
    assert columns == {"time", "user"}
    assert sqlite3.sqlite_version_info >= (3, 24)  # the first with ON CONFLICT DO NOTHING
