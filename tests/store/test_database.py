"""Opening a log: every way in which it fails says which log, why, and what to do."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from guardrail.errors import LogError
from guardrail.store.database import Database
from guardrail.store.reader import read
from guardrail.store.recorder import Recorder
from guardrail.verdict import Decision, Spent


def failure(url: str, decision: Decision) -> str:
    recorder = Recorder(url, busy_timeout=0.1)
    error = recorder.submit(decision).exception(30)
    recorder.close(10)
    assert isinstance(error, LogError)
    assert decision.policy not in str(error)
    return str(error)


@pytest.mark.parametrize(
    "url", ["", "decisions.db", "sqlite://", "sqlite:///:memory:", "sqlite:///file:a.db?uri=true",
        "sqlite:///a.db?timeout=9",
        "sqlite:///a%00.db", "mysql://u:pass-1@h/d",
            "sqlite+aiosqlite:///a.db", "postgresql+none://u:pass-1@h/d", "postgresql://u:pass-1@h:port/d"]
)  # fmt: skip
def test_a_url_that_cannot_be_a_log(url: str) -> None:
    with pytest.raises(LogError, match=r"sqlite:///decisions\.db") as caught:
        Recorder(url)
    assert "pass-1" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_driver_that_is_not_installed_is_named() -> None:
    with pytest.raises(LogError, match="pip install pg8000") as caught:
        Recorder("postgresql+pg8000://u:pass-1@h/d?token=pass-2")
    assert "pass-" not in str(caught.value)


def test_unknown_durability() -> None:
    with pytest.raises(LogError, match="full nor normal"):
        Recorder("sqlite:///a.db", durability="some")


def test_missing_folder(tmp_path: Path, make: Callable[..., Decision]) -> None:
    text = failure(f"sqlite:///{tmp_path}/logs/a.db", make(policy="canary-7"))
    assert text.startswith(f"decision log {tmp_path}/logs/a.db: the folder {tmp_path}/logs does not exist")
    assert "mkdir -p" in text


def test_path_is_a_folder(tmp_path: Path, make: Callable[..., Decision]) -> None:
    assert f"{tmp_path}: this is a folder" in failure(f"sqlite:///{tmp_path}", make(policy="canary-7"))


def test_file_is_something_else(tmp_path: Path, make: Callable[..., Decision]) -> None:
    (tmp_path / "a.db").write_text("not a database " * 500)
    assert "not a SQLite database" in failure(f"sqlite:///{tmp_path}/a.db", make(policy="canary-7"))


def test_database_of_another_program(tmp_path: Path, make: Callable[..., Decision]) -> None:
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("CREATE TABLE decisions (colour TEXT)")
    other.close()
    assert "not those of a decision log" in failure(f"sqlite:///{tmp_path}/a.db", make(policy="canary-7"))


def test_schema_of_another_version(url: str, tmp_path: Path, make: Callable[..., Decision]) -> None:
    Database(url).open().close()
    with sqlite3.connect(tmp_path / "log.db") as other:
        other.execute("UPDATE guardrail_schema SET version = 9")
    other.close()
    assert "version 9, this program knows 3" in failure(url, make(policy="canary-7"))


@pytest.mark.parametrize(("version", "missing"), [(1, ("spent", "models")), (2, ("models",))])
def test_a_log_of_an_earlier_version_is_brought_up_to_date(
    url: str, tmp_path: Path, make: Callable[..., Decision], version: int, missing: tuple[str, ...]
) -> None:
    Database(url).open().close()
    with sqlite3.connect(tmp_path / "log.db") as other:
        for column in missing:
            other.execute(f"ALTER TABLE decisions DROP COLUMN {column}")
        other.execute("UPDATE guardrail_schema SET version = ?", (version,))
    other.close()
    with pytest.raises(LogError, match="brings it up to date"):
        Database(url).open_to_read()
    recorder = Recorder(url)
    recorder.submit(make(spent=Spent(1.5, 20), models=("harm:some-model",))).result(10)
    recorder.close()
    assert [(row.spent, row.models) for row in read(url)] == [(Spent(1.5, 20), ("harm:some-model",))]


# Root may write everywhere, so these run as nobody, in a process of their own.
AS_NOBODY = """
import os, sys
from guardrail.store import database, writer
from guardrail.store.recorder import Recorder
from guardrail.verdict import Action, Decision, Outcome
import sqlalchemy.dialects.sqlite
if os.getuid() == 0:
    os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
recorder = Recorder("sqlite:///" + sys.argv[1], busy_timeout=0.1)
decision = Decision("one", Action.ALLOW, Outcome.ALLOWED, None, (), (), "canary-7", "")
print(type(error := recorder.submit(decision).exception(30)).__name__, error)
"""


def as_nobody(path: Path) -> str:
    command = [sys.executable, "-B", "-c", AS_NOBODY, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=os.getcwd())
    assert "canary-7" not in done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that the user nobody can reach, which pytest's own are not when root runs it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def test_folder_that_cannot_be_entered(reachable: Path) -> None:
    (reachable / "shut" / "logs").mkdir(parents=True)
    (reachable / "shut").chmod(0)
    text = as_nobody(reachable / "shut" / "logs" / "a.db")
    (reachable / "shut").chmod(0o755)
    assert f"a.db: the folder {reachable}/shut/logs cannot be entered (EACCES). Give" in text


def test_unwritable_folder(reachable: Path) -> None:
    reachable.chmod(0o555)
    text = as_nobody(reachable / "a.db")
    assert text.startswith(f"LogError decision log {reachable}/a.db: the file cannot be made (EACCES). Give")


def test_read_only_file(reachable: Path) -> None:
    path = reachable / "a.db"
    Database(f"sqlite:///{path}").open().close()
    path.chmod(0o444)
    reachable.chmod(0o777)
    assert "a.db: it cannot be written (SQLITE_READONLY" in as_nobody(path)


def test_a_new_file_is_for_its_owner_only(url: str, tmp_path: Path) -> None:
    Database(url).open().close()
    assert (tmp_path / "log.db").stat().st_mode & 0o777 == 0o600


def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///a.db")
    monkeypatch.chdir("/")
    database.open().close()
    assert (tmp_path / "a.db").is_file()


@pytest.mark.parametrize(("durability", "number"), [("full", 2), ("normal", 1)])
def test_pragmas(url: str, durability: str, number: int) -> None:
    with Database(url, durability=durability, busy_timeout=1.5).open() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == number
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 1500


def test_a_new_log_that_another_process_is_making_is_waited_for(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # of a file not yet in WAL mode: SQLite answers busy at once
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        if other.in_transaction:
            other.execute("ROLLBACK")

    monkeypatch.setattr("guardrail.store.database.time.sleep", sleep)
    Database(url).open().close()
    other.close()
    assert waited


def test_many_open_a_new_log_at_once(url: str) -> None:
    barrier = threading.Barrier(12)
    failures: list[BaseException] = []

    def open_it() -> None:
        database = Database(url)
        barrier.wait()
        try:
            database.open().close()
        except (LogError, sa.exc.SQLAlchemyError) as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_connection_to_read_cannot_write(url: str) -> None:
    database = Database(url)
    database.open().close()
    with database.open_to_read() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM decisions")
