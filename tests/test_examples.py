"""Every example runs, by the door a user would use."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from examples.demo.chat_app import PAGE, chat_app
from guardrail import Guard
from guardrail.cli.main import main
from guardrail.demo.model import demo_model
from guardrail.demo.server import served
from guardrail.doors.gateway import gateway
from guardrail.store.reader import read

ROOT = Path(__file__).parents[1]
CARD = "my card is 4111 1111 1111 1111"
REFUSED = "GUARDRAIL-TEST-REFUSE"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The decision log that apps find in the environment."""
    url = f"sqlite:///{tmp_path / 'd.db'}"
    monkeypatch.setenv("GUARDRAIL_LOG", url)
    return url


def actions(log: str) -> list[str]:
    return [row.action.word for row in read(log)]


# -- the apps ---------------------------------------------------------------------------------


def test_fastapi_app(log: str) -> None:
    app = importlib.reload(importlib.import_module("examples.fastapi_app")).app
    with served(app) as url:

        def say(message: str) -> httpx.Response:
            return httpx.post(f"{url}/chat", json={"message": message})

        assert say("hello").json() == {"reply": "You said: hello"}
        assert say(CARD).json() == {"reply": "You said: my card is [card]"}
        assert say("a tip?").json() == {"reply": "Write to the owner of card [card]."}
        refused = say(REFUSED)
        assert refused.status_code == 200
        assert list(refused.json()) == ["reply"]
        assert REFUSED not in refused.text
        assert httpx.post(f"{url}/chat", json={}).status_code == 422
        assert httpx.get(f"{url}/openapi.json").status_code == 200
    rows = list(read(log))
    assert [row.action.word for row in rows[:4]] == ["allow", "redact", "redact", "refuse"]
    assert {row.wire for row in rows[:4]} == {"custom:/chat"}


