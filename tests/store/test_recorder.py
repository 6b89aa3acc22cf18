"""The three recorders have one surface, and a resolved future means what it says."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from guardrail.errors import LogError
from guardrail.store.reader import read
from guardrail.store.recorder import MemoryRecorder, NullRecorder, Recorder, RecorderLike, memory, open_recorder
from guardrail.verdict import Decision

Make = Callable[..., Decision]


def ids(url: str) -> list[str]:
    return [decision.id for decision in read(url, limit=None)]


def test_making_one_touches_no_disk(tmp_path: Path) -> None:
    Recorder(f"sqlite:///{tmp_path}/log.db").close()
    assert list(tmp_path.iterdir()) == []


def test_opening_at_once(tmp_path: Path, make: Make) -> None:
    recorder = Recorder(f"sqlite:///{tmp_path}/late/log.db")
    with pytest.raises(LogError, match="does not exist"):
        recorder.open()
    (tmp_path / "late").mkdir()
    recorder.open()
    recorder.open()
    assert (tmp_path / "late" / "log.db").is_file()
    assert recorder.submit(make()).exception(10) is None
    recorder.close(10)
    with pytest.raises(LogError, match="closed"):
        recorder.open()


def test_a_resolved_future_is_a_row(recorder: Recorder, url: str, make: Make) -> None:
    decision = make(text="hello")
    assert recorder.submit(decision).result(10) is None
    assert list(read(url)) == [decision]


def test_one_row_for_each_of_sixteen_threads(recorder: Recorder, url: str, make: Make) -> None:
    def work(number: int) -> None:
        for count in range(200):
            recorder.submit(make(f"{number}-{count}")).result(30)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ids(url)) == sorted(f"{number}-{count}" for number in range(16) for count in range(200))


def test_the_same_decision_twice_is_one_row(recorder: Recorder, url: str, make: Make) -> None:
    futures = [recorder.submit(make("same")) for _ in range(50)]
    assert [future.exception(10) for future in futures] == [None] * 50
    assert recorder.submit(make("same")).exception(10) is None
    assert ids(url) == ["same"]


def test_another_decision_with_the_same_id_is_an_error(recorder: Recorder, url: str, make: Make) -> None:
    first = recorder.submit(make("same", text="a"))
    second = recorder.submit(make("same", text="canary-7"))
    third = recorder.submit(make("else"))
    assert (first.exception(10), third.exception(10)) == (None, None)
    with pytest.raises(LogError, match="another decision has the same id") as caught:
        second.result(10)
    assert "canary-7" not in str(caught.value)
    assert [decision.text for decision in read(url)] == [None, "a"]


def test_a_row_that_cannot_be_written_fails_alone(recorder: Recorder, url: str, make: Make) -> None:
    bad = [make("nan", time=float("nan")), make("big", status=2**80), make("type", text=["canary-7"])]
    futures = [recorder.submit(decision) for decision in [make("a"), *bad, make("z")]]
    errors = [future.exception(10) for future in futures]
    assert errors[0] is None is errors[4]
    for error in errors[1:4]:
        assert isinstance(error, LogError)
        assert "canary-7" not in str(error)
        assert error.__context__ is error.__cause__ is None
    assert ids(url) == ["a", "z"]


def test_a_waiting_caller_cannot_undo_its_decision(recorder: Recorder, url: str, make: Make) -> None:
    future = recorder.submit(make())
    assert not future.cancel()
    assert future.result(10) is None
    assert ids(url) == ["one"]


def test_flush_waits_for_all_before_it(recorder: Recorder, make: Make) -> None:
    futures = [recorder.submit(make(str(number))) for number in range(3000)]
    recorder.flush(30)
    assert all(future.done() for future in futures)


def test_closing_writes_what_is_queued_and_takes_no_more(url: str, make: Make) -> None:
    recorder = Recorder(url)
    futures = [recorder.submit(make(str(number))) for number in range(500)]
    recorder.close(30)
    recorder.close(30)
    recorder.flush(30)
    assert all(future.done() for future in futures)
    assert len(ids(url)) == 500
    assert isinstance(recorder.submit(make("late")).exception(0), LogError)


def test_closing_within_a_callback(url: str, make: Make) -> None:
    recorder = Recorder(url)
    seen: list[str] = []
    called = threading.Event()

    def callback(_: object) -> None:
        try:
            recorder.flush()
        except LogError as error:
            seen.append(str(error))
        recorder.close()
        called.set()

    recorder.submit(make()).add_done_callback(callback)
    assert called.wait(10)
    assert "another thread" in seen[0]
    recorder.close(10)


def test_a_forgotten_recorder_writes_what_it_has_and_ends_its_thread(url: str, make: Make) -> None:
    before = set(threading.enumerate())
    recorder = Recorder(url)
    future = recorder.submit(make())
    (thread,) = set(threading.enumerate()) - before
    del recorder
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
    assert future.exception(0) is None


AT_EXIT = """
import sys
from guardrail.store.recorder import Recorder
from guardrail.verdict import Action, Decision, Outcome
recorder = Recorder(sys.argv[1])
for number in range(2000):
    recorder.submit(Decision(str(number), Action.ALLOW, Outcome.ALLOWED, None, (), (), "", ""))
"""


def test_the_end_of_the_interpreter_loses_nothing(url: str) -> None:
    subprocess.run([sys.executable, "-c", AT_EXIT, url], check=True, timeout=60)
    assert len(ids(url)) == 2000


LIGHT = """
import sys
from guardrail.store.recorder import open_recorder
open_recorder("none")
sys.exit("sqlalchemy" in sys.modules)
"""


def test_keeping_nothing_does_not_load_sqlalchemy() -> None:
    subprocess.run([sys.executable, "-c", LIGHT], check=True, timeout=60)


def test_null(make: Make) -> None:
    recorder: RecorderLike = NullRecorder()
    recorder.open()
    assert recorder.submit(make()) is recorder.submit(make("two"))
    assert recorder.submit(make()).result(0) is None
    recorder.flush()
    recorder.close()
    assert recorder.url == "none"


def test_memory(make: Make) -> None:
    recorder = memory()
    recorder.open()
    assert isinstance(recorder, MemoryRecorder)
    for decision in [make("b"), make("a"), make("b")]:
        assert recorder.submit(decision).result(0) is None
    assert recorder.rows == [make("b"), make("a")]
    assert isinstance(recorder.submit(make("a", text="x")).exception(0), LogError)
    recorder.flush()
    recorder.close()
    assert isinstance(recorder.submit(make("c")).exception(0), LogError)
    assert len(recorder.rows) == 2


def test_where_a_recorder_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GUARDRAIL_LOG", raising=False)
    assert open_recorder().url == f"sqlite:///{tmp_path}/decisions.db"
    monkeypatch.setenv("GUARDRAIL_LOG", "none")
    assert isinstance(open_recorder(), NullRecorder)
    assert open_recorder("sqlite:////x/y.db").url == "sqlite:////x/y.db"
    monkeypatch.setenv("GUARDRAIL_LOG", "")
    assert open_recorder(durability="normal").url == f"sqlite:///{tmp_path}/decisions.db"
