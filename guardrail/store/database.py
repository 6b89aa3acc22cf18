"""Where a decision log lies, and how its database is opened.

Knows URLs, files, pragmas and the version of the schema. Must never know threads, queues or futures.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
import time
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
import sqlalchemy.exc
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from ..errors import LogError
from . import schema
from .faults import log_error

_EXAMPLE = "Write sqlite:///decisions.db, sqlite:////var/lib/app/decisions.db, postgresql://user@host/name, or none"
_SYNCHRONOUS = {"full": "FULL", "normal": "NORMAL"}
_creating = threading.Lock()


class Database:
    """One log's place. Making it does no I/O; it raises LogError for a URL that cannot be a log.

    ``shown`` is the place without any secret: the file's path, or the URL without password and
    options. A relative path is taken from the working folder of this moment, for good.
    """

    def __init__(self, url: str, *, durability: str = "full", busy_timeout: float = 5.0) -> None:
        if durability not in _SYNCHRONOUS:
            raise LogError("decision log: durability is neither full nor normal. Write one of the two")
        self._synchronous, self._busy_timeout = _SYNCHRONOUS[durability], busy_timeout
        parsed = _parse(url)
        self.file = _file(parsed)
        if self.file is not None:
            parsed = parsed.set(database=str(self.file))
        self.url = parsed.set(query={}).render_as_string(hide_password=True)
        self.shown = str(self.file) if self.file is not None else self.url
        try:
            options = {"connect_args": {"timeout": busy_timeout}} if self.file is not None else {}
            self._engine = sa.create_engine(parsed, poolclass=NullPool, hide_parameters=True, **options)
        except ImportError as error:
            name = error.name or parsed.get_dialect().driver
            remedy = f"Install it: pip install {name}"
            raise log_error(self.shown, f"its driver {name} is missing or not complete", remedy) from None

    @property
    def dialect(self) -> sa.Dialect:
        return self._engine.dialect

    def insert(self) -> postgresql.Insert | sqlite.Insert:
        """The statement that adds a row to ``decisions`` and leaves one of the same id as it is."""
        return self._insert(schema.decisions, "id")

    def _insert(self, table: sa.Table, key: str) -> postgresql.Insert | sqlite.Insert:
        if self.file is not None:
            return sqlite.insert(table).on_conflict_do_nothing(index_elements=[key])
        return postgresql.insert(table).on_conflict_do_nothing(index_elements=[key])

    def open(self) -> sa.Connection:
        """A connection for writing; makes the file and the tables where they are missing.

        Raises LogError (the folder, the file, another schema) or SQLAlchemyError (all else).
        """
        if self.file is not None:
            with _creating:
                self._create(self.file)
        connection = self._engine.connect()
        try:
            if self.file is not None:
                self._set_up_sqlite(connection)
            self._set_up_tables(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def open_to_read(self) -> sa.Connection:
        """A connection that cannot write. Raises LogError (no log there) or SQLAlchemyError."""
        if self.file is None:
            connection = self._engine.connect().execution_options(postgresql_readonly=True)
        else:
            try:
                exists = self.file.is_file()
            except PermissionError:
                raise self._closed_folder(self.file) from None
            if not exists:
                raise self._nothing_there()
            # not mode=ro, which would leave -wal and -shm behind, perhaps as another user's
            uri = f"file:{quote(str(self.file))}?mode=rw"
            # the busy timeout must hold for readers too: a last writer that closes locks them out for a moment
            engine = sa.create_engine(
                "sqlite://",
                creator=lambda: sqlite3.connect(uri, uri=True, timeout=self._busy_timeout),
                poolclass=NullPool,
                hide_parameters=True,
            )
            connection = engine.connect()
        try:
            if self.file is not None:
                connection.exec_driver_sql("PRAGMA query_only=ON")
            if self._version(connection) is None:
                raise self._nothing_there()
            self._check_version(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _nothing_there(self) -> LogError:
        remedy = "It is made when the first decision is recorded: name it in GUARDRAIL_LOG and run the app"
        return log_error(self.shown, "there is no log there yet", remedy)

    def _create(self, file: Path) -> None:
        try:
            is_folder, has_parent = file.is_dir(), file.parent.is_dir()
        except PermissionError:
            raise self._closed_folder(file) from None
        if is_folder:
            raise log_error(self.shown, "this is a folder", "Name a file in it, such as decisions.db")
        if not has_parent:
            remedy = f"Make it (mkdir -p {file.parent}), or name another place"
            raise log_error(self.shown, f"the folder {file.parent} does not exist", remedy)
        try:
            # Only for its owner, since it may hold text; SQLite gives -wal and -shm the same mode. Never
            # opened when it exists: closing it would drop the locks of this process's other connections
            # (https://www.sqlite.org/howtocorrupt.html, 2.2).
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            word = errno.errorcode.get(error.errno or 0, "unknown")
            remedy = f"Give this process write permission on the folder {file.parent}, or name another place"
            raise log_error(self.shown, f"the file cannot be made ({word})", remedy) from None

    def _closed_folder(self, file: Path) -> LogError:
        remedy = "Give this process permission to enter it and all folders above it, or name another place"
        return log_error(self.shown, f"the folder {file.parent} cannot be entered (EACCES)", remedy)

    def _set_up_sqlite(self, connection: sa.Connection) -> None:
        deadline = time.monotonic() + self._busy_timeout
        while True:
            try:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                break
            except sqlalchemy.exc.OperationalError as error:
                # SQLite does not wait here when two processes make the same log at once
                if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() > deadline:
                    raise
                connection.rollback()
                time.sleep(0.01)
        connection.exec_driver_sql(f"PRAGMA synchronous={self._synchronous}")

    def _set_up_tables(self, connection: sa.Connection) -> None:
        if self._version(connection) is None:
            for table in schema.metadata.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    connection.execute(CreateIndex(index, if_not_exists=True))
            row = {"name": schema.decisions.name, "version": schema.VERSION}
            connection.execute(self._insert(schema.versions, "name"), row)
            connection.commit()
        self._upgrade(connection)
        self._check_version(connection)
        connection.commit()

    def _upgrade(self, connection: sa.Connection) -> None:
        """Bring a log of an earlier version to this one, column by column. Two programs that begin at once may
        both try: the one that comes second finds the step done, and an error is its only sign."""
        while (version := self._version(connection)) is not None and version in schema.UPGRADES:
            wanted = (schema.versions.c.name == schema.decisions.name) & (schema.versions.c.version == version)
            try:
                connection.execute(sa.text(schema.UPGRADES[version]))
                connection.execute(sa.update(schema.versions).where(wanted).values(version=version + 1))
                connection.commit()
            except sqlalchemy.exc.DBAPIError:
                connection.rollback()
                if self._version(connection) == version:
                    raise

    def _version(self, connection: sa.Connection) -> int | None:
        if not sa.inspect(connection).has_table(schema.versions.name):
            return None
        wanted = schema.versions.c.name == schema.decisions.name
        found: int | None = connection.execute(sa.select(schema.versions.c.version).where(wanted)).scalar()
        return found

    def _check_version(self, connection: sa.Connection) -> None:
        version = self._version(connection)
        if version != schema.VERSION:
            what = f"its schema has version {version}, this program knows {schema.VERSION}"
            remedy = "Use the version of guardrail that wrote it, or name another place"
            if version in schema.UPGRADES:
                remedy = "Let an app or gateway of this version open it once: that brings it up to date"
            raise log_error(self.shown, what, remedy)


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
        dialect = parsed.get_dialect()
    except (sqlalchemy.exc.ArgumentError, ValueError):  # which may quote a password
        raise LogError(f"decision log: this is not the URL of a log. {_EXAMPLE}") from None
    if dialect.name not in ("sqlite", "postgresql") or dialect.is_async:
        raise LogError(f"decision log: {parsed.drivername} is not supported. {_EXAMPLE}")
    return parsed


def _file(url: sa.URL) -> Path | None:
    if not url.drivername.startswith("sqlite"):
        return None
    if not url.database or url.database == ":memory:" or url.database.startswith("file:") or "\x00" in url.database:
        raise LogError(f"decision log: the SQLite URL does not name a plain file. {_EXAMPLE}")
    if url.query:
        raise LogError(f"decision log: a SQLite URL takes no options after the question mark. {_EXAMPLE}")
    return Path(os.path.abspath(url.database))  # noqa: PTH100 - resolve() would follow links
