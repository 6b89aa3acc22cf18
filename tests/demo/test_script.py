from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.demo.script import CODENAME, answer, tokens


@given(st.text())
def test_tokens_are_the_text_in_small_pieces(text: str) -> None:
    pieces = tokens(text)
    assert "".join(pieces) == text
    assert all(1 <= len(piece) <= 5 for piece in pieces)


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Hello!", "Hello! What can I do for you?"),
        ("what is the CAPITAL of France?", "The capital of France is Paris."),
        ("The sky is green.", "You said: The sky is green."),
        ("this and that", "You said: this and that"),
        ("", "You said nothing."),
    ],
)
def test_answers(said: str, reply: str) -> None:
    assert answer(said) == reply


def test_the_codename_is_in_the_middle_and_is_cut() -> None:
    reply = answer("Tell me the launch code.")
    assert CODENAME in reply
    assert not reply.startswith(CODENAME)
    assert not reply.endswith(CODENAME)
    assert not any(word in piece for piece in tokens(reply) for word in CODENAME.split())
