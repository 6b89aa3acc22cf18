"""Reading a decision log, for people at a terminal and for exports.

Knows the order of rows. Must never write, nor make a log that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc

from ..errors import LogError
from ..verdict import Decision
from .database import Database
from .faults import explain, log_error
from .recorder import log_url
from .schema import decisions, from_row, storable

_PAGE = 500
_Place = tuple[float, str]


def read(
    url: str | None = None, *, limit: int | None = 50, newest_first: bool = False, after: str | None = None
) -> Iterator[Decision]:
    """The decisions in the log at ``log_url(url)``, by time, then id; at most ``limit`` (None: all).

    ``after`` is the id of a decision: only what follows it in the order asked for. The first page is
    read at once and the others as they are needed, each by a connection of its own: a slow reader
    keeps no lock and no old state of the log alive.
    Raises LogError: no log there yet, no such ``after``, or a log that cannot be read.
    """
    url = log_url(url)
    if url == "none":
        remedy = "Set GUARDRAIL_LOG to a place such as sqlite:///decisions.db and run the app"
        raise log_error(url, "no decisions are kept", remedy)
    database = Database(url)
    start = None if after is None else _place(database, storable(after))
    size = _PAGE if limit is None else min(limit, _PAGE)
    return _pages(database, _page(database, size, newest_first, start), limit, newest_first)


def _pages(database: Database, page: list[Any], limit: int | None, newest_first: bool) -> Iterator[Decision]:
    left = limit
    while page:
        for row in page:
            yield from_row(row)
        if left is not None:
            left -= len(page)
        size = _PAGE if left is None else min(left, _PAGE)
        last = page[-1]
        page = _page(database, size, newest_first, (last["time"], last["id"]))


def _page(database: Database, size: int, newest_first: bool, start: _Place | None) -> list[Any]:
    if size <= 0:
        return []
    key = sa.tuple_(decisions.c.time, decisions.c.id)
    query = sa.select(decisions).limit(size)
    if newest_first:
        query = query.order_by(decisions.c.time.desc(), decisions.c.id.desc())
    else:
        query = query.order_by(decisions.c.time, decisions.c.id)
    if start is not None:
        query = query.where(key < start if newest_first else key > start)
    return _fetch(database, query)


def _place(database: Database, after: str) -> _Place:
    found = _fetch(database, sa.select(decisions.c.time, decisions.c.id).where(decisions.c.id == after))
    if not found:
        raise log_error(database.shown, "it holds no decision of the id given as after", "Give an id that it holds")
    return found[0]["time"], found[0]["id"]


def _fetch(database: Database, query: sa.Select[Any]) -> list[Any]:
    failure: LogError
    try:
        with database.open_to_read() as connection:
            return list(connection.execute(query).mappings())
    except sqlalchemy.exc.SQLAlchemyError as error:
        failure = explain(error, database.shown)
    raise failure  # out here, so that no driver's error with text of the row hangs on it
