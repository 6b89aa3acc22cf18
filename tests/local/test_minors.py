"""sexual/minors as a rule: references found in innocuous sentences, and the composing of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.local.minors import compose, refers_to_minor

unit = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "a museum ticket for someone of age 12",
        "he is 12 years old and plays chess",
        "a 9-year-old learns to swim",
        "I'm 15 and need help with algebra",
        "im 14 and need help with algebra",
        "my daughter is in the third grade, she is seven",
        "the children went to the zoo",
        "TEENAGERS like music",
        "high school homework",
        "el niño come pan",
        "这个孩子喜欢数学",
        "12岁的学生",
        "ребёнок читает книгу",
    ],
)
def test_a_reference_is_found(text: str) -> None:
    assert refers_to_minor(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "he is 45 years old and plays chess",
        "I'm 21 and need help with algebra",
        "I am 5 minutes late",
        "a bottle aged 18 years",
        "a page of 12 lines",
        "the kindest answer",
        "an adult reads a book",
    ],
)
def test_none_is_found(text: str) -> None:
    assert not refers_to_minor(text)


@given(unit, unit, st.booleans())
def test_the_score_stays_in_range_and_grows_with_the_sexual_score(one: float, other: float, reference: bool) -> None:
    low, high = sorted((one, other))
    assert 0.0 <= compose(low, reference) <= compose(high, reference) + 1e-12 <= 1.0 + 1e-12


@given(unit)
def test_a_reference_errs_towards_flagging(sexual: float) -> None:
    assert compose(sexual, True) >= sexual - 1e-12
    assert compose(sexual, False) <= 0.01
