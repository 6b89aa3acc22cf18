"""What the tests of the cloud services share: a dialect and a fake service brought together without a network, and
replies that are nearly the documented ones. Knows no service.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import strategies as st

from guardrail.backends.dialect import UNNAMED, Dialect, Query, Question
from guardrail.checks.protocol import Scores
from guardrail.errors import NotEvaluated
from guardrail.flow import Reply
from tests.backends.fakes import Answered, Asked

HELLO = Question(("hello canary",))
BAD_STATUS = [201, 204, 302, 400, 401, 403, 404, 422, 429, 500, 503]
NO_REPLY = [b"", b"<html>", b'{"a": ', b'"\xff"', b"null", b"[]", b"1", b"{}", b'{"error": {}}']


def asked(query: Query) -> Asked:
    """The request as the service gets it."""
    at = urlsplit(query.url)
    return Asked(query.method, f"{at.path}?{at.query}" if at.query else at.path, dict(query.headers), query.body)


def told(body: Any, status: int = 200) -> Reply:
    return Reply(status, (), body if isinstance(body, bytes) else json.dumps(body).encode())


def said(answer: Callable[[Asked], Answered], dialect: Dialect, question: Question) -> Sequence[Scores]:
    """What the dialect makes of a fake service's answer."""
    answered = answer(asked(dialect.query(question)))
    return dialect.read(question, told(answered.body, answered.status))


def reason(dialect: Dialect, body: Any, question: Question = HELLO, status: int = 200) -> str:
    """Why a reply is not read; nothing of it may stand in the error."""
    with pytest.raises(NotEvaluated) as caught:
        dialect.read(question, told(body, status))
    assert "canary" not in str(caught.value)
    return caught.value.reason


def unsent(dialect: Dialect, question: Question) -> str:
    """Why a question is not sent; nothing of it may stand in the error."""
    with pytest.raises(NotEvaluated) as caught:
        dialect.query(question)
    assert "canary" not in f"{caught.value!r}{caught.value.__context__!r}"
    return caught.value.reason


class Exchange:
    """One service's dialect, what answers it, and a good reply of its own: what is above and below, of these."""

    def __init__(self, answer: Callable[[Asked], Answered], dialect: Dialect, clean: Any) -> None:
        self.answer, self.dialect, self.clean = answer, dialect, clean

    def said(self, dialect: Dialect, question: Question) -> Sequence[Scores]:
        return said(self.answer, dialect, question)

    def reason(self, body: Any, question: Question = HELLO, status: int = 200, dialect: Dialect | None = None) -> str:
        return reason(dialect or self.dialect, body, question, status)

    def unsent(self, question: Question, dialect: Dialect | None = None) -> str:
        return unsent(dialect or self.dialect, question)

    def changed(self, *path: Any, to: Any) -> Any:
        return changed(self.clean, *path, to=to)

    def without(self, *path: Any) -> Any:
        return without(self.clean, *path)


class EveryService:
    """Tests that are the same for each of them."""

    exchange: Exchange

    @pytest.mark.parametrize("status", BAD_STATUS)
    def test_every_status_but_200_is_not_evaluated(self, status: int) -> None:
        assert self.exchange.reason(self.exchange.clean, status=status) == "status"

    @pytest.mark.parametrize("body", NO_REPLY)
    def test_what_is_no_reply_is_malformed(self, body: bytes) -> None:
        assert self.exchange.reason(body) == "malformed"

    def test_text_that_is_no_unicode_is_not_sent(self) -> None:
        assert self.exchange.unsent(Question(("canary \ud800",))) == "malformed"


def without(body: Any, *path: Any) -> Any:
    """A copy of a reply in which one thing is missing."""
    body, holder = _at(body, path)
    del holder[path[-1]]
    return body


def changed(body: Any, *path: Any, to: Any) -> Any:
    """A copy of a reply in which one thing is another."""
    body, holder = _at(body, path)
    holder[path[-1]] = to
    return body


def _at(body: Any, path: Sequence[Any]) -> tuple[Any, Any]:
    body = holder = copy.deepcopy(body)
    for key in path[:-1]:
        holder = holder[key]
    return body, holder


def any_json(words: Sequence[str]) -> st.SearchStrategy[Any]:
    """Any JSON, NaN and Infinity too, rich in ``words``."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(words),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=4),
        max_leaves=12,
    )


def replies(good: Any, words: Sequence[str]) -> st.SearchStrategy[Any]:
    """Any JSON, and a good reply in which one thing or two are others, or missing."""

    @st.composite
    def bent(draw: st.DrawFn) -> Any:
        body = copy.deepcopy(good)
        for _ in range(draw(st.integers(1, 2))):
            holder, key = draw(st.sampled_from(list(_spots(body)) or [({"": 0}, "")]))
            if isinstance(holder, dict) and draw(st.booleans()):
                del holder[key]
            else:
                holder[key] = draw(any_json(words))
        return body

    return any_json(words) | bent()


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _spots(value[key])


def holds(dialect: Dialect, question: Question, body: Any) -> None:
    """A reply is read as one ``Scores`` a text, of its own categories and in [0, 1], or is NotEvaluated."""
    try:
        scores: Sequence[Scores] | str = dialect.read(question, told(body))
    except NotEvaluated as error:
        scores = error.reason
    if isinstance(scores, str):
        assert scores in {"malformed", "empty", "unknown_category"}
        return
    assert len(scores) == (1 if question.image else len(question.texts))
    for one in scores:
        assert one.scores or one.flags
        assert all(0.0 <= number <= 1.0 for number in one.scores.values())
        assert {*one.scores, *(one.flags or {})} - {UNNAMED} <= dialect.categories
        assert one.unseen <= dialect.categories
