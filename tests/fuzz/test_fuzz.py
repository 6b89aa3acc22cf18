"""A short run of the fuzzer, and the proof that it would find something. The long one is ``make fuzz``."""

from __future__ import annotations

import pytest

from tests.fuzz import judge
from tests.fuzz.faults import PLANTED
from tests.fuzz.grammar import case
from tests.fuzz.harness import DOORS, fuzz, hunt, visible
from tests.fuzz.words import CANARY

SEED, CASES = 1, 6_000
BUDGET = 20_000


def test_no_case_passes_unguarded(capsys: pytest.CaptureFixture[str]) -> None:
    report = fuzz(SEED, range(CASES))
    with capsys.disabled():
        print("\n" + "\n".join(report.lines()))
    assert report.driven == CASES * len(DOORS)
    assert report.accepted >= 0.3
    kinds = sorted({(what, door) for door, _, what in report.failures})
    named = [f"{what}: --seed {SEED} --door {door} --start {index}" for door, index, what in report.failures[:20]]
    assert not report.failures, f"{len(report.failures)} of {kinds}: {named}"


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    count = hunt(SEED, range(BUDGET), PLANTED[name])
    with capsys.disabled():
        print(f"\nplanted {name}, seed {SEED}: found after {count} cases")
    assert count is not None


def test_the_canary_stands_where_somebody_would_read_it() -> None:
    made = [case(SEED, index) for index in range(2_000)]
    planted = [visible(one) for one in made if one.planted]
    assert sum(planted) >= 0.93 * len(planted) > 500
    assert not any(visible(one) for one in made if not one.planted)


def test_a_case_is_the_same_again() -> None:
    assert [case(7, index) for index in range(200)] == [case(7, index) for index in range(200)]
    assert case(7, 1) != case(8, 1)


@pytest.mark.parametrize(
    ("raw", "headers"),
    [
        (f'{{"a": "{CANARY}"}}'.encode(), {}),
        (b'{"a": "\\u0063\\u0034n4ry"}', {}),
        (b'{"a": "\\u0063\\u0034n4ry", "a": 1}', {}),
        (b'{"a": NaN, "b": "c4n4\\u0072y"}', {}),
        (b'{"a": "c4n4\\u0072y"} trailing', {}),
        (b'{"arguments": "{\\"a\\": \\"c\\\\u0034n4ry\\"}"}', {}),
        (b"q=c%34n4ry", {"content-type": "application/x-www-form-urlencoded"}),
        (f'"{CANARY}"'.encode("utf-16"), {}),
        (f'["{CANARY}"]'.encode("utf-32-le"), {}),
        (
            b"--x\r\nContent-Disposition: form-data; name=a; filename*=UTF-8''c%34n4ry\r\n\r\n1\r\n--x--",
            {"content-type": "multipart/x"},
        ),
        (b'{"file_data": "data:text/plain;base64,YzRuNHJ5"}', {}),
    ],
)
def test_the_judge_forgives(raw: bytes, headers: dict[str, str]) -> None:
    assert judge.in_body(raw, headers.items())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b'{"a": "c4n 4ry"}',
        b"\x89PNG\r\n\x1a\n\x00\xff",
        b"\x1f\x8b broken",
        b"[" * 5000,
        b"--x\r\n\r\n--x--",
    ],
)
def test_the_judge_sees_nothing_where_nothing_is(raw: bytes) -> None:
    assert not judge.in_body(
        raw, [("content-type", "multipart/form-data; charset=utf-16"), ("content-encoding", "gzip, br")]
    )


def test_the_judge_puts_streams_together() -> None:
    events = b'data: {"d": {"t": "say c4n"}}\r\n\r\ndata: {"d": {"t": "4ry now"}}\r\n\r\n'
    assert judge.in_answer(events, [])
    assert judge.in_answer(b'{"m": "c4"}\n{"m": "n4ry"}\n', [])
    assert judge.in_answer(b'[{"m": "c4"},\n{"m": "n4ry"}]', [])
    assert not judge.in_answer(events.replace(b"4ry", b"5ry"), [])
