"""The writer under what goes wrong: kill, lock, full disk, fork, a second process."""

from __future__ import annotations

import faulthandler
import os
import random
import select
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guardrail.errors import LogError
from guardrail.store.database import Database
from guardrail.store.reader import read
from guardrail.store.recorder import Recorder
from guardrail.store.writer import Order, Writer
from guardrail.verdict import Decision

Make = Callable[..., Decision]


def ids(url: str) -> list[str]:
    return [decision.id for decision in read(url, limit=None)]


@contextmanager
def locked(file: Path) -> Iterator[None]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


PREAMBLE = """
import os, sys, threading
from guardrail.store.recorder import Recorder
from guardrail.verdict import Action, Decision, Outcome
def make(id, policy=""):
    return Decision(id, Action.ALLOW, Outcome.ALLOWED, None, (), (), policy, "", time=1.0)
recorder = Recorder(sys.argv[1])
"""
UNTIL_KILLED = (
    PREAMBLE
    + """
def work(number):
    count = 0
    while True:
        id = f"{os.getpid()}-{number}-{count}"
        recorder.submit(make(id)).result()
        os.write(1, (id + "\\n").encode())
        count += 1
for number in range(4):
    threading.Thread(target=work, args=(number,)).start()
"""
)


def test_kill_loses_nothing_acknowledged(url: str) -> None:
    acknowledged: list[str] = []
    for cycle in range(5):
        child = subprocess.Popen([sys.executable, "-c", UNTIL_KILLED, url], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(random.Random(cycle).randrange(1, 300)):
            acknowledged.append(child.stdout.readline().strip())
        child.send_signal(signal.SIGKILL)
        # a last line that the kill has cut is whole or absent: one write of few bytes to a pipe
        acknowledged += child.stdout.read().split()
        child.stdout.close()
        child.wait(30)
    stored = ids(url)
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    assert len(stored) - len(set(acknowledged)) <= 5 * 4 * 2


COUNTED = (
    PREAMBLE
    + """
futures = [recorder.submit(make(f"{sys.argv[2]}-{count}")) for count in range(50)]
sys.stdin.readline()
for count in range(50, 1500):
    recorder.submit(make(f"{sys.argv[2]}-{count}")).result()
assert all(future.exception() is None for future in futures)
"""
)


def test_two_processes_write_at_once(url: str) -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", COUNTED, url, name], stdin=subprocess.PIPE, text=True) for name in "ab"
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.close()
    assert [child.wait(120) for child in children] == [0, 0]
    assert sorted(ids(url)) == sorted(f"{name}-{count}" for name in "ab" for count in range(1500))


def test_locked_for_too_long_then_free(url: str, tmp_path: Path, make: Make) -> None:
    recorder = Recorder(url, busy_timeout=0.1)
    recorder.submit(make("before")).result(10)
    with locked(tmp_path / "log.db"):
        futures = [recorder.submit(make(f"during-{n}", policy="canary-7", text="canary-7")) for n in range(3)]
        for future in futures:
            with pytest.raises(LogError, match=r"log\.db: it is locked by another process \(SQLITE_BUSY") as caught:
                future.result(30)
            assert "canary-7" not in str(caught.value)
    recorder.submit(make("after")).result(10)
    recorder.close(10)
    assert ids(url) == ["after", "before"]


def test_locked_for_a_moment_is_waited_for(recorder: Recorder, url: str, tmp_path: Path, make: Make) -> None:
    recorder.submit(make("before")).result(10)
    with locked(tmp_path / "log.db"):
        future = recorder.submit(make("during"))
        with pytest.raises(LogError, match=r"not all decisions were written in 0\.05 s"):
            recorder.flush(0.05)
        assert not future.done()
    assert future.result(10) is None
    assert len(ids(url)) == 2


FULL = (
    PREAMBLE
    + """
import resource
from guardrail.errors import LogError
recorder.submit(make("before")).result()
size = os.path.getsize(sys.argv[2] + "-wal")
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10_000, resource.RLIM_INFINITY))
error = recorder.submit(make("during", "canary-7" * 100_000)).exception()
assert type(error) is LogError, error
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
recorder.submit(make("after")).result()
print(error)
"""
)


def test_no_room_then_room_again(url: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, url, str(tmp_path / "log.db")]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert "log.db: the disk " in done.stdout
    assert "canary-7" not in done.stdout + done.stderr
    assert ids(url) == ["after", "before"]


def test_a_folder_that_comes_later(tmp_path: Path, make: Make) -> None:
    recorder = Recorder(f"sqlite:///{tmp_path}/late/log.db")
    assert isinstance(recorder.submit(make()).exception(10), LogError)
    (tmp_path / "late").mkdir()
    assert recorder.submit(make()).exception(10) is None
    recorder.close(10)


def test_each_waiting_caller_gets_an_error_of_its_own(tmp_path: Path, make: Make) -> None:
    recorder = Recorder(f"sqlite:///{tmp_path}/none/log.db")
    futures = [recorder.submit(make(str(number))) for number in range(100)]
    errors = [future.exception(10) for future in futures]
    recorder.close(10)
    assert len({id(error) for error in errors}) == 100


def test_those_who_come_during_a_commit_share_the_next(url: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    started, go_on = threading.Event(), threading.Event()
    commit = Writer._commit

    def slow(self: Writer, rows: list[dict[str, object]]) -> set[int]:
        sizes.append(len(rows))
        started.set()
        assert go_on.wait(10)
        return commit(self, rows)

    monkeypatch.setattr(Writer, "_commit", slow)
    writer = Writer(Database(url))
    first = writer.put(make("first"))
    assert started.wait(10)
    others = [writer.put(make(str(number))) for number in range(20)]
    go_on.set()
    assert [future.result(10) for future in [first, *others]] == [None] * 21
    writer.order(Order.STOP, 10)
    assert sizes == [1, 20]


def exit_status(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_parent_and_child_write_on_after_a_fork(recorder: Recorder, url: str, make: Make) -> None:
    queued = [recorder.submit(make(f"queued-{number}")) for number in range(100)]
    child = os.fork()
    if child == 0:
        status = 1
        try:
            # what was queued is the parent's, and was written before the fork: once
            known = all(future.done() for future in queued)
            for number in range(100):
                recorder.submit(make(f"child-{number}")).result(30)
            recorder.close(30)
            status = 0 if known else 2
        finally:
            os._exit(status)
    for number in range(100):
        recorder.submit(make(f"parent-{number}")).result(30)
    assert exit_status(child) == 0
    expected = {f"{who}-{number}" for who in ("queued", "child", "parent") for number in range(100)}
    stored = ids(url)
    assert len(stored) == 300
    assert set(stored) == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_no_connection_lives_through_a_fork(url: str, tmp_path: Path, make: Make) -> None:
    recorder = Recorder(url)
    recorder.submit(make()).result(10)
    child = os.fork()
    if child == 0:
        names = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd.isdigit()
                 if os.path.lexists(f"/proc/self/fd/{fd}")] if os.path.isdir("/proc/self/fd") else []  # fmt: skip
        os._exit(any(str(tmp_path) in name for name in names))
    assert exit_status(child) == 0
    recorder.close(10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forks_while_threads_submit(recorder: Recorder, url: str, make: Make) -> None:
    stop = threading.Event()
    counts = [0, 0, 0]

    def work(number: int) -> None:
        while not stop.is_set():
            recorder.submit(make(f"t{number}-{counts[number]}")).result(30)
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(10):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                recorder.submit(make(f"child-{number}")).result(30)
                recorder.close(30)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    statuses = [exit_status(child) for child in children]
    stop.set()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 10
    assert len(ids(url)) == sum(counts) + 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_fork_within_a_callback(url: str, make: Make) -> None:
    recorder = Recorder(url)
    children: list[int] = []
    forked = threading.Event()

    def callback(_: object) -> None:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                recorder.submit(make("child")).result(30)
                recorder.close(30)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
        forked.set()

    recorder.submit(make("first")).add_done_callback(callback)
    second = recorder.submit(make("second"))
    assert forked.wait(30)
    assert second.result(30) is None
    assert exit_status(children[0]) == 0
    recorder.close(10)
    assert sorted(ids(url)) == ["child", "first", "second"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_copy_of_the_writer_ends_in_the_child(url: str, make: Make) -> None:
    if "onnxruntime" in sys.modules:
        pytest.skip("ONNX runtime was used in this process before: its copy may not end, whatever the writer does")
    recorder = Recorder(url)
    ended, held_by_child = os.pipe()
    children: list[int] = []
    forked = threading.Event()

    def callback(_: object) -> None:
        child = os.fork()
        if child:  # the child's only thread goes back to the writer's loop
            children.append(child)
            forked.set()
        else:
            faulthandler.disable()  # how a process without its main thread ends is not our matter

    recorder.submit(make()).add_done_callback(callback)
    assert forked.wait(30)
    os.close(held_by_child)
    ready, _, _ = select.select([ended], [], [], 30)
    os.close(ended)
    if not ready:
        os.kill(children[0], signal.SIGKILL)
    exit_status(children[0])
    assert ready
    recorder.close(10)
