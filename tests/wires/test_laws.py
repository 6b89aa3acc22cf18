"""Laws that hold for every wire format, tried on the cases of each (``cases_*.py``).

Nothing flagged: not a byte changes, however the stream is cut. A canary in any string is seen, or
the table says why not. Refused and masked text is in nothing that leaves, and every end is valid.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from guardrail.http import Request
from guardrail.wires.table import Node, Silent
from guardrail.wires.walk import Walker
from tests.support import plans
from tests.support.drive import Result, call
from tests.support.leaves import bare, leaves, planted
from tests.wires.case import AWS, Case, cases, raw

WORD = "c4n4ry"
SENTENCE = f"a {WORD} here"
PLAN = plans.plan(plans.Word(WORD))
ANSWERS = replace(PLAN, input=plans.NOTHING.input)
MASKS = replace(plans.plan(plans.Word(WORD, category=plans.MASKED)), input=plans.NOTHING.input)

ALL = sorted(cases())
STREAMS = [name for name in ALL if cases()[name].events is not None]


def go(case: Case, plan: Any = plans.NOTHING, *, request: bytes | None = None, **more: Any) -> Result:
    media = (("content-type", case.request_type),) if case.request_type else ()
    more.setdefault("answer", case.said())
    return call(
        plan,
        case.asked if request is None else request,
        status=case.status,
        headers=(("content-type", case.answer_type),) if case.answer_type else (),
        request_headers=(*media, *case.headers),
        path=case.path,
        method=case.method,
        query=case.query,
        **more,
    )


@pytest.mark.parametrize("name", ALL)
def test_every_case_is_claimed(name: str) -> None:
    case = cases()[name]
    match = PLAN.router.find(Request(case.method, case.path, case.headers))
    assert match is not None


@pytest.mark.parametrize("name", ALL)
def test_where_nothing_is_flagged_nothing_changes(name: str) -> None:
    case = cases()[name]
    result = go(case)
    assert result.sent is not None, result.body
    assert result.sent.body == case.asked
    assert result.body == case.said()
    assert result.head is not None
    assert result.head.status == case.status
    assert [row.ended for row in result.rows] == ["complete"]
    assert result.rows[0].wire != "walk"


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_streams_go_through_however_they_are_cut(name: str, end: str) -> None:
    case = cases()[name]
    whole = case.said(end=end)
    if len(whole) <= 2000:
        for at in range(len(whole) + 1):
            assert go(case, answer=whole, cuts=[at]).body == whole
    generator = random.Random(name)
    for _ in range(3):
        cuts = sorted(generator.randrange(len(whole) + 1) for _ in range(200))
        assert go(case, answer=whole, cuts=cuts).body == whole
    assert go(case, plans.OBSERVE, answer=whole, cuts=range(0, len(whole), 7)).body == whole


def told(case: Case, result: Result) -> str:
    """All that left, escapes undone."""
    if result.head is None:
        return ""
    body = result.body
    media = dict(result.head.headers).get("content-type", "")
    text = body.decode("utf-8", "replace")
    try:
        text += json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        for line in text.replace("\r", "\n").split("\n"):
            try:
                text += json.dumps(json.loads(line.removeprefix("data:")), ensure_ascii=False)
            except ValueError:
                continue
    if media.startswith(AWS):
        text += body.decode("utf-8", "replace")
    return text


def leaked(case: Case, result: Result) -> bool:
    """Did the canary get to the one it was not meant for, without a word of it?"""
    held = result.rows[-1].outcome == "refused" or result.rows[-1].ended == "unreadable"
    return not held or WORD in told(case, result)


def escaped(body: bytes, n: int) -> bytes:
    return body.replace(b"c4n4ry", b"c4n\\u0034ry") if n % 2 else body


def answer_trees(case: Case) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each string leaf of the answer: its path, and the case's answer or events with it replaced."""
    tree = list(case.events) if case.events is not None else case.answer
    if isinstance(tree, (dict, list)):
        for path, _ in leaves([e[1] if isinstance(e, tuple) else e for e in tree] if case.events is not None else tree):
            yield path, tree


def with_leaf(case: Case, tree: Any, path: tuple[Any, ...], value: str) -> bytes:
    if case.events is None:
        return raw(planted(tree, path, value))
    events = list(tree)
    event = events[path[0]]
    if isinstance(event, tuple):
        events[path[0]] = (event[0], planted(event[1], path[1:], value))
    else:
        events[path[0]] = planted(event, path[1:], value)
    return case.said(events)


