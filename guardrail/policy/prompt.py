"""What the user had asked, for models that judge a reply beside it.

Knows segments of a request. Must never know who is told, nor keep anything: it goes to the models that judge the
reply, and is in no row and no message.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ..text import Segment
from ..verdict import Kind

LONGEST = 4_000
"""Characters of it, the last ones: what a reply answers stands at the end, most models are shown half of that, and a
request may have megabytes, which would be kept and sent with every question about the reply."""


def asked(segments: Sequence[Segment]) -> str:
    """The user's turns since the model last spoke, or else the last one of all; each as it is sent upstream, masks in
    place, on lines of its own. Empty where nothing was asked.

    A turn is an item of the conversation's list. Who wrote it is no part of it, and what stands beside the list
    (variables of a template, a prediction) is none: else whoever writes those could put them in the question's place.
    """
    said = _turns(segments)
    found: list[str] = []
    size, spoke = 0, False
    for turn in reversed(said):
        texts = [s for s in turn if s.kind is Kind.USER and s.total and not s.text.isspace()]
        if texts:
            found.append("\n".join(_sent(segment) for segment in texts))
            size += len(found[-1])
            if spoke or size >= LONGEST:
                break
        elif any(segment.kind is Kind.ASSISTANT for segment in turn):
            if found:
                break
            spoke = True
    return last("\n".join(reversed(found)))


def _turns(segments: Sequence[Segment]) -> list[list[Segment]]:
    """The items of the first list of objects in which a user speaks, and what a user says at the top beside it (some
    APIs have the last turn there); where there is no such list, what a user says nearest to the top."""
    lists: dict[object, dict[object, list[Segment]]] = {}
    for segment in segments:
        path = segment.path
        at = next((n for n, step in enumerate(path) if isinstance(step, int)), len(path))
        if len(path) > at + 1 and path[-1] != "name":
            lists.setdefault(path[:at], {}).setdefault(path[at], []).append(segment)
    said = [segment for segment in segments if segment.kind is Kind.USER]
    for turns in lists.values():
        if any(segment.kind is Kind.USER for turn in turns.values() for segment in turn):
            return [*turns.values(), *([segment] for segment in said if len(segment.path) == 1)]
    top = min((len(segment.path) for segment in said), default=0)
    return [[segment] for segment in said if len(segment.path) == top]


def last(prompt: str) -> str:
    """The end of a prompt, as much of it as models are told; empty where it is blank."""
    return prompt.rstrip()[-LONGEST:]


def _sent(segment: Segment) -> str:
    """A text as it is written into the request, its parts apart."""
    text, cuts = segment.text, [0, *segment.joints, segment.total]
    return "\n".join(segment.written(begin, text[begin:end]) for begin, end in pairwise(cuts))
