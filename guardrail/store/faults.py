"""What went wrong with the log's database, said so that a person can act on it.

Knows error codes. Must never repeat a driver's own text: PostgreSQL's quotes the values of the row.
"""

from __future__ import annotations

import sqlite3

import sqlalchemy.exc

from ..errors import LogError

# https://www.sqlite.org/rescode.html: the first word after SQLITE_ is the primary code
_SQLITE = {
    "BUSY": ("it is locked by another process", "End the process that keeps it open in a transaction, then try again"),
    "LOCKED": ("it is locked by another process", "End the process that keeps a transaction open, then try again"),
    "FULL": ("the disk is full", "Make room, or move the log to another disk"),
    "TOOBIG": ("the decision is larger than a row may be", "Keep less text: record.text in the policy"),
    "READONLY": ("it cannot be written", "Give this process write permission on the file and on its folder"),
    "PERM": ("it cannot be written", "Give this process write permission on the file and on its folder"),
    "CANTOPEN": (
        "it, or the -wal and -shm files beside it, cannot be opened",
        "Give this process write permission on the file and on its folder",
    ),
    "NOTADB": ("the file is not a SQLite database", "Name another file, or move this one away"),
    "CORRUPT": ("the file is damaged", "Move it away and restore a backup; a new log is made in its place"),
    "IOERR": (
        "the disk did not read or write",
        "See that it is present, healthy, not full, and that no limit on file size (ulimit -f) is reached",
    ),
    "ERROR": ("its tables are not those of a decision log", "Name another file, or move this one away"),
    "SCHEMA": ("its tables are not those of a decision log", "Name another file, or move this one away"),
    "CONSTRAINT": ("it refused a row with a missing value", "This is a fault in the program that made the decision"),
}


def log_error(place: str, what: str, remedy: str) -> LogError:
    """The one form of all messages: which log, what is wrong, what to do."""
    return LogError(f"decision log {place}: {what}. {remedy}")


def explain(error: Exception, place: str) -> LogError:
    """``error`` as a LogError without any of the row's text. ``place`` is shown and has no secret."""
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    name = type(cause).__name__
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorname", None) or "SQLITE_"  # absent where the module itself complains
        known = _SQLITE.get(code.split("_")[1])
        if known is not None:
            return log_error(place, f"{known[0]} ({code})", known[1])
        name = code if code != "SQLITE_" else name
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    detail = f"{name}, SQLSTATE {state}" if state else name
    if isinstance(error, sqlalchemy.exc.OperationalError):
        return log_error(place, f"the database cannot be used ({detail})", "See that it runs, is reached and not full")
    return log_error(place, f"the row could not be written ({detail})", "Please report this as a bug")


def is_of_the_database(error: Exception) -> bool:
    """Whether any other row would have failed as well, so that trying them one by one is of no use."""
    return isinstance(error, sqlalchemy.exc.OperationalError | LogError)
