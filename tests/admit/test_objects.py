"""Whose a kept object is."""

from __future__ import annotations

from guardrail.admit.objects import Objects
from guardrail.wires.protocol import Reference

ONE, TWO = Reference("response", "resp_1"), Reference("response", "resp_2")


def test_an_object_belongs_to_whom_it_was_made_for() -> None:
    objects = Objects()
    objects.issue([ONE], "ann")
    assert objects.standing(ONE, "ann") == "own"
    assert objects.standing(ONE, "bob") == "foreign"
    assert objects.standing(ONE, None) == "foreign"
    assert objects.standing(TWO, "ann") == "unknown"


def test_nobody_takes_an_object_over_by_naming_it() -> None:
    objects = Objects()
    objects.issue([ONE], "ann")
    objects.issue([ONE], "bob")
    assert objects.standing(ONE, "ann") == "own"
    assert objects.standing(ONE, "bob") == "foreign"


def test_what_was_refused_stays_refused() -> None:
    objects = Objects()
    objects.issue([ONE], "ann")
    objects.issue([ONE], "ann", refused=True)
    objects.issue([ONE], "ann")
    assert objects.standing(ONE, "ann") == "refused"


def test_only_so_many_are_remembered_and_those_in_use_longest() -> None:
    objects = Objects(most=3)
    for n in range(3):
        objects.issue([Reference("file", f"f{n}")], None)
    assert objects.standing(Reference("file", "f0"), None) == "own"
    objects.issue([Reference("file", "f3")], None)
    assert objects.standing(Reference("file", "f1"), None) == "unknown"
    assert objects.standing(Reference("file", "f0"), None) == "own"
