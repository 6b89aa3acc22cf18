"""The bench runs, measures every row and says of every aim whether it was met. No figure is judged here."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.measure import QUICK, quantile, turn_by_turn
from bench.pace import behind
from bench.paced import Script
from bench.readers import Reading
from bench.rows import Aim, Row, table

ROOT = Path(__file__).parent.parent
ROWS = {
    "check": 5 * 3,
    "asgi": 4,
    "history": 1,
    "stream": 4 * 4,
    "gateway": 2 * 5,
    "client": 2,
    "import": 6,
    "local": 4 * 3 + 3 + 3 + 2 * 3 + 3,
    "pace": 2 * (2 + 3 + 3 + 4),
    "speed": 3 * 2 * 3,
    "overlap": 3 * 2,
    "frame": 2 * 2,
    "length": 4 * 2,
    "stalled": 2,
    "idle": 2 * 2,
    "leak": 2 * 3,
}
AIMED = {
    "check: 60 characters, exact",
    "check: 1,000 characters, exact",
    "check: 32,000 characters, exact",
    "asgi: one call, no log",
    "asgi: one call, logged to SQLite",
    "asgi: one call, logged to SQLite, 16 at a time",
    "gateway: answers, no log",
    "gateway: answers, logged to SQLite",
    "gateway: streams, no log",
    "gateway: streams, logged to SQLite",
    "client: one openai call, no log",
    "client: one openai call, logged to SQLite",
    "import: import guardrail",
    "local: 500 characters, fast",
    *(
        f"local: {what}, {tier}"
        for what in ("32,000 characters beside 4,000", "loading")
        for tier in ("fast", "accurate", "cascade")
    ),
    "local: size in the wheel, fast",
    "local: size in the wheel, accurate",
    *(
        f"overlap: {way}, a check of 50 ms, first token after 300 ms, overlap: upstream"
        for way in ("gateway", "client", "async client")
    ),
    "frame: 40 tokens, one frame a read, exact",
    "frame: 40 tokens, 20 frames a read, exact",
    *(
        f"length: {size} tokens, exact{more}"
        for size in (40, 400)
        for more in ("", " and local", ", a match opens at every token", ", one match open all the time")
    ),
    "leak: a refused sentence, window, what left",
    "leak: a refused sentence, buffer, what left",
    "leak: a long one, refused for its last word, buffer, what left",
}


def bench(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *words], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def printed(out: Path) -> str:
    return bench("--out", str(out))


@pytest.fixture(scope="module")
def raw(out: Path, printed: str) -> dict[str, Any]:
    assert printed
    found: dict[str, Any] = json.loads((out / "partial.json").read_text())
    return found


def test_every_row_is_measured_printed_and_kept(out: Path, printed: str, raw: dict[str, Any]) -> None:
    counts = dict.fromkeys(ROWS, 0)
    for row in raw["rows"]:
        counts[row["suite"]] += 1
        assert f"| {row['suite']}: {row['name']} " in printed
        assert math.isfinite(row["value"])
        assert row["value"] >= 0
        assert all(row["samples"].values())
    assert counts == ROWS
    assert printed.strip() == (out / "partial.md").read_text().strip()


def test_every_aim_is_judged(printed: str, raw: dict[str, Any]) -> None:
    aimed = {f"{row['suite']}: {row['name']}" for row in raw["rows"] if row["aim"] is not None}
    assert aimed == AIMED
    judged = {line.split("|")[1].strip() for line in printed.splitlines() if "**met**" in line or "**not met**" in line}
    assert judged == AIMED


def test_no_refused_text_left_a_gateway(raw: dict[str, Any]) -> None:
    leaks = {row["name"]: row["notes"]["leak"] for row in raw["rows"] if row["notes"].get("leak")}
    assert len(leaks) == 4
    # a proxy that guards nothing shows that the probe can see a leak
    assert {name: leak for name, leak in leaks.items() if leak != "none"} == {
        "streams, proxy alone, policy skips all": "yes"
    }


def test_a_model_that_judges_beside_the_stream_lets_out_what_it_should(raw: dict[str, Any]) -> None:
    left = {row["name"]: (row["value"], row["bare"]) for row in raw["rows"] if row["suite"] == "leak"}
    for which in ("a refused sentence", "a long one, refused for its last word"):
        held, all_of_it = left[f"{which}, buffer, what left"], left[f"{which}, after, what left"]
        assert held[0] == 0
        assert all_of_it[0] == all_of_it[1]
    assert left["a refused sentence, window, what left"][0] == 0


def test_the_machine_is_described(raw: dict[str, Any]) -> None:
    assert {"date", "commit", "python", "model", "cores", "load average", "libraries"} <= raw["machine"].keys()


def test_the_profile_has_every_room(out: Path) -> None:
    text = bench("profile", "--out", str(out))
    for room in ("doors", "wires", "policy", "checks", "flow", "**all**"):
        assert f"\n| {room}" in text
    assert (out / "partial.profile.md").is_file()


@pytest.mark.parametrize(
    "script",
    [Script(), Script(tokens=200, rate=50.0, first=0.3), Script(3, refused="late"), Script(flood=64, silent=True)],
)
def test_a_script_travels_in_the_name_of_a_model(script: Script) -> None:
    assert Script.read(script.name()) == script
    assert len(script.pieces()) >= script.tokens


@pytest.mark.parametrize(
    ("arrivals", "held"),
    [
        ([0.001, 0.021, 0.041], [0, 0, 0]),  # late by less than a token's half
        ([0.045, 0.045, 0.045], [1, 2, 0]),  # all at once
        ([0.0, 0.02, 0.09], [0, 0, 1]),
    ],
)
def test_tokens_held_back_are_those_a_bare_reader_has(arrivals: list[float], held: list[float]) -> None:
    bare = [Reading([0.0, 0.02, 0.04], 0.05)] * 3
    assert behind([Reading(arrivals, 0.1)], bare) == held


def test_only_one_suite(tmp_path: Path) -> None:
    bench("--only", "import", "--out", str(tmp_path))
    kept = json.loads((tmp_path / "partial.json").read_text())
    assert {row["suite"] for row in kept["rows"]} == {"import"}


@pytest.mark.parametrize(
    ("aim", "value", "bare", "met"),
    [
        (Aim(11.5, on="ratio"), 115.0, 10.0, True),
        (Aim(11.5, on="ratio"), 116.0, 10.0, False),
        (Aim(10.0), 10.0, None, True),
        (Aim(10.0), 10.1, None, False),
        (Aim(0.2, on="added"), 1.15, 1.0, True),
        (Aim(0.2, on="added"), 1.25, 1.0, False),
        (Aim(100.0, sense="at least"), 100.0, 1.0, True),
        (Aim(100.0, sense="at least"), 99.0, 1.0, False),
    ],
)
def test_an_aim_is_met_or_not(aim: Aim, value: float, bare: float | None, met: bool) -> None:
    row = Row("suite", "name", "ms", value, bare, "unguarded", aim)
    assert aim.met(row) is met
    assert ("**met**" if met else "**not met**") in table([row])


def test_samples_are_per_call_and_taken_in_turn() -> None:
    order: list[str] = []
    ticks = iter(range(10_000))

    def function(name: str) -> Callable[[int], None]:
        def calls(count: int) -> None:
            order.append(name)
            sum(range(200 * count))

        return calls

    taken = turn_by_turn({"a": function("a"), "b": function("b")}, QUICK, clock=lambda: float(next(ticks)))
    assert {name: len(values) for name, values in taken.items()} == {"a": QUICK.samples, "b": QUICK.samples}
    assert order[-4:] == ["a", "b", "a", "b"]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5.0), (0.99, 10.0), (0.1, 1.0)])
def test_quantiles_are_values_that_were_seen(share: float, expected: float) -> None:
    assert quantile([float(n) for n in range(1, 11)], share) == expected
