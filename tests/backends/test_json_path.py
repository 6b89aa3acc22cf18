from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.backends.json_path import EACH, JsonPath, Missing
from guardrail.policy import fields

VALUE: Any = {"a": {"b-c": [{"d": 1}, {"d": 2}]}, "x y": [["p", "q"], ["r"]], "_": None}


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("$.a", ("a",)),
        ("$.a.b-c[*].d", ("a", "b-c", EACH, "d")),
        ("$['x y'][0][*]", ("x y", 0, EACH)),
        ("$[12]", (12,)),
    ],
)
def test_a_path_is_read_into_steps(path: str, steps: tuple[Any, ...]) -> None:
    assert JsonPath.parse(path).steps == steps


@pytest.mark.parametrize(
    "path",
    ["", "$", "a.b", "$a", "$.", "$..a", "$.a.", "$.1a", "$[-1]", "$[1234567]", "$['']", "$[a]", "$.a b", " $.a"],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="JSON path"):
        JsonPath.parse(path)


def test_a_path_leads_to_values_in_order() -> None:
    assert JsonPath.parse("$.a['b-c'][1].d").all(VALUE) == [2]
    assert JsonPath.parse("$.a.b-c[*].d").all(VALUE) == [1, 2]
    assert JsonPath.parse("$._").all(VALUE) == [None]
    assert JsonPath.parse("$['x y'][*]").each(VALUE) == [[["p", "q"]], [["r"]]]
    assert JsonPath.parse("$['x y'][*][*]").each(VALUE) == [["p", "q"], ["r"]]
    assert JsonPath.parse("$.a.b-c[0]").each(VALUE) == [[{"d": 1}]]
    assert JsonPath.parse("$['x y'][*][*]").stars == 2


@pytest.mark.parametrize(
    "path",
    [
        "$.b",
        "$.a.b-c.d",
        "$.a.b-c[2]",
        "$.a[*]",
        "$.a[0]",
        "$._.x",
        "$._[0]",
        "$._[*]",
        "$.a.b-c[*].e",
        "$['x y'][*][1]",
    ],
)
def test_what_is_not_there_is_an_error_never_nothing(path: str) -> None:
    with pytest.raises(Missing):
        JsonPath.parse(path).all(VALUE)


def _policy_pattern() -> str:
    # The pattern stands in the closure of the validator that the policy's type carries.
    validator = get_args(fields.Pointer)[1].func
    return next(str(c.cell_contents) for c in validator.__closure__ if "*" in str(c.cell_contents))


@given(
    st.from_regex(re.compile(r"\$(\.[a-z_-]{0,3}|\[\*\]|\[[0-9]{1,7}\]|\['[a-z' ]{0,2}'\]|[.$x]){0,4}"), fullmatch=True)
)
def test_the_paths_are_those_that_a_policy_may_hold(path: str) -> None:
    allowed = re.fullmatch(_policy_pattern(), path) is not None
    if allowed:
        assert JsonPath.parse(path).steps
    else:
        with pytest.raises(ValueError, match="JSON path"):
            JsonPath.parse(path)