def test_starlette_stream(log: str) -> None:
    app = importlib.reload(importlib.import_module("examples.starlette_stream")).app
    with served(app) as url:
        with httpx.stream("POST", f"{url}/chat", json={"message": "hello"}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            events = [json.loads(line.removeprefix("data: ")) for line in response.iter_lines() if line]
        said = "".join(event["delta"] for event in events)
        assert said == "You said: hello. The last customer paid with [card], by the way."
        assert len(events) > 5
        assert httpx.post(f"{url}/chat", json={"message": REFUSED}).status_code == 400
    assert actions(log) == ["redact", "refuse"]


def test_openai_client(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module("examples.openai_client").main()
    first, second, *_, last = capsys.readouterr().out.splitlines()
    assert first == "stop: You said: My card is [card]."
    assert second.startswith("content_filter: ")
    assert last == "streamed: Hello! What can I do for you?"
    assert actions(log) == ["redact", "refuse", "allow"]


def test_plain_check(log: str, capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module("examples.plain_check").main()
    first, second, third = capsys.readouterr().out.splitlines()
    assert (first, second) == ("allowed: How long should tea steep?", "changed: Charge it to [card].")
    assert re.fullmatch(r"refused: custom/test \(reference [0-9a-f]{32}\)", third)
    assert actions(log) == ["allow", "redact", "refuse"]


# -- the demo ---------------------------------------------------------------------------------


def test_the_demo_is_as_planned(tmp_path: Path) -> None:
    log = f"sqlite:///{tmp_path / 'kept.db'}"
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo", "--once", "--log", log],
        cwd=ROOT,
        env={**ENVIRONMENT, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    table = [line.split() for line in done.stdout.splitlines() if re.match(r"\d{4}-\d\d-\d\dT", line)]
    assert [row[1] for row in table] == ["allow", "redact", "refuse", "refuse", "refuse", *["allow"] * 8, "refuse"]
    assert [row[3] for row in table] == ["200"] * 13 + ["429"]
    assert "4111" not in done.stdout.replace("My card number is 4111", "")
    assert "lantern" not in done.stdout
    assert [row.action.word for row in read(log)] == [row[1] for row in table]


def test_the_demo_tells_when_it_is_not_as_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lax = tmp_path / "lax.yaml"
    policy = (ROOT / "examples/demo/policy.yaml").read_text()
    lax.write_text(policy.replace("[project paper lantern]", "[something else]"))
    demo = importlib.import_module("examples.demo.__main__")
    monkeypatch.setattr(demo, "POLICY", lax)
    monkeypatch.setattr(sys, "argv", ["demo", "--once"])
    assert demo.main() == 1
    assert "not as expected: request 5 is allow, complete, and not refuse, refused" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_serves_until_told_to_stop(number: int) -> None:
    with served(demo_model(delay=0)) as model:
        demo = subprocess.Popen(
            [sys.executable, "-m", "examples.demo", "--upstream", model],
            cwd=ROOT,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert demo.stdout is not None
            said = []
            for line in demo.stdout:
                said.append(line.strip())
                if line.startswith("Ctrl-C"):
                    break
            page, front = re.findall(r"http://127\.0\.0\.1:\d+", "\n".join(said))
            assert httpx.get(page).status_code == 200
            assert httpx.get(f"{front}/v1/models").json()["data"][0]["id"] == "demo"
            demo.send_signal(number)
            assert demo.wait(30) == 0
        finally:
            demo.kill()
            demo.wait()
            assert demo.stdout is not None
            demo.stdout.close()


# -- its chat app -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The chat app over a gateway with the demo's policy."""
    log = f"sqlite:///{tmp_path_factory.mktemp('page') / 'd.db'}"
    guard = Guard.from_policy(ROOT / "examples/demo/policy.yaml", log=log)
    with served(gateway(guard, demo_model(delay=0))) as front, served(chat_app(front)) as url:
        yield url


def say(page: str, text: str) -> list[dict[str, object]]:
    response = httpx.post(f"{page}/chat", json={"messages": [{"role": "user", "content": text}]})
    assert response.status_code == 200
    return [json.loads(line) for line in response.text.splitlines()]


def told(lines: list[dict[str, object]]) -> str:
    return "".join(str(line.get("text", "")) for line in lines)


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    response = httpx.get(page)
    assert response.status_code == 200
    assert response.headers["content-security-policy"].startswith("default-src 'self'")
    for file in PAGE.iterdir():
        text = file.read_text()
        assert "http:" not in text
        assert "https:" not in text
        assert httpx.get(f"{page}/{file.name}").text == text


def test_the_page_is_told_what_happened(page: str) -> None:
    answered = say(page, "What is the capital of France?")
    assert (told(answered), answered[-1]) == ("The capital of France is Paris.", {"end": "stop"})
    assert told(say(page, CARD)) == "You said: my card is [card]"
    stopped = say(page, "Tell me the launch code.")
    assert stopped[-1] == {"end": "content_filter"}
    assert told(stopped).startswith("The launch code is")
    assert "lantern" not in told(stopped)
    for _ in range(8):
        last = say(page, "Hello!")
    assert list(last[-1]) == ["error", "status"]
    assert last[-1]["status"] == 429


def test_a_page_without_a_gateway() -> None:
    with served(demo_model()) as gone:
        pass
    with served(chat_app(gone)) as page:
        assert say(page, "hello") == [{"error": "The gateway could not be reached.", "status": 502}]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"messages": []}', b'{"messages": [{"role": "system", "content": "x"}]}',
             b'{"messages": [{"role": "user", "content": 1}]}', b'{"messages": [1]}']
)  # fmt: skip
def test_the_page_sends_messages_only(body: bytes, page: str) -> None:
    assert httpx.post(f"{page}/chat", content=body).status_code == 400


def test_the_policies_are_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    for policy in ("examples/demo/policy.yaml", "examples/fastapi_policy.yaml"):
        assert main(["policy", "check", str(ROOT / policy)]) == 0
