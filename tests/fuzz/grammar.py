"""The generator: case ``index`` of seed ``seed`` is always the same request with the same answer to come.

About half of all cases are well formed and carry no canary; the others carry it in some place where
some upstream would read it, plainly or behind a lie about framing, coding, charset, path or method.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from . import framing, jsonish
from .answers import Answer, answer
from .apis import APIS, B64, FILES, Api
from .words import percent, phrase, sentence

_WEIGHTS = {
    "chat": 4.0,
    "responses": 3.0,
    "messages": 3.0,
    "gemini": 2.0,
    "converse": 1.5,
    "models": 0.3,
    "app.ask": 1.5,
}
_BAG = [api for api in APIS for _ in range(round(4 * _WEIGHTS.get(api.name, 1.0)))]


@dataclass(frozen=True)
class Case:
    """One request as it reaches the door, and what the upstream would answer."""

    index: int
    api: Api
    method: str
    target: str  # the path as written, with its query
    headers: list[tuple[str, str]]
    chunks: list[bytes]
    planted: bool
    tags: tuple[str, ...]
    answer: Answer


def case(seed: int, index: int) -> Case:
    """Case ``index``, the same on every machine."""
    rng = Random(seed * 1_000_003 + index)
    api = rng.choice(_BAG)
    return _clean(rng, index, api) if rng.random() < 0.55 or api.form == "none" else _hostile(rng, index, api)


def _clean(rng: Random, index: int, api: Api) -> Case:
    raw, media, _ = _body(rng, api, None)
    headers = [("host", "gateway.test"), ("user-agent", "fuzz"), ("accept", "*/*")]
    if media:
        headers.append(("content-type", media))
    tags = ["clean"]
    if api.form != "none" and (how := rng.random()) < 0.12:
        coding = "gzip" if how < 0.07 else "deflate" if how < 0.09 else "br" if how < 0.105 else "zstd"
        raw = framing.packed(coding, raw)
        headers.append(("content-encoding", coding))
        tags.append(coding)
    if api.form != "none":
        headers.append(("content-length", str(len(raw))) if rng.random() < 0.9 else ("transfer-encoding", "chunked"))
    reply = answer(rng, api, streamed=_streams(raw, rng))
    return Case(
        index, api, api.method, rng.choice(api.paths), headers, framing.chunks(rng, raw), False, tuple(tags), reply
    )


def _streams(raw: bytes, rng: Random) -> bool:
    return b'"stream": true' in raw or b'"stream":true' in raw or rng.random() < 0.15


def _body(rng: Random, api: Api, bad: str | None) -> tuple[bytes, str, str]:
    """A well-formed body of the route: bytes, content type, what it is."""
    if api.form == "none":
        return b"", "", "none"
    template = rng.choice(api.bodies)
    if api.form == "json":
        text = jsonish.clean(rng, template, bad)
        media = "application/json" if rng.random() < 0.85 else "application/json; charset=utf-8"
        return text.encode(), media, "json"
    if api.form == "text":
        return (bad or jsonish.plain(rng)).encode(), "text/plain; charset=utf-8", "text"
    if api.form == "rows":
        return _rows(rng, template, bad).encode(), rng.choice(["application/jsonl", "application/x-ndjson"]), "rows"
    fields = _fields(rng, template)
    if api.form == "urlencoded":
        if bad is not None:
            fields[rng.choice(list(fields))] = bad
        return framing.form(rng, fields), "application/x-www-form-urlencoded", "form"
    if bad is not None and any("@rows" in v for v in template.values() if isinstance(v, dict)) and rng.random() < 0.6:
        return *framing.multipart(rng, _fields(rng, template, bad))[:2], "rows in a part"
    raw, media, done = framing.multipart(rng, fields, bad)
    return raw, media, done


def _rows(rng: Random, template: Any, bad: str | None) -> str:
    count = rng.randrange(1, 4)
    at = rng.randrange(count)
    rows = [jsonish.clean(rng, template, bad if n == at else None).replace("\n", " ") for n in range(count)]
    return "\n".join(rows) + rng.choice(["", "\n"])


def _fields(rng: Random, template: dict[str, Any], bad: str | None = None) -> dict[str, Any]:
    """A template as the fields of a form: texts filled in, files with their rows."""
    out: dict[str, Any] = {}
    for name, value in template.items():
        if isinstance(value, dict) and "@rows" in value:
            file, media, row = value["@rows"]
            out[name] = {"@file": (file, media, _rows(rng, row, bad))}
        elif isinstance(value, dict) and "@file" in value:
            file, media, text = value["@file"]
            out[name] = {"@file": (file, media, phrase(rng) if text == "~" else text)}
        elif isinstance(value, str):
            out[name] = phrase(rng) if value == "~" else value
        else:
            out[name] = json.dumps(value).replace('"~"', json.dumps(phrase(rng)))
    return out


def _hostile(rng: Random, index: int, api: Api) -> Case:
    aside = rng.random() < 0.02
    raw, media, body = _body(rng, api, None) if aside else _bad_body(rng, api)
    tags = [body]
    headers = [("host", "gateway.test"), ("user-agent", "fuzz")]
    if rng.random() < 0.22:
        headers += (given := _types(rng, media))
        tags.append("type " + ", ".join(value for _, value in given) if given else "no type")
    elif media:
        headers.append(("content-type", media))
    raw, codings, how = _coded(rng, raw)
    headers += codings
    if how:
        tags.append(how)
    target, path = _aside(rng, rng.choice(api.paths)) if aside else _path(rng, rng.choice(api.paths))
    method, verb = _method(rng, api.method)
    headers += [*verb, *_length(rng, len(raw), method)]
    tags += [word for word in (path, method if method != "POST" else "", "override" if verb else "") if word]
    return Case(
        index,
        api,
        method,
        target,
        headers,
        framing.chunks(rng, raw),
        True,
        tuple(tags),
        answer(rng, api, streamed=rng.random() < 0.3),
    )


def _length(rng: Random, length: int, method: str) -> list[tuple[str, str]]:
    """How the end of the body is told. Without it no server takes a body with GET, so there it is right."""
    how = rng.random()
    if how < 0.8 or method != "POST":
        return [("content-length", str(length))]
    if how < 0.9:
        return [("transfer-encoding", rng.choice(["chunked", "gzip, chunked", "\x0bchunked", "identity"]))]
    return [("content-length", rng.choice(["0", "-1", "+5", "1e3", "", str(length // 2)]))] if how < 0.95 else []


def _bad_body(rng: Random, api: Api) -> tuple[bytes, str, str]:
    how = rng.random()
    if api.form != "json":
        raw, media, done = _body(rng, api, sentence(rng))
        if api.form == "multipart" or how < 0.7:
            return raw, media, done
        return jsonish.encoded(rng, raw.decode("utf-8", "replace"))[0], media, f"{done} recoded"
    template = rng.choice(api.bodies)
    if how < 0.25:
        return *_body(rng, api, sentence(rng))[:2], "plain slot"
    media = "application/json"
    if how < 0.28 and api.name in FILES:
        packed = base64.b64encode(sentence(rng).encode()).decode()
        return jsonish.clean(rng, rng.choice(FILES[api.name])).replace(B64, packed).encode(), media, "file of text"
    text, done = jsonish.spoiled(rng, template)
    if how < 0.6:
        return text.encode("utf-8", "surrogatepass"), media, done
    if how < 0.68:
        return jsonish.mangled(rng, text).encode("utf-8", "surrogatepass"), media, f"{done} mangled"
    if how < 0.76:
        raw, coding = jsonish.encoded(rng, text)
        if rng.random() < 0.4:
            media += f"; charset={coding}"
        return raw, media, f"{done} as {coding}"
    return _reframed(rng, text, template)


def _reframed(rng: Random, text: str, template: Any) -> tuple[bytes, str, str]:
    """Another kind of body than the route expects."""
    bad, how = sentence(rng), rng.randrange(8)
    if how == 0:
        return framing.form(rng, {"q": phrase(rng), "prompt": bad}), "application/x-www-form-urlencoded", "form"
    if how == 1:
        return framing.form(rng, {"payload": text}), "application/x-www-form-urlencoded", "JSON in a form"
    if how == 2:
        raw, media, done = framing.multipart(rng, {"model": "m", "prompt": phrase(rng)}, bad)
        return raw, media, f"multipart: {done}"
    if how == 3:
        return f"{json.dumps({'a': 1})}\n{text.replace(chr(10), ' ')}\n".encode(), "application/x-ndjson", "rows"
    if how == 4:
        return f"{phrase(rng)}\n{bad}".encode(), "text/plain", "text"
    if how == 5:
        return (
            framing.binary(rng, bad),
            rng.choice(["application/octet-stream", "image/png", "application/pdf"]),
            "binary",
        )
    if how == 6:
        return (
            f'<?xml version="1.0"?><a b="1">{bad}</a>'.encode(),
            rng.choice(["application/xml", "text/xml", "text/html"]),
            "XML",
        )
    return framing.multipart(rng, {"payload": text, "n": "1"})[0], "multipart/form-data", "multipart without a boundary"


_LIES = (
    "text/plain", "application/octet-stream", "image/png", "multipart/form-data", "multipart/form-data; boundary=x", "text/html",
    "application/x-www-form-urlencoded", "application/xml", "application/x-ndjson", "application/jsonl", "application/pdf", "audio/wav",
    "application/json; charset=utf-16", "application/json; charset=utf-7", 'application/json; charset="latin-1"', "application/JSON",
    "application/json; charset=utf-8; charset=utf-16", "application/json, text/plain", "application/json;", "json", "*/*", " ",
    "text/event-stream", "video/mp4", "application/vnd.api+json", "application/grpc", "text/plain; charset=utf-16le", "font/woff2",
    "application/cbor", "application/msgpack", "application/x-protobuf", "application/json; boundary=x", "model/gltf-binary",
)  # fmt: skip


def _types(rng: Random, media: str) -> list[tuple[str, str]]:
    """Content types that lie, are missing, or are two."""
    how = rng.random()
    if how < 0.15:
        return []
    lie = rng.choice(_LIES)
    if how < 0.8:
        return [("content-type", lie)]
    both = [("content-type", lie), ("content-type", media or "application/json")]
    return both if rng.random() < 0.5 else both[::-1]


def _coded(rng: Random, raw: bytes) -> tuple[bytes, list[tuple[str, str]], str]:
    """Content codings: none mostly, else right, lying, stacked or unknown."""
    how = rng.random()
    if how < 0.8:
        return raw, [], ""
    coding = rng.choice(["gzip", "deflate", "raw deflate", "br", "zstd", "x-gzip"])
    name = "deflate" if coding == "raw deflate" else coding
    if how < 0.88:
        return (
            framing.packed(coding, raw),
            [("content-encoding", rng.choice([name, name.upper(), f" {name} "]))],
            coding,
        )
    if how < 0.91:
        return (
            raw,
            [("content-encoding", rng.choice([name, "compress", "identity", "aes128gcm", ""]))],
            "coding named only",
        )
    if how < 0.94:
        return framing.packed(coding, raw), [], f"{coding} unnamed"
    second = rng.choice(["gzip", "br", "deflate", "zstd"])
    twice = framing.packed(second, framing.packed(coding, raw))
    if rng.random() < 0.5:
        return twice, [("content-encoding", f"{name}, {second}")], "stacked"
    return twice, [("content-encoding", name), ("content-encoding", second)], "stacked in two"


def _aside(rng: Random, target: str) -> tuple[str, str]:
    """The canary not in the body but in the query or in a step of the path."""
    text = percent(rng, sentence(rng)).replace("/", "%2F")
    if rng.random() < 0.7:
        return (
            f"{target}{'&' if '?' in target else '?'}{rng.choice(['q', 'prompt', 'filter', 'x'])}={text}",
            "in the query",
        )
    path, _, query = target.partition("?")
    return f"{path}/{text.replace('+', '%20')}" + (f"?{query}" if query else ""), "in the path"


def _path(rng: Random, target: str) -> tuple[str, str]:
    """Another spelling of the path, which some router takes for the same."""
    if rng.random() < 0.72:
        return target, ""
    path, _, query = target.partition("?")
    n = rng.randrange(1, len(path)) if len(path) > 1 else 0
    cut = path.rfind("/")
    tricks = {
        "slash at the end": path + "/",
        "doubled slash": path[:cut] + "/" + path[cut:],
        "encoded slash": path[:cut] + rng.choice(["%2f", "%2F"]) + path[cut + 1 :],
        "encoded letter": path[:n] + quote(path[n : n + 1], safe="").replace(path[n : n + 1], f"%{ord(path[n]):02x}") + path[n + 1 :]
        if n and path[n] not in "/%" and path[n - 1] != "%" and path[n - 2 : n - 1] != "%" else path,
        "double coding": path[:cut] + "/%25" + f"{ord(path[cut + 1]):02x}" + path[cut + 2 :] if cut + 1 < len(path) else path,
        "upper case": path.upper(),
        "dot segment": path[:cut] + "/." + path[cut:],
        "step up": "/x/.." + path,
        "parameter": path + ";v=1",
        "back slash": path.replace("/", "\\", 2)[1:] if cut else path,
        "prefix": rng.choice(["/proxy", "/api", "/tenant/1", "/openai"]) + path,
        "absolute form": "http://other.test" + path,
        "NUL": path + "%00",
        "query": path + "?x=1&stream=true",
    }  # fmt: skip
    name = rng.choice(list(tricks))
    spelling = tricks[name]
    return spelling + (f"?{query}" if query and "?" not in spelling else ""), name


def _method(rng: Random, method: str) -> tuple[str, list[tuple[str, str]]]:
    how = rng.random()
    if how < 0.93:
        return method, []
    if how < 0.95:
        return "GET", [("x-http-method-override", "POST")]
    return rng.choice(["post", "PUT", "PATCH", "GET", "DELETE", "QUERY", "Post", "OPTIONS", "PROPFIND"]), []
