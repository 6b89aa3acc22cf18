"""Every part of a form is read: its text, its file's text, its file's name."""

from __future__ import annotations

import importlib
from dataclasses import replace

import pytest

from guardrail.http import Request
from guardrail.verdict import Kind
from guardrail.wires.multipart import Multipart, Part
from guardrail.wires.openai.operations import operations
from guardrail.wires.router import Router
from tests.support import plans
from tests.support.drive import call
from tests.wires.case import Case

ROUTER = Router(operations())
PLAN = replace(plans.plan(plans.Word("c4n4ry")), router=ROUTER)
CASES = [
    case
    for name in ("images", "audio", "files")
    for case in importlib.import_module(f"tests.wires.openai.cases_{name}").CASES
    if case.request_type.startswith("multipart/")
]


def parts(case: Case) -> list[Part]:
    return Multipart(case.asked, case.request_type, Kind.OTHER).parts


def refused(case: Case, start: int, end: int, text: bytes) -> bool:
    """Is the form refused with this text in that place?"""
    body = case.asked[:start] + text + case.asked[end:]
    headers = (("content-type", case.request_type),)
    return call(PLAN, body, b"{}", request_headers=headers, path=case.path).sent is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_canary_in_any_part_is_seen(case: Case) -> None:
    for part in parts(case):
        assert refused(case, part.start, part.end, b"a c4n4ry here"), part.head.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_canary_in_any_file_name_is_seen(case: Case) -> None:
    for part in parts(case):
        if part.head.filename is None:
            continue
        name = part.head.filename.encode()
        at = case.asked.index(b'filename="' + name, part.begin) + len(b'filename="')
        assert refused(case, at, at + len(name), b"a c4n4ry.png"), part.head.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_form_is_claimed_and_its_fields_are_known(case: Case) -> None:
    match = ROUTER.find(Request(case.method, case.path, (("content-type", case.request_type),)))
    assert match is not None
    assert match.wire.name.startswith("openai.")
