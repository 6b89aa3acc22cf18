"""Small things that grow (threat T66): a worker held to 320 MB answers each, lives, and gives the memory back.

The worker is a process of its own that serves the ``default`` policy in memory, over ASGI. It is held by
RLIMIT_DATA, which counts what it can write to; RLIMIT_AS would count what numpy and threads only reserve.
It runs with MALLOC_ARENA_MAX=1: glibc keeps what each thread has freed for that thread, some 20 MB apiece.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LIMIT, SLACK = 320 << 20, 32 << 20
"""SLACK: what native libraries keep for the next text; it does not grow when a bomb comes again. The embedded model's accurate tier and its runtime take some 60 MB of it when they are loaded."""
STEP = 1 << 16
CHAT, WALKED = "/v1/chat/completions", "/ask"
Pieces = Iterator[bytes]
NORMAL = b'{"model":"m","messages":[{"role":"user","content":"What is a good name for a cat?"}]}'
FINE = b'{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Tom"}}]}'


@dataclass(frozen=True)
class Bomb:
    """A request, or an answer to a normal one. Both are made piece by piece, so that making them costs nothing."""

    body: Callable[[], Pieces] = lambda: iter((NORMAL,))
    headers: tuple[tuple[str, str], ...] = ()
    path: str = CHAT
    answer: Callable[[], Pieces] = lambda: iter((FINE,))
    media: str = "application/json"  # of the request
    answers: str = "application/json"  # media type of the answer


def repeated(
    unit: bytes, count: int, before: bytes = b"", after: bytes = b"", last: bytes = b""
) -> Callable[[], Pieces]:
    """``before``, then the unit so many times, then ``last`` and ``after``."""

    def made() -> Pieces:
        yield before
        each = max(1, STEP // len(unit))
        for done in range(0, count, each):
            yield unit * min(each, count - done)
        yield last + after

    return made


def numbered(form: str, count: int, before: bytes, after: bytes) -> Callable[[], Pieces]:
    """Items that differ by their number, with commas between."""

    def made() -> Pieces:
        yield before
        for start in range(0, count, 4096):
            yield (("," if start else "") + ",".join(form % n for n in range(start, min(count, start + 4096)))).encode()
        yield after

    return made


def said(unit: bytes, count: int) -> Callable[[], Pieces]:
    """One user message of this text, repeated inside its quotes."""
    return repeated(unit, count, b'{"model":"m","messages":[{"role":"user","content":"', b'"}]}')


def zeros(coding: str, megabytes: int = 256) -> Callable[[], Pieces]:
    """So many megabytes of zero bytes, packed."""

    def made() -> Pieces:
        block = bytes(1 << 20)
        if coding == "br":
            import brotli

            br = brotli.Compressor(quality=5)
            for _ in range(megabytes):
                yield br.process(block)
            yield br.finish()
        elif coding == "zstd":
            from backports import zstd

            packer = zstd.ZstdCompressor(level=3)
            for _ in range(megabytes):
                yield packer.compress(block)
            yield packer.flush()
        else:
            inner = zlib.compressobj(9, zlib.DEFLATED, 15 if coding == "deflate" else 31)
            for _ in range(megabytes):
                yield inner.compress(block)
            yield inner.flush()

    return made


def gzip_twice() -> Pieces:
    outer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for piece in zeros("gzip")():
        yield outer.compress(piece)
    yield outer.flush()


def json_in_json() -> Pieces:
    text = '"a"'
    for _ in range(18):
        text = json.dumps({"j": text}) if len(text) < 3_000_000 else json.dumps(text)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text[:6_000_000]}}
    yield json.dumps({"messages": [{"role": "assistant", "tool_calls": [call]}]}).encode()


def parts(count: int, header: bytes = b"", value: bytes = b"1") -> Callable[[], Pieces]:
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n' + header + b"\r\n" + value + b"\r\n"
    return repeated(part, count, last=b"--b--\r\n")


