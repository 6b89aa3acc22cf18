"""One thread with one connection that writes all decisions of a process, several to a commit.

Knows queues, threads, forks and the end of the interpreter. Must never know what a decision means.

A connection of SQLite must not live through a fork, not even unused: locks are kept per process,
and the child's memory would say it holds those of its parent. So a fork waits until the writer has
written what is queued and closed its connection; parent and child each open their own when needed.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from enum import Enum, auto
from operator import itemgetter
from queue import Empty, SimpleQueue
from typing import Any

import sqlalchemy as sa

from ..errors import LogError
from ..verdict import Decision
from . import schema
from .database import Database
from .faults import explain, is_of_the_database, log_error

MOST_ROWS = 1000  # of one commit: bounds the memory and the time that others wait for the lock
_EXIT_SECONDS = 10.0

_Entry = tuple[Decision, "Future[None]"]
_Row = dict[str, Any]


class Order(Enum):
    """What else may stand in the queue. Each is done when all before it is."""

    FLUSH = auto()
    OPEN = auto()  # open the connection; its future may hold a LogError
    RELEASE = auto()  # close the connection
    STOP = auto()


class Writer:
    """The queue and its thread, which starts with the first entry and after every fork."""

    def __init__(self, database: Database) -> None:
        self._database = database
        compiled = database.insert().compile(dialect=database.dialect)
        self._sql = str(compiled)
        self._columns = itemgetter(*compiled.positiontup) if compiled.positiontup else None
        self._connection: sa.Connection | None = None
        self._queue: SimpleQueue[tuple[Decision | Order, Future[None]]] = SimpleQueue()
        self._gate = threading.RLock()  # re-entered where a collected object or a signal submits too
        self._thread: threading.Thread | None = None
        self._closed = False
        self._released = True
        _writers.add(self)

    def put(self, what: Decision | Order) -> Future[None]:
        """Queue ``what``; the future resolves when it is done, and cannot be cancelled."""
        future: Future[None] = Future()
        future.set_running_or_notify_cancel()  # a caller that goes away must not undo its decision
        with self._gate:
            if self._closed:
                future.set_exception(log_error(self._database.shown, "it is closed", "Open it again to write to it"))
                return future
            if self._thread is None and not self._start():
                problem = "no thread can be started to write it"
                future.set_exception(log_error(self._database.shown, problem, "See the limit on threads"))
                return future
            if what is Order.STOP:
                self._closed = True
            self._queue.put((what, future))
        return future

    def order(self, order: Order, timeout: float | None) -> None:
        """Put ``order`` and wait. Raises LogError where it is not done in ``timeout`` seconds."""
        with self._gate:
            thread = self._thread
            if thread is None:
                self._closed |= order is Order.STOP
                return
            future = None if self._closed else self.put(order)
        if thread is threading.current_thread():
            if order is Order.FLUSH:
                raise log_error(self._database.shown, "flush was called by the writer", "Call it from another thread")
            return
        try:
            if future is not None:
                future.result(timeout)
            if self._closed:
                thread.join(timeout)
                done = not thread.is_alive()
            else:
                done = True
        except FutureTimeout:
            done = False
        if not done:
            what = f"not all decisions were written in {timeout} s"
            raise log_error(self._database.shown, what, "Wait longer, or see why the disk is slow")

    def stop_soon(self) -> None:
        """As the order to stop, without waiting: what is queued is still written."""
        with self._gate:
            if self._thread is None:
                self._closed = True
            elif not self._closed:
                self.put(Order.STOP)

    def _start(self) -> bool:
        self._thread = threading.Thread(target=self._run, name="guardrail-log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None
        return self._thread is not None

    def _run(self) -> None:
        me, queue = threading.current_thread(), self._queue
        try:
            # a fork within a future's callback leaves a copy of this thread in the child: it ends here
            while self._thread is me and self._turn(queue):
                pass
        finally:
            if self._thread is me:
                self._close()
                self._thread = None

    def _turn(self, queue: SimpleQueue[tuple[Decision | Order, Future[None]]]) -> bool:
        batch: list[_Entry] = []
        what, future = queue.get()
        while not isinstance(what, Order):
            batch.append((what, future))
            if len(batch) == MOST_ROWS:
                break
            try:
                what, future = queue.get_nowait()
            except Empty:
                break
        if batch:
            self._write(batch)
        if what is Order.OPEN:
            self._answer_open(future)
        elif isinstance(what, Order):
            if what is not Order.FLUSH:
                self._close()
            future.set_result(None)
        return what is not Order.STOP

    def _answer_open(self, future: Future[None]) -> None:
        try:
            self._connected()
        except Exception as error:  # noqa: BLE001 - the thread's edge, as in _write
            self._close()
            failure = error if isinstance(error, LogError) else explain(error, self._database.shown)
            future.set_exception(LogError(*failure.args))
        else:
            future.set_result(None)

    def _connected(self) -> sa.Connection:
        if self._connection is None:
            self._released = False
            self._connection = self._database.open()
        return self._connection

    def _write(self, batch: list[_Entry]) -> None:
        try:
            refused = self._commit([schema.to_row(decision) for decision, _ in batch])
        except Exception as error:  # noqa: BLE001 - the thread's edge: its callers wait for an answer
            self._close()
            if len(batch) > 1 and not is_of_the_database(error):
                for entry in batch:  # one bad row must not take the others with it
                    self._write([entry])
                return
            failure = error if isinstance(error, LogError) else explain(error, self._database.shown)
            for _, future in batch:
                # an error of its own for each, since raising writes a traceback into it
                future.set_exception(LogError(*failure.args))
            return
        for index, (_, future) in enumerate(batch):
            if index in refused:
                what, remedy = "another decision has the same id already", "Give every decision an id of its own"
                future.set_exception(log_error(self._database.shown, what, remedy))
            else:
                future.set_result(None)

    def _commit(self, rows: list[_Row]) -> set[int]:
        """Write and commit. Returns the places of rows whose id stands for another decision."""
        connection = self._connected()
        values: Any = [self._columns(row) for row in rows] if self._columns else rows
        added = connection.exec_driver_sql(self._sql, values).rowcount
        refused = set() if added == len(rows) else self._differing(connection, rows)
        connection.commit()
        return refused

    def _differing(self, connection: sa.Connection, rows: list[_Row]) -> set[int]:
        table = schema.decisions
        query = sa.select(table).where(table.c.id.in_({row["id"] for row in rows}))
        stored = {found["id"]: dict(found) for found in connection.execute(query).mappings()}
        return {index for index, row in enumerate(rows) if stored.get(row["id"]) != row}

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except sa.exc.SQLAlchemyError as error:
                _log.warning("%s", explain(error, self._database.shown))
        self._released = True

    def before_fork(self) -> None:
        self._gate.acquire()
        if self._thread is threading.current_thread():
            self._close()
        elif self._thread is not None:
            try:
                self.order(Order.RELEASE, _EXIT_SECONDS)
            except LogError as error:
                _log.warning("forking while the log is open: %s", error)

    def after_fork_in_parent(self) -> None:
        self._gate.release()

    def after_fork_in_child(self) -> None:
        if not self._released:
            _inherited.append(self._connection)  # never to be closed here: it is the parent's
        self._connection, self._thread, self._queue = None, None, SimpleQueue()
        self._released = True
        self._gate = threading.RLock()


_log = logging.getLogger("guardrail.store")
_writers: weakref.WeakSet[Writer] = weakref.WeakSet()
_inherited: list[sa.Connection | None] = []


def _each(name: str) -> None:
    for writer in list(_writers):
        getattr(writer, name)()


@atexit.register
def _at_exit() -> None:
    for writer in list(_writers):
        try:
            writer.order(Order.STOP, _EXIT_SECONDS)
        except LogError as error:
            _log.error("%s", error)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _each("before_fork"),
        after_in_parent=lambda: _each("after_fork_in_parent"),
        after_in_child=lambda: _each("after_fork_in_child"),
    )
