"""Replies of a chat server for property tests: mostly nearly good ones, and any JSON."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Ten in eleven good ones."""
    return st.sampled_from([*range(11)]).flatmap(lambda n: good if n else JSON)


def nearly_good(texts: st.SearchStrategy[str], tokens: list[str]) -> st.SearchStrategy[Any]:
    """Chat completions that say one of ``texts``, with the odds of ``tokens``, and each part of them now and then odd."""
    logprob = st.floats(min_value=-20, max_value=0) | st.sampled_from([-9999, 0.00001, 1, float("-inf")])
    likely = mostly(st.fixed_dictionaries({"token": mostly(st.sampled_from(tokens)), "logprob": mostly(logprob)}))
    token = mostly(st.fixed_dictionaries({"top_logprobs": mostly(st.lists(likely, max_size=4))}))
    choice = st.fixed_dictionaries(
        {
            "message": mostly(st.fixed_dictionaries({"content": mostly(texts)})),
            "finish_reason": mostly(st.sampled_from(["stop", None, "length"])),
            "logprobs": mostly(st.none() | st.fixed_dictionaries({"content": st.lists(token, max_size=4)})),
        }
    )
    whole = st.fixed_dictionaries(
        {"choices": mostly(st.tuples(mostly(choice)).map(list)), "model": mostly(st.just("m"))}
    )
    return mostly(whole)
