"""The stream of generateContent: chunks that are answers in part, as events or as one JSON array.

Knows what a caller has seen of each candidate, and how one is ended. Of routes and requests it
knows only what it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ...text import Path
from ..framing import Framing
from ..protocol import Notice
from ..stream import JsonStream, Place
from ..table import Node
from .errors import SAFETY_WORDS, error_tree

FINISH = "SAFETY"
"""The finish reason of a refusal of ours."""
_GROWING = ("content", "logprobsResult", "logprobs_result")
_SPOKEN = ("text", "audioTranscription", "audio_transcription")


class GenerateStream(JsonStream):
    """Codec of one streamed answer. ``candidates`` is how many the request asked for."""

    done = b""

    def __init__(self, framing: Framing, root: Node, *, model: str = "", candidates: int = 1) -> None:
        super().__init__(framing, root)
        self._asked, self._model = candidates, model
        self._came: set[int] = set()  # candidates that upstream has finished
        self._seen: dict[int, bool] = {}  # candidates the caller has seen -> finished
        self._wrote: set[int] = set()  # candidates the caller has read text of
        self._like: dict[str, Any] = {}
        self._usage: Any = None

    def place(self, name: str, tree: Any) -> Place:
        """Texts of a candidate go on from chunk to chunk; whatever else a chunk says is complete in it."""
        closes: list[Path] = [(key,) for key in tree if key != "candidates"] if isinstance(tree, dict) else []
        for index, candidate in candidates(tree):
            at: Path = ("candidates", index)
            closes += [(*at, key) for key in candidate if key not in _GROWING]
            for key in ("logprobsResult", "logprobs_result"):
                closes += [(*at, key, "topCandidates"), (*at, key, "top_candidates")] if key in candidate else []
            for n, part in parts(candidate):
                where = (*at, "content", "parts", *n)
                closes += [(*where, key) for key in part if key not in (*_SPOKEN, *_CALLS)]
                for key in _CALLS:
                    if isinstance(part.get(key), dict):
                        closes += _call_ends((*where, key), part[key])
        return Place(self._root, closes=tuple(closes))

    def terminal(self, name: str, tree: Any) -> bool:
        if not isinstance(tree, dict):
            return False
        if tree.get("error") is not None or (_feedback(tree) is not None and not tree.get("candidates")):
            return True
        found = list(candidates(tree))
        self._came.update(index for index, candidate in found if _finish(candidate) is not None)
        return bool(found) and len(self._came) >= self._asked

    def note(self, name: str, tree: Any) -> None:
        if not isinstance(tree, dict):
            return
        self._like |= {key: tree[key] for key in ("modelVersion", "responseId", "createTime") if key in tree}
        self._usage = tree.get("usageMetadata") or self._usage
        for index, candidate in candidates(tree):
            self._seen[index] = self._seen.get(index, False) or _finish(candidate) is not None
            if any(part.get("text") and part.get("thought") is not True for _, part in parts(candidate)):
                self._wrote.add(index)

    def changed(self, name: str, tree: Any) -> None:
        for _, candidate in candidates(tree):
            forget_places(candidate)

    def refused(self, name: str, tree: Any) -> str | None:
        return refusal_word(tree)

    def closing(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        """One chunk that ends every candidate still open, with the notice as its last text."""
        open_ones = [n for n in sorted({*range(self._asked), *self._seen}) if not self._seen.get(n)]
        said = [(n, f"\n\n{notice.text}" if n in self._wrote else notice.text) for n in open_ones]
        yield "", answer_tree(said, notice, self._model, usage=self._usage, like=self._like)

    def breaking(self, notice: Notice) -> Iterable[tuple[str, Any]]:
        yield "", error_tree(notice)


_CALLS = ("functionCall", "function_call")


def answer_tree(
    said: Iterable[tuple[int, str]],
    notice: Notice,
    model: str,
    *,
    usage: Any = None,
    like: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An answer, or the last chunk of one, whose candidates end for safety after saying these texts."""
    return {
        "candidates": [
            {"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": FINISH, "index": index}
            for index, text in said
        ],
        "usageMetadata": usage or {"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0},
        "modelVersion": model,
        "responseId": notice.decision,
        **(like or {}),
    }


def candidates(tree: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The candidates of an answer or a chunk, each with its index."""
    found = tree.get("candidates") if isinstance(tree, dict) else None
    for n, candidate in enumerate(found if isinstance(found, list) else ()):
        if isinstance(candidate, dict):
            index = candidate.get("index", n)
            yield index if type(index) is int else n, candidate


def parts(candidate: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The parts of a candidate, each with its place below ``parts``."""
    content = candidate.get("content")
    found = content.get("parts") if isinstance(content, dict) else None
    if isinstance(found, dict):
        yield (), found
    for n, part in enumerate(found if isinstance(found, list) else ()):
        if isinstance(part, dict):
            index = part.get("index", n)
            yield (index if type(index) is int else n,), part


def refusal_word(tree: Any) -> str | None:
    """The word by which this answer or chunk was refused for safety."""
    said = [_feedback(tree), *(_finish(candidate) for _, candidate in candidates(tree))]
    return next((word for word in said if word in SAFETY_WORDS), None)


def forget_places(candidate: dict[str, Any]) -> None:
    """Drop what repeats a candidate's text or points into it, once the text is another."""
    for name in ("logprobsResult", "logprobs_result"):
        candidate.pop(name, None)
    for name, inner in (("groundingMetadata", "groundingSupports"), ("grounding_metadata", "grounding_supports")):
        if isinstance(candidate.get(name), dict):
            candidate[name].pop(inner, None)


def _call_ends(at: Path, call: dict[str, Any]) -> list[Path]:
    """What of a function call is complete. Arguments may come in parts that say whether more follow."""
    if not _goes_on(call):
        return [at]
    ends: list[Path] = []
    for key in ("partialArgs", "partial_args"):
        found = call.get(key)
        for n, arg in enumerate(found if isinstance(found, list) else ()):
            ends.append((*at, key, n, "jsonPath"))
            ends.append((*at, key, n, "json_path"))
            if isinstance(arg, dict) and not _goes_on(arg):
                ends.append((*at, key, n))
    return [*ends, (*at, "name"), (*at, "id")]


def _goes_on(item: dict[str, Any]) -> bool:
    return (item.get("willContinue") or item.get("will_continue")) is True


def _finish(candidate: dict[str, Any]) -> str | None:
    word = candidate.get("finishReason", candidate.get("finish_reason"))
    return word if isinstance(word, str) and word else None


def _feedback(tree: Any) -> str | None:
    feedback = tree.get("promptFeedback", tree.get("prompt_feedback")) if isinstance(tree, dict) else None
    word = feedback.get("blockReason", feedback.get("block_reason")) if isinstance(feedback, dict) else None
    return word if isinstance(word, str) and word else None
