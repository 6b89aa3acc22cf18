"""Data inside JSON: text in disguise is read, pictures are not taken for text."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.wires.encoded import is_encoded, spelled

TEXT = "A sentence, with Zürich in it.\nAnd a second line."
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    "value",
    [
        packed(TEXT.encode()),
        packed(TEXT.encode()).rstrip("="),
        base64.urlsafe_b64encode(TEXT.encode()).decode(),
        "\n".join(packed(TEXT.encode())[n : n + 20] for n in range(0, 100, 20)),
        "data:text/plain;base64," + packed(TEXT.encode()),
        "DATA:text/plain;charset=utf-8;BASE64," + packed(TEXT.encode()),
        "data:image/png;base64," + packed(TEXT.encode()),
        "data:text/plain," + quote(TEXT),
        "data:," + quote(TEXT),
        packed(TEXT.encode("utf-16")),
    ],
)
def test_text_in_disguise_is_read_whatever_it_is_labelled(value: str) -> None:
    assert is_encoded(value)
    assert spelled(value) == TEXT


@pytest.mark.parametrize("data", [PNG, b"\xff\xd8\xff\xe0\x00\x10JFIF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", bytes(300)])
@pytest.mark.parametrize("form", ["{}", "data:image/png;base64,{}", "data:text/plain;base64,{}"])
def test_what_is_no_text_is_none(data: bytes, form: str) -> None:
    value = form.format(packed(data))
    assert is_encoded(value)
    assert spelled(value) is None


@pytest.mark.parametrize("value", ["draw a cat", "what is this?", "a, b", "é"])
def test_words_are_not_taken_for_data(value: str) -> None:
    assert not is_encoded(value)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=900))
def test_every_text_comes_back(text: str) -> None:
    assert spelled("data:text/plain;base64," + packed(("x" + text).encode())) == "x" + text
