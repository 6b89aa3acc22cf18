"""One ``Scores`` out of several that were said of the same text. Knows scores only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..checks.protocol import Scores


def merged(said: Sequence[Scores]) -> Scores:
    """What several questions about one text came to: the highest score and any flag count, and what one of them has
    judged is not unseen.
    """
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


def of_windows(said: Sequence[Scores]) -> Scores:
    """What the parts of one text came to: what was not seen in one of them is unseen. Spans, which are those of the
    parts, are left out.
    """
    if len(said) == 1:
        return said[0]
    by: dict[str, dict[str, float]] = {}
    for one in said:
        for model, own in one.by.items():
            _raise(by.setdefault(model, {}), own)
    unseen = frozenset[str]().union(*(one.unseen for one in said))
    why = next((one.why for one in said if one.unseen), "unseen")
    return replace(merged(said), unseen=unseen, spans={}, why=why, by=by)


def _raise(scores: dict[str, float], other: Mapping[str, float]) -> None:
    for name, score in other.items():
        scores[name] = max(score, scores.get(name, 0.0))
