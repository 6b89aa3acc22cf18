"""``POST /v1/moderations`` of the gateway: the moderation endpoint of OpenAI, answered by a backend of the policy.

Any client of that endpoint can be pointed at it. Knows the endpoint's form and a backend. It enforces nothing, and
keeps no row: it says what the backend says. Whoever can reach it can try texts against the policy's model, so it is
there only where the operator asks for it.

Source: https://platform.openai.com/docs/api-reference/moderations.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..backends.merged import of_windows
from ..backends.windows import windows
from ..categories import OPENAI_MODERATION
from ..checks.protocol import Backend, Measured, Scores, Seeing
from ..core import Guard, new_id
from ..errors import NotEvaluated
from ..flow import Flow, arun

MOST = 64
"""Texts in one request."""

LONGEST = 4 << 20
"""Bytes of a request."""


@dataclass(frozen=True, slots=True)
class _Item:
    text: str
    image: str | None = None


class Moderations:
    """The endpoint over the first check under ``input`` that asks a backend. Raises ValueError where none does."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend()

    async def __call__(self, request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST:
                return _error(413, "the request is too large", "too_large")
        try:
            items = _items(json.loads(body))
        except (ValueError, RecursionError) as error:
            words = str(error) if type(error) is ValueError else "the body is not JSON"
            return _error(400, words, "invalid_request_error")
        try:
            backend = self._backend()
            said = await arun(_asked(backend, items), self._guard.aworld().perform)
        except (NotEvaluated, ValueError) as error:
            reason = error.reason if isinstance(error, NotEvaluated) else "no_backend"
            return _error(503, "the backend gave no answer: nothing was judged", reason)
        model = next((one.model for one in said if one.model), backend.name)
        results = [_result(backend, one, item) for one, item in zip(said, items, strict=True)]
        return JSONResponse({"id": f"modr-{new_id()}", "model": model, "results": results})

    def _backend(self) -> Backend:
        plan = self._guard.plan
        for moderator in plan.input.moderators:
            if moderator.name in plan.backends:
                return plan.backends[moderator.name]
        raise ValueError("no check under `input` asks a backend, so there is nothing to answer /v1/moderations with")


def _items(asked: Any) -> list[_Item]:
    """A text, texts, or one image with the text beside it. Raises ValueError with what is wrong."""
    given = asked.get("input") if isinstance(asked, dict) else None
    if isinstance(given, str):
        return [_Item(given)]
    if not isinstance(given, list) or not given or len(given) > MOST:
        raise ValueError(f"input is a text, or a list of 1 to {MOST} texts or parts")
    if all(isinstance(one, str) for one in given):
        return [_Item(one) for one in given]
    texts, images = [], []
    for part in given:
        if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(part, dict) and part.get("type") == "image_url" and isinstance(part.get("image_url"), dict):
            images.append(str(part["image_url"].get("url") or ""))
        else:
            raise ValueError("a part of input is neither a text nor an image_url")
    if len(images) > 1:
        raise ValueError("one image a request")
    return [_Item("\n".join(texts), images[0] if images else None)]


def _asked(backend: Backend, items: Sequence[_Item]) -> Flow[list[Scores]]:
    """What the backend says of each; of a long text its windows together."""
    if items[0].image is not None:
        if not isinstance(backend, Seeing) or "image" not in backend.sees:
            raise NotEvaluated("blind", "the backend reads text only")
        return list((yield from backend.look([(items[0].text, items[0].image)])))
    size = backend.size if isinstance(backend, Measured) else len
    cuts = [windows(item.text, backend.longest, size) or [(0, 0)] for item in items]
    pieces = [item.text[start:end] for item, cut in zip(items, cuts, strict=True) for start, end in cut]
    answers = yield from backend.moderate(pieces)
    if len(answers) != len(pieces):
        raise NotEvaluated("malformed", "the backend did not answer about every text")
    said = iter(answers)
    return [of_windows([next(said) for _ in cut]) for cut in cuts]


def _result(backend: Backend, said: Scores, item: _Item) -> dict[str, Any]:
    """In the endpoint's form. What was not looked at has no input type applied to it, as there."""
    flags = said.flags or {}
    least = None if backend.points is None else backend.points["balanced"]
    names = dict.fromkeys((*OPENAI_MODERATION, *sorted({*said.scores, *flags} - set(OPENAI_MODERATION))))
    found, scores, applied = {}, {}, {}
    kind = "text" if item.image is None else "image"
    for name in names:
        scores[name] = said.scores.get(name, 1.0 if flags.get(name) else 0.0)
        found[name] = bool(flags.get(name)) or (least is not None and scores[name] >= least.get(name, 1.1))
        judged = (name in said.scores or name in flags) and name not in said.unseen
        applied[name] = [kind] if judged else []
    return {
        "flagged": any(found.values()),
        "categories": found,
        "category_scores": scores,
        "category_applied_input_types": applied,
    }


def _error(status: int, message: str, code: str) -> Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": code}}, status_code=status)