@pytest.mark.parametrize("name", [n for n in ALL if isinstance(cases()[n].request, (dict, list))])
def test_a_canary_in_any_string_of_a_request_is_seen(name: str) -> None:
    case = cases()[name]
    for n, (path, _) in enumerate(leaves(case.request)):
        result = go(case, PLAN, request=escaped(raw(planted(case.request, path, SENTENCE)), n))
        assert result.sent is None, path
        result = go(case, PLAN, request=escaped(raw(planted(case.request, path, WORD)), n + 1))
        assert result.sent is None or said_so(result, path), path


@pytest.mark.parametrize("name", [n for n in ALL if cases()[n].answer is not None or cases()[n].events is not None])
def test_a_canary_in_any_string_of_an_answer_is_seen(name: str) -> None:
    case = cases()[name]
    for n, (path, tree) in enumerate(answer_trees(case)):
        body = with_leaf(case, tree, path, SENTENCE)
        if case.answer_type != AWS:
            body = escaped(body, n)
        result = go(case, ANSWERS, answer=body, cuts=range(0, len(body), max(41, len(body) // 40)))
        assert not leaked(case, result), path
        result = go(case, ANSWERS, answer=with_leaf(case, tree, path, WORD))
        assert not leaked(case, result) or said_so(result, path), path
        if n % 4:
            continue
        masked = go(case, MASKS, answer=with_leaf(case, tree, path, f"one {WORD} two"))
        assert WORD not in told(case, masked), path


@pytest.mark.parametrize("name", STREAMS)
def test_a_mask_leaves_nothing_of_what_it_covers(name: str) -> None:
    """A word of the answer's own is masked wherever it is said again: deltas, repeats, summaries."""
    case = cases()[name]
    body = case.said()
    texts = [t for _, t in answer_words(case)]
    frame = raw([bare(event) for event in case.events or ()]).decode()  # keys, names and ids, which no mask covers
    words = {w for t in texts for w in t.split() if len(w) > 4 and w.isalpha() and w not in frame}
    for word in sorted(words)[:6]:
        plan = replace(plans.plan(plans.Word(word, category=plans.MASKED)), input=plans.NOTHING.input)
        result = go(case, plan, answer=body, cuts=range(0, len(body), 97))
        if result.rows[-1].outcome in ("changed", "refused"):
            assert word not in told(case, result), word


def answer_words(case: Case) -> Iterator[tuple[Any, str]]:
    for event in case.events or ():
        yield from leaves(event[1] if isinstance(event, tuple) else event)


SKIPPED: list[str] = []
"""Reasons for which leaves with the canary were left out just now."""


@pytest.fixture(autouse=True)
def _watch_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Walker._leaf

    def watched(self: Walker, home: Any, key: Any, text: str, node: Node | None, *rest: Any) -> None:
        if WORD in text and node is not None and type(node.entry) is Silent and " " not in text:
            SKIPPED.append(node.entry.reason)
        honest(self, home, key, text, node, *rest)

    monkeypatch.setattr(Walker, "_leaf", watched)


def said_so(result: Result, path: tuple[Any, ...]) -> bool:
    """The word went through: is it a listed place, or does the row say that it was not evaluated?"""
    reasons, SKIPPED[:] = list(SKIPPED), []
    if any(isinstance(step, str) and step in NEVER for step in path[-1:]):
        return False
    return bool(reasons) or bool(result.rows[-1].not_evaluated)


NEVER = frozenset({"text", "content", "thinking", "prompt", "input", "instructions", "description", "arguments"})
"""Fields that no list may name."""


@pytest.mark.parametrize("name", ALL)
def test_where_any_text_is_refused_nothing_is_asked_or_told(name: str) -> None:
    case = cases()[name]
    everything = plans.plan(plans.AnyText())
    if any(" " in text for _, text in leaves(case.request)):
        assert go(case, everything).sent is None
    answers = replace(everything, input=plans.NOTHING.input)
    texts = [t for _, t in answer_words(case) if " " in t.strip() and len(t) > 8]
    if case.events is None and isinstance(case.answer, (dict, list)):
        texts = [t for _, t in leaves(case.answer) if " " in t.strip() and len(t) > 8]
    result = go(case, answers)
    assert not any(text in told(case, result) for text in texts)
