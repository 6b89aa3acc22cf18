"""Where decisions go to be remembered: a database, a list in memory, or nowhere.

Knows the surface that the rest of the package calls. Must never know SQL.
"""

from __future__ import annotations

import os
import threading
import weakref
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from ..errors import LogError
from ..verdict import Decision

if TYPE_CHECKING:
    from .writer import Writer

DEFAULT_URL = "sqlite:///decisions.db"


class RecorderLike(Protocol):
    """What takes decisions. All methods may be called from any thread."""

    @property
    def url(self) -> str:
        """Where they go, for people to read: without password and options."""

    def open(self) -> None:
        """Open the log now rather than at the first decision. Raises LogError where it cannot be."""

    def submit(self, decision: Decision) -> Future[None]:
        """Take ``decision``. The future resolves when it is stored, or holds a LogError."""

    def flush(self, timeout: float | None = None) -> None:
        """Wait until all that was submitted has its answer. Raises LogError after ``timeout`` seconds."""

    def close(self, timeout: float | None = None) -> None:
        """Flush, and take no more. May be called again. Raises LogError after ``timeout`` seconds."""


class Recorder:
    """Keeps decisions in the database at ``url`` (SQLite or PostgreSQL), several to a commit.

    Making one does no I/O; the database is opened by ``open`` or the first ``submit``, on the writer's thread.
    ``submit`` never raises and never waits for the disk: every failure is a LogError in the future
    (also after ``close``), and the next submit tries again. The future resolves after the row is
    committed and cannot be cancelled. A LogError means *not known to be stored*; since a decision
    whose very same row is stored counts as stored and is not written twice, submitting it again is
    safe. Another decision under a stored id is a LogError, and the first one stays.

    ``durability`` is about SQLite; on PostgreSQL the server's ``synchronous_commit`` decides.
    "full": a resolved future survives a power loss. "normal": several times faster; survives the
    end of the process, yet a power loss may take the last commits.
    ``busy_timeout``: how many seconds to wait while another process writes to the same file.

    After a fork, parent and child both go on. At the interpreter's end, what is queued is written.
    Raises LogError for a URL that cannot be a log.
    """

    def __init__(self, url: str, *, durability: str = "full", busy_timeout: float = 5.0) -> None:
        # here, so that a program that records nothing does not load SQLAlchemy
        from .database import Database
        from .writer import Order, Writer

        database = Database(url, durability=durability, busy_timeout=busy_timeout)
        self._url = database.url
        self._writer: Writer = Writer(database)
        self._open, self._flush, self._stop = Order.OPEN, Order.FLUSH, Order.STOP
        # a recorder that nobody holds any more leaves no thread and no open file behind
        weakref.finalize(self, self._writer.stop_soon).atexit = False

    @property
    def url(self) -> str:
        return self._url

    def open(self) -> None:
        self._writer.put(self._open).result()

    def submit(self, decision: Decision) -> Future[None]:
        return self._writer.put(decision)

    def flush(self, timeout: float | None = None) -> None:
        self._writer.order(self._flush, timeout)

    def close(self, timeout: float | None = None) -> None:
        self._writer.order(self._stop, timeout)


class NullRecorder:
    """Keeps nothing, and says so: ``url`` is ``none``."""

    url = "none"

    def __init__(self) -> None:
        self._done: Future[None] = Future()
        self._done.set_result(None)

    def open(self) -> None:
        pass

    def submit(self, decision: Decision) -> Future[None]:
        return self._done

    def flush(self, timeout: float | None = None) -> None:
        pass

    def close(self, timeout: float | None = None) -> None:
        pass


class MemoryRecorder:
    """Keeps decisions in ``rows``, in the order they came, for tests."""

    url = "memory"

    def __init__(self) -> None:
        self.rows: list[Decision] = []
        self._by_id: dict[str, Decision] = {}
        self._lock = threading.Lock()
        self._closed = False

    def open(self) -> None:
        if self._closed:
            raise LogError("decision log memory: it is closed. Make another one")

    def submit(self, decision: Decision) -> Future[None]:
        future: Future[None] = Future()
        with self._lock:
            stored = self._by_id.get(decision.id)
            if self._closed:
                future.set_exception(LogError("decision log memory: it is closed. Make another one"))
            elif stored is not None and stored != decision:
                future.set_exception(LogError("decision log memory: another decision has the same id already"))
            else:
                if stored is None:
                    self._by_id[decision.id] = decision
                    self.rows.append(decision)
                future.set_result(None)
        return future

    def flush(self, timeout: float | None = None) -> None:
        pass

    def close(self, timeout: float | None = None) -> None:
        self._closed = True


def memory() -> MemoryRecorder:
    """A recorder for tests."""
    return MemoryRecorder()


def log_url(url: str | None = None) -> str:
    """``url``, else the environment's GUARDRAIL_LOG, else ``sqlite:///decisions.db``."""
    return url or os.environ.get("GUARDRAIL_LOG") or DEFAULT_URL


def open_recorder(url: str | None = None, *, durability: str = "full") -> RecorderLike:
    """The recorder for ``log_url(url)``; the word ``none`` gives one that keeps nothing.

    Does no I/O. Raises LogError for a URL that cannot be a log. ``durability``: see ``Recorder``.
    """
    url = log_url(url)
    return NullRecorder() if url == "none" else Recorder(url, durability=durability)
