"""One ``Scores`` out of several that were said of the same text. Knows scores only."""

from __future__ import annotations

from collections.abc import Sequence

from ..checks.protocol import Scores


def merged(said: Sequence[Scores]) -> Scores:
    """The highest score and any flag count; what one of them has judged is not unseen."""
    if len(said) == 1:
        return said[0]
    scores: dict[str, float] = {}
    spans: dict[str, tuple[int, int]] = {}
    flags: dict[str, bool] = {}
    judged: set[str] = set()
    for one in said:
        for name, score in one.scores.items():
            if name not in scores or score > scores[name]:
                scores[name] = score
                spans.pop(name, None)
                if name in one.spans:
                    spans[name] = one.spans[name]
        for name, flag in (one.flags or {}).items():
            flags[name] = flags.get(name, False) or flag
        judged |= {*one.scores, *(one.flags or {})} - one.unseen
    unseen = frozenset(name for one in said for name in one.unseen if name not in judged)
    model = next((one.model for one in said if one.model), "")
    # Without a flag of its own a service leaves the decision to the scores.
    return Scores(scores, flags if any(one.flags is not None for one in said) else None, unseen, model, spans)
