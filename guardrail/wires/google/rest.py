"""The operations around generateContent: counting, embedding, predicting, and what is kept (caches, files, batches).

They take JSON and give JSON, in which every string is read; uploads are read as what they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...http import Request, header
from ...text import Medium
from ...verdict import Kind
from .. import magic
from ..document import Plain
from ..operation import Operation
from ..protocol import Body, Reference
from ..silent import ENUM, ID, MODEL, ROLE
from ..table import EMPTY, Anchor, Entry, Media, Node, Text, table
from .errors import SAFETY_WORDS, error
from .generate import kept_name, verbs
from .tables import CALL, DATA, TIME, asked, both, parts, said

_USER = Text(Kind.USER)
_CONTENT: dict[str, Entry] = {**parts("content"), "content": _USER, "taskType": ENUM, "model": MODEL, "title": _USER}
_EMBED = both(
    table(
        {
            **_CONTENT,
            **{f"requests[*].{place}": entry for place, entry in _CONTENT.items()},
            "requests[*]": Anchor(kind=Kind.USER),
            **{f"batch.inputConfig.requests.requests[*].request.{p}": entry for p, entry in _CONTENT.items()},
        }
    )
)
_INSTANCES = both(
    table(
        {
            "instances": _USER,
            "instances[*].taskType": ENUM,
            **{f"instances[*].{name}.bytesBase64Encoded": DATA for name in ("image", "video", "audio", "lastFrame")},
            "instances[*].bytesBase64Encoded": DATA,
            "parameters": Text(Kind.DEFINITION),
            "operationName": ID,
        }
    )
)
_PREDICTED = both(table({"predictions[*]": Anchor(), "predictions[*].bytesBase64Encoded": DATA, "name": ID}))
_COUNT = both(table({**asked(), **asked("generateContentRequest"), "instances": _USER}))
_COUNTED = both(
    table(
        {
            "promptTokensDetails[*].modality": ENUM,
            "tokensInfo[*].tokens[*]": Media("tokens"),
            "tokensInfo[*].tokenIds[*]": Text(tokens=True),
            "tokensInfo[*].role": ROLE,
        }
    )
)
_TIMES: dict[str, Entry] = dict.fromkeys(("createTime", "updateTime", "expireTime", "expirationTime"), TIME)
_CACHE = both(table({**asked(), **_TIMES, "ttl": TIME, "name": ID}))
_BATCH = both(table(asked("batch.inputConfig.requests.requests[*].request")))
_DONE = "inlinedResponses.inlinedResponses[*].response"
_OPERATION = both(table({**said(f"response.{_DONE}"), **said(f"metadata.output.{_DONE}"), "name": ID}))
_FILE = both(
    table(
        {
            f"{at}{name}": entry
            for at in ("", "file.", "files[*].")
            for name, entry in {
                **_TIMES,
                "name": ID,
                "mimeType": ENUM,
                "state": ENUM,
                "source": ENUM,
                "sha256Hash": ID,
            }.items()
        }
    )
)
_KEPT = {"cachedContents": "cachedContent", "files": "file", "batches": "batch", "fileSearchStores": "fileSearchStore"}


class Rest(Operation):
    """An operation whose path may name a kept object, and whose answer may be one (its ``name``)."""

    words = SAFETY_WORDS

    def __init__(self, name: str, routes: Sequence[str], asks: Node = EMPTY, says: Node = EMPTY) -> None:
        super().__init__(f"google.{name}", routes, asks=asks, says=says, errors=error, modalities=frozenset({"file"}))

    def mine(self, request: Request) -> bool:
        """Files and batches have the paths of other APIs; Google's are under a beta. (No header decides: it is
        the caller who writes those.)"""
        return any(f"/{word}/" in request.path for word in ("v1beta", "v1beta1", "v1alpha"))

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        kept = super().refers(request, asked)
        for folder, kind in _KEPT.items():
            _, found, rest = request.path.rpartition(f"/{folder}/")
            if found and (name := rest.partition("/")[0].partition(":")[0]):
                kept.append(Reference(kind, f"{folder}/{name}", "path"))
        return kept

    def issued(self, answer: Body) -> list[Reference]:
        tree = answer.tree if isinstance(answer.tree, dict) else {}
        made = [tree, tree.get("file")]
        names = [item.get("name") for item in made if isinstance(item, dict)]
        found = [(name, name.rpartition("/")[0].rpartition("/")[2]) for name in names if isinstance(name, str)]
        return [Reference(_KEPT[folder], kept_name(name) or name, "name") for name, folder in found if folder in _KEPT]


class Upload(Rest):
    """Uploads: what begins one is JSON; the file itself is text, or content that no text check can read."""

    def request(self, body: bytes, asked: Request) -> Body:
        begins = "start" in (header(asked.headers, "x-goog-upload-command") or "start").lower()
        if not body or (begins and asked.media == "application/json"):
            return super().request(body, asked)
        return File(body, header(asked.headers, "content-type") or "")


class File(Plain):
    """A file's bytes: read where they are text; else a medium. Never rewritten: offsets and sizes are announced."""

    def __init__(self, raw: bytes, media: str) -> None:
        text = _text(raw)
        super().__init__(raw if text is not None else b"", Kind.USER)
        self.raw = raw
        modality = magic.known(raw, media)
        if text is None or modality is not None:
            self.media = [Medium(modality or magic.modality_of(raw, media), ("file",))]
        for segment in self.segments:
            segment.fixed = True


def _text(raw: bytes) -> str | None:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text


def operations() -> tuple[Operation, ...]:
    """All but generation itself and interactions."""
    counts, embeds = verbs("countTokens", "computeTokens"), verbs("embedContent", "batchEmbedContents")
    predicts = verbs("predict", "predictLongRunning", "fetchPredictOperation")
    older = verbs("generateMessage", "countMessageTokens", "generateText", "countTextTokens", "embedText")
    upload = ["upload/{version}/files", "upload/{version}/fileSearchStores/{store}:uploadToFileSearchStore"]
    kept = [f"* v/{folder}/{{id}}" for folder in ("batches", "operations", "fileSearchStores", "tunedModels")]
    return (
        Rest("count", counts, _COUNT, _COUNTED),
        Rest("embed", [*embeds, *verbs("asyncBatchEmbedContent")], _EMBED, _OPERATION),
        Rest("batch", verbs("batchGenerateContent"), _BATCH, _OPERATION),
        Rest("predict", predicts, _INSTANCES, _PREDICTED),
        Rest(
            "older", older, table({"prompt": _USER, "text": _USER}), table({"candidates[*]": Anchor(), "filters": CALL})
        ),
        Rest("caches", [f"{m} cachedContents" for m in ("GET", "POST")] + ["* cachedContents/{id}"], _CACHE, _CACHE),
        Upload("uploads", [f"{method} {path}" for path in upload for method in ("POST", "PUT")], _FILE, _FILE),
        Rest("files", ["GET v/files/{id}", "DELETE v/files/{id}", "GET v/files/{id}:download"], _FILE, _FILE),
        Rest(
            "kept",
            [
                *kept,
                "* v/batches/{id}:cancel",
                "GET models/{model}/operations/{id}",
                "GET operations/{id}",
                "* v/fileSearchStores",
                "* v/fileSearchStores/{store}:importFile",
                "* v/fileSearchStores/{store}/documents",
                "* v/fileSearchStores/{store}/documents/{id}",
                "* v/fileSearchStores/{store}/operations/{id}",
                "POST v/tunedModels",
                "GET publishers/{publisher}/models",
            ],
            says=_OPERATION,
        ),
    )
