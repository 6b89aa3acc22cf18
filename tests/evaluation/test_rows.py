from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from guardrail.evaluation.rows import ANY, COLUMNS, DataError, read

from .fakes import lines

SECRET = "a text that nobody shall see"


def test_a_label_that_is_not_there_is_unknown_and_never_a_no(tmp_path: Path) -> None:
    data = read(lines(tmp_path / "d.jsonl", [
        {"text": "a", "labels": {"hate": 1, "sexual": None}},
        {"text": "b", "labels": {"hate": 0}},
        {"text": "c", "labels": {"sexual": False}},
        {"text": "d", "labels": {}},
        {"text": "e", "labels": {"hate": 1.0}},
    ]))  # fmt: skip
    assert data.labelled == ("hate", "sexual")
    assert data.truth("hate").tolist() == [1, 0, -1, -1, 1]
    assert data.truth("sexual").tolist() == [-1, -1, 0, -1, -1]
    assert data.truth("violence").tolist() == [-1] * 5


def test_any_is_known_where_one_is_yes_or_all_that_the_file_labels_are_no(tmp_path: Path) -> None:
    data = read(lines(tmp_path / "d.jsonl", [
        {"text": "a", "labels": {"hate": 1}},
        {"text": "b", "labels": {"hate": 0}},
        {"text": "c", "labels": {"hate": 0, "sexual": 0}},
        {"text": "d", "labels": {"hate": 0, "sexual": 0, "toxicity": 1}},
        {"text": "e", "labels": {"any": 0}},
        {"text": "f", "labels": {"toxicity": 1}},
    ]))  # fmt: skip
    assert data.truth(ANY).tolist() == [1, -1, 0, 0, 0, -1]


def test_the_form_of_2022_is_read_by_its_own_names(tmp_path: Path) -> None:
    rows = [{"prompt": name, name: 1} for name in COLUMNS] + [{"prompt": "none", **dict.fromkeys(COLUMNS, 0)}]
    data = read(lines(tmp_path / "d.jsonl", rows))
    for row in data.rows[:-1]:
        assert row.labels == {COLUMNS[row.text]: True}
    assert COLUMNS["S3"] == "sexual/minors"
    assert COLUMNS["H2"] == "hate/threatening"
    assert data.truth(ANY).tolist() == [1] * 8 + [0]


def test_files_may_be_packed_and_have_blank_lines_and_repeats(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'\xef\xbb\xbf{"text": "a"}\r\n\n{"text": "b", "direction": "output"}\n{"text": "a"}\n')
    )
    data = read(path)
    assert [(row.text, row.direction) for row in data.rows] == [("a", "input"), ("b", "output"), ("a", "input")]
    assert data.duplicates == 1


def test_a_sample_is_the_same_for_the_same_seed_and_in_the_file_s_order(tmp_path: Path) -> None:
    path = lines(tmp_path / "d.jsonl", [{"text": f"{n:03}"} for n in range(100)])
    one, again, other = (read(path, limit=10, seed=seed) for seed in (1, 1, 2))
    texts = [row.text for row in one.rows]
    assert texts == sorted(texts) == [row.text for row in again.rows] != [row.text for row in other.rows]
    assert (len(texts), one.total) == (10, 100)


@pytest.mark.parametrize(
    "row",
    [
        {"labels": {}},
        {"text": 3},
        {"text": SECRET, "labels": [SECRET]},
        {"text": SECRET, "labels": {SECRET: SECRET}},
        {"text": SECRET, "labels": {"hate": 2}},
        {"text": SECRET, "labels": {"hate": 0.5}},
        {"text": SECRET, "labels": {"hate": [1]}},
        {"text": SECRET, "S": "yes"},
        {"text": SECRET, "source": 7},
        {"text": SECRET, "lang": ["en"]},
        {"text": SECRET, "direction": SECRET},
        [SECRET],
        SECRET,
    ],
    ids=lambda row: str(row).replace(SECRET, "*"),
)
def test_a_bad_line_is_told_by_its_number_and_never_by_its_text(row: Any, tmp_path: Path) -> None:
    path = lines(tmp_path / "d.jsonl", [{"text": "fine"}, row])
    with pytest.raises(DataError, match=r"d\.jsonl:2: ") as error:
        read(path)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize("raw", [b'{"text": "a"', b"\xff\xfe", b"[" * 100_000], ids=["cut", "not utf-8", "deep"])
def test_what_is_no_json_is_told_by_its_number(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(b"\n" + raw)
    with pytest.raises(DataError, match=r"d\.jsonl:2: this is no JSON object"):
        read(tmp_path / "d.jsonl")


def test_a_file_that_is_not_there_empty_or_torn(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        read(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(DataError, match="has no rows"):
        read(tmp_path / "empty.jsonl")
    (tmp_path / "torn.gz").write_bytes(gzip.compress(b'{"text": "a"}' * 50)[:-9])
    with pytest.raises(DataError, match="cannot be read: it is not whole"):
        read(tmp_path / "torn.gz")
