from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrail.cli.terminal import Column, fit, safe, table, width

COLUMNS = (Column("one", 4), Column("two", 3, spare=1), Column("three", 5), Column("four", 2, spare=2))
LEAST = 4 + 2 + 5  # what always stays, with the gap


@given(st.text())
def test_safe_text_is_one_printable_line(text: str) -> None:
    assert safe(text).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


def test_width_of_wide_and_combining_letters() -> None:
    assert [width(text) for text in ("abc", "世界", "e\u0301", "")] == [3, 4, 1, 0]


@given(st.text(), st.integers(1, 30))
def test_cut_text_fits(text: str, columns: int) -> None:
    cut = fit(text, columns)
    assert width(cut) <= columns
    assert cut == text or cut.endswith("…")


@given(st.lists(st.tuples(st.text(), st.text(), st.text(), st.text())), st.integers(LEAST, 120))
def test_a_table_fits_its_room(rows: list[tuple[str, str, str, str]], room: int) -> None:
    lines = table(COLUMNS, rows, room)
    assert len(lines) == 1 + len(rows)
    assert all(width(line) <= room for line in lines)
    assert all(line.isprintable() for line in lines)


def test_what_is_spare_goes_first() -> None:
    rows = [("aaaa", "bbb", "ccccc", "dd")]
    shown = [table(COLUMNS, rows, room)[1] for room in (20, 19, 14, 12)]
    assert shown == ["aaaa  bbb  ccccc  dd", "aaaa  bbb  ccccc", "aaaa  ccccc", "aaaa  ccccc"]


def test_what_is_wide_is_cut_before_anything_is_left_out() -> None:
    assert table(COLUMNS, [("a" * 50, "b", "c", "d")], 24)[1].startswith("aaaaa")
    assert table(COLUMNS, [("a" * 50, "b", "c", "d")], 24)[1].endswith("d")
