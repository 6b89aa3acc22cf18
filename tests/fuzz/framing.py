"""Bodies that are not one JSON text: multipart, forms, rows, plain text, bytes with text in them; and codings.

Knows how they are written, well and badly. Texts come in; nothing here chooses them.
"""

from __future__ import annotations

import base64
import gzip
import json
import quopri
import zlib
from random import Random
from typing import Any
from urllib.parse import quote

import brotli
from backports import zstd

from .words import percent


def multipart(rng: Random, fields: dict[str, Any], bad: str | None = None) -> tuple[bytes, str, str]:
    """Body, content type, and what was done. ``bad`` is planted in some place a lenient reader looks at.

    A field is a text, or ``{"@file": (name, media type, text)}``.
    """
    boundary = f"b{rng.getrandbits(40):x}"
    done = "part" if bad is None else rng.choice(_PLACES)
    target = rng.choice(list(fields))
    end = "\n" if done == "bare line ends" else "\r\n"
    out: list[bytes] = []
    if done == "preamble":
        out.append(f"{bad}{end}".encode())
    for name, value in fields.items():
        shown, extra, file = name, "", None
        if isinstance(value, dict):
            file, media, value = value["@file"]
            extra = f"{end}Content-Type: {media}"
        data = str(value).encode("utf-8" if file is None or file.endswith((".txt", ".jsonl")) else "latin-1")
        star = ""
        if name == target and bad is not None:
            if done in ("value", "bare line ends", "no end", "wrong boundary", "no boundary", "twice"):
                data = bad.encode()
            elif done == "name":
                shown = bad.replace("\r", " ").replace("\n", " ").replace('"', "'")
            elif done == "file name":
                file = bad.replace("\r", " ").replace("\n", " ").replace('"', "'")
            elif done == "file name, starred":
                file, star = "a.txt", f"; filename*=UTF-8''{quote(bad, safe='' if rng.random() < 0.5 else ' ')}"
            elif done == "part header":
                extra += f"{end}X-Note: {' '.join(bad.split())}".encode("ascii", "replace").decode()
            elif done == "JSON part":
                data, extra = json.dumps({"a": [bad]}).encode(), f"{end}Content-Type: application/json"
            elif done == "base64 part":
                data, extra = base64.encodebytes(bad.encode()), f"{extra}{end}Content-Transfer-Encoding: base64"
            elif done == "quoted part":
                data = quopri.encodestring(bad.encode(), quotetabs=True).replace(b"c4n", b"c=34n", 1)
                extra += f"{end}Content-Transfer-Encoding: quoted-printable"
            elif done == "UTF-16 part":
                data, extra = bad.encode("utf-16"), f"{end}Content-Type: text/plain; charset=utf-16"
            elif done == "file":
                file, data, extra = "n.txt", bad.encode(), f"{end}Content-Type: {rng.choice(_FILES)}"
        named = f'; filename="{file}"{star}' if file is not None else ""
        head = f'--{boundary}{end}Content-Disposition: form-data; name="{shown}"{named}{extra}{end}{end}'
        out.append(head.encode() + data + end.encode())
        if name == target and done == "twice":
            out.append(head.encode() + b"fine" + end.encode())
    if done != "no end":
        out.append(f"--{boundary}--{end}".encode())
    if done == "epilogue":
        out.append(f"{bad}{end}".encode())
    said = f"x{boundary}" if done == "wrong boundary" else boundary
    if done == "no boundary":
        return b"".join(out), "multipart/form-data", done
    return (
        b"".join(out),
        rng.choice(["multipart/form-data; boundary=%s", 'multipart/form-data; boundary="%s"']) % said,
        done,
    )


_FILES = ("text/plain", "application/octet-stream", "application/pdf", "image/png", "application/jsonl", "")
_PLACES = (
    *("value",) * 5, "file", "file", "name", "file name", "file name, starred", "part header", "JSON part", "base64 part",
    "quoted part", "UTF-16 part", "preamble", "epilogue", "bare line ends", "no end", "wrong boundary", "no boundary", "twice",
)  # fmt: skip


def form(rng: Random, fields: dict[str, str]) -> bytes:
    joint = "&" if rng.random() < 0.95 else ";"
    return joint.join(f"{percent(rng, k)}={percent(rng, v)}" for k, v in fields.items()).encode()


def binary(rng: Random, text: str) -> bytes:
    """Bytes that are no text, and a text among them."""
    around = bytes(rng.randrange(256) for _ in range(12))
    start = rng.choice([b"\x89PNG\r\n\x1a\n", b"%PDF-1.4\n", b"\xff\xd8\xff", b"PK\x03\x04", b"\x00\x01", b"RIFF"])
    return start + around + text.encode() + around


def packed(coding: str, raw: bytes) -> bytes:
    """One content coding applied."""
    if coding in ("gzip", "x-gzip"):
        return gzip.compress(raw, 1, mtime=0)
    if coding == "deflate":
        return zlib.compress(raw, 1)
    if coding == "raw deflate":
        return zlib.compress(raw, 1, wbits=-15)
    if coding == "br":
        return bytes(brotli.compress(raw, quality=1))
    if coding == "zstd":
        return zstd.compress(raw)
    return raw


def chunks(rng: Random, raw: bytes) -> list[bytes]:
    """The body as it might arrive: whole mostly, else in pieces, at times empty ones."""
    if rng.random() < 0.7 or len(raw) < 2:
        return [raw]
    places = sorted(rng.randrange(1, len(raw)) for _ in range(rng.randrange(1, 5)))
    out = [raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True)]
    return [*out, b""] if rng.random() < 0.3 else out
