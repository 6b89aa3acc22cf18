"""Reading: the order, the cursor, and what is said where there is nothing to read."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from guardrail.errors import LogError
from guardrail.store import reader
from guardrail.store.reader import read
from guardrail.store.recorder import Recorder
from guardrail.verdict import Decision, Finding, Gap

Make = Callable[..., Decision]


@pytest.fixture
def filled(recorder: Recorder, url: str, make: Make) -> str:
    # two of each time, so that the id must break the tie
    for number in [4, 0, 3, 1, 6, 5, 2]:
        recorder.submit(make(f"id-{number}", time=float(number // 2)))
    recorder.flush(10)
    return url


def numbers(url: str, **options: object) -> list[int]:
    return [int(decision.id[3:]) for decision in read(url, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize("page", [1, 2, 3, 500])
def test_order_limit_and_cursor(filled: str, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_PAGE", page)
    assert numbers(filled) == [0, 1, 2, 3, 4, 5, 6]
    assert numbers(filled, limit=None, newest_first=True) == [6, 5, 4, 3, 2, 1, 0]
    assert numbers(filled, limit=3) == [0, 1, 2]
    assert numbers(filled, limit=3, newest_first=True) == [6, 5, 4]
    assert numbers(filled, limit=2, after="id-2") == [3, 4]
    assert numbers(filled, limit=2, after="id-2", newest_first=True) == [1, 0]
    assert numbers(filled, after="id-6") == []
    assert numbers(filled, limit=0) == []


def test_everything_comes_back(recorder: Recorder, url: str, make: Make) -> None:
    decision = make(
        "a\x00\ud800",
        findings=(Finding("insults", 0.1 + 0.2, 3, 9, "words", flagged=False),),
        not_evaluated=(Gap("m", "timeout", "input"),),
        skipped=("words:system",),
        user="u",
        review="r",
        status=403,
    )
    recorder.submit(decision).result(10)
    assert list(read(url)) == [decision]
    assert list(read(url, after=decision.id)) == []


def test_unknown_cursor(filled: str) -> None:
    with pytest.raises(LogError, match="no decision of the id given") as caught:
        read(filled, after="canary-7")
    assert "canary-7" not in str(caught.value)


def test_no_log_there_yet(url: str, tmp_path: Path) -> None:
    with pytest.raises(LogError, match=r"log\.db: there is no log there yet\. It is made when"):
        read(url)
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_a_log(url: str, tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "log.db").close()
    (tmp_path / "log.db").touch()
    with pytest.raises(LogError, match="no log there yet"):
        read(url)


def test_none_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAIL_LOG", "none")
    with pytest.raises(LogError, match="GUARDRAIL_LOG"):
        read()


def test_not_a_database(url: str, tmp_path: Path) -> None:
    (tmp_path / "log.db").write_text("canary-7 " * 500)
    with pytest.raises(LogError, match="not a SQLite database") as caught:
        read(url)
    assert caught.value.__context__ is None


def test_a_path_with_marks_of_a_uri(tmp_path: Path, make: Make) -> None:
    folder = tmp_path / "a b#c%20d"
    folder.mkdir()
    url = f"sqlite:///{quote(str(folder))}/log.db"
    recorder = Recorder(url)
    recorder.submit(make()).result(10)
    recorder.close(10)
    assert [decision.id for decision in read(url)] == ["one"]
    assert [decision.id for decision in read(recorder.url)] == ["one"]
    assert os.listdir(folder) == ["log.db"]


def test_reading_does_not_keep_writers_waiting(filled: str, recorder: Recorder, make: Make) -> None:
    rows = read(filled, limit=None)
    next(rows)
    assert recorder.submit(make("id-9", time=9.0)).exception(10) is None
    assert len(list(rows)) >= 6
