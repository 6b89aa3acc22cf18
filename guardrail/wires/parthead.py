"""The headers around form data (RFC 7578, RFC 2046), read so narrowly that no two readers can differ.

Readers of forms disagree on nearly every liberty that MIME gives: continued lines, RFC 2231 and
RFC 2047 words, backslashes, repeated and unknown parameters. Whatever is one of those is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import BadRequest

UTF8 = frozenset({"utf-8", "utf8", "us-ascii"})
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"[^"\\\x00-\x1f\x7f]*"'
_PARAMETER = re.compile(rf"[ \t]*;[ \t]*({_WORD})=({_QUOTED}|{_WORD})")
_TYPE = re.compile(r"[!#$&^_.+0-9A-Za-z-]{1,64}/[!#$&^_.+0-9A-Za-z-]{1,64}")
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_LINE = re.compile(rb"([A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)")
_HEADERS = frozenset({"content-disposition", "content-type", "content-transfer-encoding", "content-length"})
_PLAIN = frozenset({"7bit", "8bit", "binary"})
_ESCAPED = re.compile(r"%(?:22|0[aAdD])")
_FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Head:
    """What the headers of one part say.

    ``remark``: parameters of its media type, where they are more than a charset or codecs.
    ``length``: where its Content-Length stands in the headers, if it has one.
    """

    name: str
    filename: str | None = None
    media: str = ""
    remark: str = ""
    length: tuple[int, int] | None = None


def boundary_of(content_type: str) -> bytes:
    """The boundary that a form's Content-Type names. Raises BadRequest, 415 for a charset but UTF-8."""
    media, given = _parameters(content_type, "the form's Content-Type")
    if media != _FORM:
        raise BadRequest(f"the Content-Type is not {_FORM}", code="invalid_form", status=415)
    _charset(given, "the form")
    if not given.keys() <= {"boundary", "charset"}:
        raise _odd("the form's Content-Type has parameters other than boundary and charset")
    boundary = given.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise _odd("the form's Content-Type names no boundary of 1 to 70 of the characters of RFC 2046")
    return boundary.encode()


def head_of(block: bytes) -> Head:
    """Read the header lines of one part (without the empty line after them). Raises BadRequest."""
    headers: dict[str, str] = {}
    length = None
    at = 0
    for line in block.split(b"\r\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            raise _odd("a part has a header line that is malformed or continued")
        name = match[1].decode().lower()
        if name not in _HEADERS:
            raise _odd("a part has a header other than " + ", ".join(sorted(_HEADERS)))
        if name in headers:
            raise _odd(f"a part has its {name} twice")
        try:
            headers[name] = match[2].decode().rstrip(" \t")
        except UnicodeDecodeError:
            raise _odd("a part has a header that is not UTF-8") from None
        if name == "content-length":
            length = (at + match.start(2), at + match.end(2))
        at += len(line) + 2
    name, filename = _disposition(headers.get("content-disposition", ""))
    if headers.get("content-transfer-encoding", "binary").lower() not in _PLAIN:
        raise _odd("a part has a Content-Transfer-Encoding, which forms may not have (RFC 7578 section 4.7)")
    media = remark = ""
    if headers.get("content-type"):  # some clients send an empty one
        media, given = _parameters(headers["content-type"], "a part's Content-Type")
        _charset(given, "a part")
        if media.startswith(("multipart/", "message/")):
            raise _odd("a part is itself made of parts (RFC 7578 section 4.3)")
        remark = " ".join(
            f"{key} {value}" for key, value in given.items() if key != "charset" and not _codecs(key, value)
        )
    return Head(name, filename, media, remark, length)


def _disposition(value: str) -> tuple[str, str | None]:
    word, given = _parameters(value, "a part's Content-Disposition", typed=False)
    if word != "form-data" or not given.keys() <= {"name", "filename"}:
        raise _odd("a part's Content-Disposition is not form-data with name and filename only (RFC 7578 section 4.2)")
    name, filename = given.get("name", ""), given.get("filename")
    if not name or name != name.strip() or _ESCAPED.search(name) or "=?" in name:
        raise _odd("a part has no name, or one that not all readers take alike")
    if name == "_charset_":
        raise BadRequest("the form names a charset in a field; send it in UTF-8", code="charset", status=415)
    if filename is not None and (not filename or "=?" in filename):
        raise _odd("a part has a file name that is empty or in MIME words; send it in UTF-8")
    if filename is not None and "%" in filename:
        filename = _ESCAPED.sub(lambda m: bytes.fromhex(m[0][1:]).decode(), filename)  # as browsers write them
    return name, filename


def _parameters(value: str, where: str, *, typed: bool = True) -> tuple[str, dict[str, str]]:
    """A media type (or a disposition) in lower case, and its parameters, each there once."""
    first = (_TYPE if typed else re.compile(_WORD)).match(value)
    if first is None:
        raise _odd(f"{where} is missing or malformed")
    given: dict[str, str] = {}
    at = first.end()
    while at < len(value):
        match = _PARAMETER.match(value, at)
        if match is None or match[1] != match[1].lower() or "*" in match[1] or match[1] in given:
            raise _odd(f"{where} has parameters that are malformed, repeated, extended or in capitals")
        given[match[1]] = match[2][1:-1] if match[2][0] == '"' else match[2]
        at = match.end()
    return first[0].lower(), given


def _charset(given: dict[str, str], where: str) -> None:
    if given.get("charset", "utf-8").lower() not in UTF8:
        raise BadRequest(f"{where} has a charset other than UTF-8; send it in UTF-8", code="charset", status=415)


def _codecs(key: str, value: str) -> bool:
    return key == "codecs" and len(value) <= 64 and " " not in value


def _odd(what: str) -> BadRequest:
    return BadRequest(f"{what}; readers would differ on it", code="invalid_form")
