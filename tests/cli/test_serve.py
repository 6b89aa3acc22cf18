from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardrail.cli.main import main
from guardrail.demo.model import demo_model
from guardrail.demo.server import served
from guardrail.store.reader import read

REFUSED = "GUARDRAIL-TEST-REFUSE"


@pytest.fixture(scope="module")
def gateway(start: Any) -> Any:
    """One over the demo model, that tests share and leave as it is."""
    return start("--upstream", "demo")


def chat(url: str, text: str, **more: Any) -> httpx.Response:
    asked = {"model": "demo", "messages": [{"role": "user", "content": text}], **more}
    return httpx.post(f"{url}/v1/chat/completions", json=asked, timeout=30)


def deltas(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith("data: {"):
            yield from (choice["delta"].get("content") or "" for choice in json.loads(line[6:])["choices"])


def test_one_line_says_where_it_listens(gateway: Any) -> None:
    assert gateway.out == [f"listening on {gateway.url}"]
    assert gateway.url.startswith("http://127.0.0.1:")


def test_health_and_readiness(gateway: Any) -> None:
    assert httpx.get(f"{gateway.url}/healthz").json() == {"status": "ok"}
    ready = httpx.get(f"{gateway.url}/readyz")
    assert (ready.status_code, ready.json()["ready"], ready.json()["policy"]) == (200, True, "default")


def test_what_stands_at_the_start_is_left_alone_by_garbage_collections() -> None:
    """In a process of its own, for a freeze is the whole process's."""
    script = """
        import gc, os, signal
        from unittest.mock import Mock
        from guardrail.cli import server

        async def app(scope, receive, send):
            await receive()
            await send({"type": "lifespan.startup.complete"})
            print("before", gc.get_freeze_count())
            await receive()
            print("after", gc.get_freeze_count() > 10_000)
            await send({"type": "lifespan.shutdown.complete"})

        server.print = lambda *said, **how: os.kill(os.getpid(), signal.SIGTERM)  # "listening": end it
        server.serve(app, Mock(), server.listen("127.0.0.1", 0))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["before 0", "after True"]


def test_a_chat_is_answered(gateway: Any) -> None:
    answered = chat(gateway.url, "What is the capital of France?")
    assert answered.status_code == 200
    assert answered.json()["choices"][0]["message"]["content"] == "The capital of France is Paris."
    assert httpx.get(f"{gateway.url}/v1/models").json()["data"][0]["id"] == "demo"


def test_a_chat_is_refused(gateway: Any) -> None:
    refused = chat(gateway.url, REFUSED).json()["choices"][0]
    assert refused["finish_reason"] == "content_filter"
    assert REFUSED not in refused["message"]["content"]


def test_addresses_are_those_of_connections(start: Any, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("guardrail: 1\nextends: default\nlimits: [{per: address, take: 1 requests/hour}]\n")
    url = f"{start('--upstream', 'demo', '--policy', str(policy)).url}/v1/chat/completions"
    asked = {"model": "demo", "messages": [{"role": "user", "content": "hello"}]}
    answers = [
        httpx.post(url, json=asked, headers={"x-forwarded-for": f"192.0.2.{n}", "forwarded": f"for=192.0.2.{n}"})
        for n in (1, 2)
    ]
    assert [answer.status_code for answer in answers] == [200, 429]


def test_a_running_stream_ends_before_the_process_does(start: Any, tmp_path: Path) -> None:
    gateway = start("--upstream", "demo", "--log", f"sqlite:///{tmp_path}/d.db")
    long = "word " * 50  # about a second of the demo model's time
    asked = {"model": "demo", "messages": [{"role": "user", "content": long}], "stream": True}
    with httpx.stream("POST", f"{gateway.url}/v1/chat/completions", json=asked, timeout=30) as response:
        lines = response.iter_lines()
        said = next(text for text in deltas(lines) if text)
        gateway.process.send_signal(signal.SIGTERM)
        gateway.said("Shutting down")
        rest = list(lines)
    assert said + "".join(deltas(iter(rest))) == f"You said: {long}"
    assert [line for line in rest if line][-1] == "data: [DONE]"
    assert gateway.ended() == 0
    (row,) = read(f"sqlite:///{tmp_path}/d.db")
    assert (row.action.word, row.ended, row.wire, row.door) == ("allow", "complete", "openai.chat", "gateway")


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no such signal here")
def test_the_policy_is_read_again(start: Any, tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"

    def write(word: str) -> None:
        policy.write_text(
            f"guardrail: 1\nchecks:\n  w: {{use: words, words: [{word}], category: custom/w}}\n"
            "input: [w]\nrules: [{when: custom/w, do: refuse}]\n"
        )

    def refuses(word: str) -> bool:
        return bool(chat(server.url, word).json()["choices"][0]["finish_reason"] == "content_filter")

    write("kiwi")
    server = start("--upstream", "demo", "--policy", str(policy))
    assert (refuses("kiwi"), refuses("lemon")) == (True, False)
    write("lemon")
    server.process.send_signal(signal.SIGHUP)
    server.said("reloaded")
    assert (refuses("kiwi"), refuses("lemon")) == (False, True)
    policy.write_text("guardrail: 1\nnonsense: true\n")
    server.process.send_signal(signal.SIGHUP)
    line = server.said("not reloaded")
    assert "p.yaml:2" in line
    assert (refuses("kiwi"), refuses("lemon")) == (False, True)
    assert server.stop(signal.SIGINT) == 0


def test_the_upstreams_key_comes_from_the_environment(start: Any) -> None:
    seen: list[bytes] = []
    model = demo_model(delay=0)

    async def upstream(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.extend(value for name, value in scope["headers"] if name == b"authorization")
        await model(scope, receive, send)

    with served(upstream) as address:
        keyed = start("--upstream", f"{address}/v1", "--upstream-key-env", "THE_KEY", env={"THE_KEY": "sk-ours"})
        headers = {"authorization": "Bearer sk-theirs"}
        asked = {"model": "demo", "messages": [{"role": "user", "content": "hello"}]}
        response = httpx.post(f"{keyed.url}/v1/chat/completions", json=asked, headers=headers, timeout=30)
        assert response.status_code == 200
        names = [name for name, _ in response.headers.multi_items()]
        assert sorted(names) == sorted(set(names)), "the upstream's own headers come once"
        assert "date" in names
        assert keyed.stop() == 0
    assert seen == [b"Bearer sk-ours"]


def test_ipv6(start: Any) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    gateway = start("--upstream", "demo", "--host", "::1")
    assert gateway.url.startswith("http://[::1]:")
    assert httpx.get(f"{gateway.url}/healthz").status_code == 200


def test_a_port_that_is_taken(gateway: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = gateway.url.rpartition(":")[2]
    assert main(["serve", "--upstream", "demo", "--port", port]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"guardrail: cannot listen on 127.0.0.1 port {port}: Address already in use.")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--upstream", "ftp://example.org"], "--upstream"),
        (["--upstream", "demo", "--upstream-key-env", "NOT_SET_AT_ALL"], "NOT_SET_AT_ALL"),
        (["--upstream", "demo", "--policy", "no-such-policy"], "no policy of this name ships"),
        (["--upstream", "demo", "--log", "sqlite:////proc/none/d.db"], "decision log"),
        (["--upstream", "demo", "--host", "not a host"], "cannot listen on not a host"),
    ],
)
def test_what_is_wrong_is_said_before_it_listens(
    arguments: list[str], word: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", "--port", "0", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert word in shown.err


def test_without_uvicorn(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", "--upstream", "demo"]) == 2
    assert "guardrail-middleware[gateway]" in capsys.readouterr().err