def hostile() -> Pieces:
    """Runs in which a careless pattern for addresses, numbers, keys or tokens would go back and forth."""
    runs = (
        b"a.",
        b"a@",
        b"a@b.",
        b"4 1-1 ",
        b"+1 (1) 1-",
        b"1.1.",
        b"::1:",
        b"eyJa.",
        b"sk-",
        b"AKIA",
        b"DE44 ",
        b"-----BEGIN ",
        b"-a-",
        b"0x",
    )
    yield b'{"messages":[{"role":"user","content":"'
    for run in runs:
        for _ in range(4):
            yield run * (STEP // len(run))
    yield b'"}]}'


HUGE = 1 << 30
FORM = "multipart/form-data; boundary=b"
EVENTS, ROWS = "text/event-stream", "application/x-ndjson"
GROWS = "\ufdfa".encode()  # one character that compatibility forms make eighteen
BOMBS: dict[str, Bomb] = {
    "zeros, gzip": Bomb(zeros("gzip"), (("content-encoding", "gzip"),)),
    "zeros, gzip twice": Bomb(gzip_twice, (("content-encoding", "gzip, gzip"),)),
    "zeros, deflate": Bomb(zeros("deflate"), (("content-encoding", "deflate"),)),
    "zeros, brotli": Bomb(zeros("br"), (("content-encoding", "br"),)),
    "zeros, zstd": Bomb(zeros("zstd"), (("content-encoding", "zstd"),)),
    "nested lists": Bomb(repeated(b"[", 5_000_000)),
    "nested objects": Bomb(repeated(b'{"a":', 1_500_000)),
    "a million keys": Bomb(numbered('"%x":0', 1_000_000, b"{", b"}")),
    "a million empty lists": Bomb(repeated(b"[],", 1_000_000, b"[", b"0]"), path=WALKED),
    "a number of 100,000 digits": Bomb(repeated(b"9", 100_000, b'{"n":', b"}")),
    "a huge exponent": Bomb(lambda: iter((b'{"n":1e999999999}',))),
    "10,000 parts": Bomb(parts(10_000), path="/upload", media=FORM),
    "a huge part header": Bomb(parts(1, b"X-A: " + b"x" * 4_000_000 + b"\r\n"), path="/upload", media=FORM),
    "a long line from upstream": Bomb(answer=repeated(b"x", HUGE, b"data: "), answers=EVENTS),
    "an event without end": Bomb(answer=repeated(b"data: xxxxxxxxxxxxxxxx\n", HUGE // 23), answers=EVENTS),
    "a row without end": Bomb(answer=repeated(b"x", HUGE, b'{"response":"'), answers=ROWS, path=WALKED),
    "an answer without end": Bomb(answer=repeated(b"x", HUGE, b'{"a":"')),
    "an answer of zeros, gzip": Bomb(answer=zeros("gzip"), answers="application/json+gzip"),
    "characters that grow": Bomb(said(GROWS, 3_000_000)),
    "one long string": Bomb(said(b"word ", 1_800_000)),
    "200,000 messages": Bomb(repeated(b'{"role":"user","content":"x"},', 200_000, b'{"messages":[', b"{}]}")),
    "a million escapes": Bomb(said(rb"\u0041", 1_000_000)),
    "JSON in JSON": Bomb(json_in_json),
    "text against patterns": Bomb(hostile),
    "a body without end": Bomb(repeated(b"x", HUGE, b'{"a":"')),
    "400,000 tool names": Bomb(numbered('{"name":"t%d"}', 400_000, b'{"messages":[],"tools":[', b"]}")),
    "a flood of headers": Bomb(headers=tuple((f"x-{n}", "y" * 100) for n in range(20_000))),
}
LARGE = (
    Bomb(said("длинный текст, 100 % обычный. ".encode(), 10_000)),  # not plain: what undoes disguises looks at it
    Bomb(said(b"some words of a long document ", 30_000)),
    Bomb(numbered('{"role":"user","content":"message %d"}', 4_000, b'{"messages":[', b"]}"), path=WALKED),
    Bomb(answer=repeated(b"word ", 200_000, b'{"a":"', b'"}')),
)
"""What is large and usual: the memory that serving these takes is where the worker starts from."""


# -- the worker ----------------------------------------------------------------------------------


def resident() -> int:
    """Bytes of memory that this process holds, less what is free already and the C library keeps for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Worker:
    """Serves in this process, and is its own caller and upstream."""

    def __init__(self) -> None:
        from guardrail import Guard, GuardrailMiddleware

        guard = Guard.from_policy("default", log="none")
        self.rows = 0
        submit = guard.submit

        def counted(decision: Any) -> Any:
            self.rows += 1
            return submit(decision)

        guard.submit = counted  # type: ignore[method-assign]
        self._now = Bomb()
        self._app = GuardrailMiddleware(self._upstream, guard)

    async def _upstream(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body", False):
            pass
        bomb = self._now
        media, _, coding = bomb.answers.partition("+")
        head = [(b"content-type", media.encode()), *([(b"content-encoding", coding.encode())] if coding else [])]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        for piece in bomb.answer():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def ask(self, bomb: Bomb) -> dict[str, Any]:
        """One call; the answer is counted, not kept."""
        self._now, self.rows = bomb, 0
        pieces = bomb.body()
        heard = {"status": 0, "bytes": 0, "ended": False}

        async def receive() -> dict[str, Any]:
            piece = next(pieces, None)
            if piece is None:
                return {"type": "http.request", "body": b"", "more_body": False}
            return {"type": "http.request", "body": piece, "more_body": True}

        async def send(message: Any) -> None:
            heard["status"] = message.get("status", heard["status"])
            heard["bytes"] += len(message.get("body", b""))
            heard["ended"] = message["type"] == "http.response.body" and not message.get("more_body", False)

        headers = [("content-type", bomb.media), *bomb.headers]
        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": bomb.path,
            "raw_path": bomb.path.encode(), "query_string": b"", "headers": [(k.encode(), v.encode()) for k, v in headers],
            "client": ("127.0.0.1", 1), "server": ("test", 80), "extensions": {},
        }  # fmt: skip
        begun, raised = time.perf_counter(), ""
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - a server would answer 500; here it is told
            raised = type(error).__name__
        return {**heard, "rows": self.rows, "raised": raised, "seconds": time.perf_counter() - begun}


async def serve() -> None:
    """Answers names of bombs, line by line, with what became of them."""
    worker = Worker()
    for usual in (*[Bomb()] * 20, *LARGE * 2):
        assert (await worker.ask(usual))["status"] == 200
    print(json.dumps({"rss": resident()}), flush=True)
    for line in sys.stdin:
        told = await worker.ask(BOMBS[line.strip()])
        told["after"] = (await worker.ask(Bomb()))["status"]
        print(
            json.dumps({**told, "rss": resident(), "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}),
            flush=True,
        )


class Held:
    """The worker seen from the test. One that died is started anew for the next bomb."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.start = 0

    def _begin(self) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.test_bombs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=Path(__file__).parent.parent, env=environment, preexec_fn=held,
        )  # fmt: skip
        self.start = self._hear(self.process)["rss"]

    def _hear(self, process: subprocess.Popen[str]) -> Any:
        assert process.stdout is not None
        if not (line := process.stdout.readline()):
            self.process = None
            self._end(process)
            raise AssertionError(f"the worker has died: {process.returncode}")
        return json.loads(line)

    def ask(self, name: str) -> Any:
        if self.process is None:
            self._begin()
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return self._hear(self.process)

    def close(self) -> None:
        if self.process is not None:
            self._end(self.process)

    def _end(self, process: subprocess.Popen[str]) -> None:
        with process, suppress(BrokenPipeError):
            assert process.stdin is not None
            process.stdin.close()


def held() -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT))


@pytest.fixture(scope="module")
def worker() -> Iterator[Held]:
    if not Path("/proc/self/statm").exists():
        pytest.skip("memory is measured by /proc")
    made = Held()
    yield made
    made.close()


@pytest.mark.parametrize("name", BOMBS)
def test_a_worker_of_320_megabytes_lives_on(worker: Held, name: str) -> None:
    told = worker.ask(name)
    assert told["raised"] == ""
    assert 200 <= told["status"] <= 599
    assert told["ended"]
    assert told["rows"] == 1
    assert told["after"] == 200
    assert told["rss"] <= worker.start * 1.1 + SLACK, f"{told['rss'] >> 20} MB, from {worker.start >> 20} MB"


def test_there_are_twenty_kinds() -> None:
    assert len(BOMBS) >= 20


if __name__ == "__main__":
    asyncio.run(serve())
