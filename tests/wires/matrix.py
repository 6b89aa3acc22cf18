"""The coverage matrix: what becomes of every string of every wire format's cases.

``python -m tests.wires.matrix > docs/coverage.md``. It asks the code, never the tables: each case is
read as an exchange would read it, and what no segment holds is looked up by why it was left out.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from guardrail.http import Head, Request
from guardrail.text import Piece
from guardrail.verdict import Kind
from guardrail.wires.catalogue import operations, router
from guardrail.wires.generic import is_text
from guardrail.wires.protocol import Wire
from guardrail.wires.table import Node, Silent
from guardrail.wires.walk import Walker
from tests.wires.case import Case, cases

HEAD = """# Coverage

What becomes of the strings of every wire format, whole and streamed. Made by `make coverage` from
the cases under `tests/wires` (written from the APIs' documents); CI checks that it is current.

*judged and written back*: read by every check that reads its kind, and masks are put in where it stands.
*judged*: read as well, but it cannot be rewritten there, so a mask becomes a refusal.
*not evaluated*: content no text check reads; the policy's word for the modality decides, and the decision says so.
Numbers count the strings of the cases, so that an empty column is a statement about a case and not a gap in it.

"""


@dataclass
class Row:
    """One line of the matrix."""

    written: int = 0
    fixed: int = 0


@dataclass
class Matrix:
    rows: dict[tuple[str, str, str, str], Row] = field(default_factory=lambda: defaultdict(Row))
    unseen: dict[tuple[str, str, str, str], int] = field(default_factory=lambda: defaultdict(int))
    listed: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    tried: set[str] = field(default_factory=set)

    def add(self, wire: str, way: str, form: str, pieces: list[Piece]) -> None:
        for piece in pieces:
            if piece.segment.echo:
                continue
            row = self.rows[wire, way, form, str(piece.segment.kind)]
            if piece.segment.fixed:
                row.fixed += 1
            else:
                row.written += 1


def measured() -> Matrix:
    matrix, table = Matrix(), router()
    honest = Walker._leaf
    now = ""

    def watched(self: Walker, home: Any, key: Any, text: str, node: Node | None, *rest: Any) -> None:
        before = len(self.pieces)
        honest(self, home, key, text, node, *rest)
        if node is not None and type(node.entry) is Silent and len(self.pieces) == before:
            name = key if isinstance(key, str) else "[*]"
            matrix.listed[node.entry.reason][now].add(f"`{name}`")

    Walker._leaf = watched  # type: ignore[method-assign,assignment]
    try:
        for case in cases().values():
            request = _request(case)
            match = table.find(request)
            assert match is not None, case.name
            now = match.wire.name
            matrix.tried.add(now)
            _read(matrix, match.wire, case, request)
    finally:
        Walker._leaf = honest  # type: ignore[method-assign]
    return matrix


def _request(case: Case) -> Request:
    media = (("content-type", case.request_type),) if case.request_type else ()
    return Request(case.method, case.path, (*media, *case.headers), query=case.query)


def _read(matrix: Matrix, wire: Wire, case: Case, request: Request) -> None:
    asked = wire.request(case.asked, request)
    asked.asked = request
    matrix.add(wire.name, "request", "whole", [p for s in asked.segments for p in s.pieces])
    for medium in asked.media:
        matrix.unseen[wire.name, "request", "whole", medium.modality] += 1
    said, head = case.said(), Head(case.status, (("content-type", case.answer_type),))
    codec = wire.stream(asked, head)
    if codec is not None:
        frames = [*codec.feed(said), *codec.finish()]
        matrix.add(wire.name, "answer", "stream", [p for frame in frames for p in frame.pieces])
        media = codec.media()
    elif case.answer_type and not is_text(case.answer_type):
        modality = wire.gives(case.answer_type)
        if modality is not None:
            matrix.unseen[wire.name, "answer", "whole", modality] += 1
        return
    else:
        body = wire.response(said, case.answer_type)
        matrix.add(wire.name, "answer", "whole", [p for s in body.segments for p in s.pieces])
        media = body.media
    for medium in media:
        matrix.unseen[wire.name, "answer", "whole" if codec is None else "stream", medium.modality] += 1


def document() -> str:
    """The matrix as Markdown."""
    matrix = measured()
    out = [HEAD, "| format | direction | form | kind | judged and written back | judged | not evaluated |\n"]
    out.append("|---|---|---|---|---:|---:|---|\n")
    for key in sorted({*matrix.rows, *((w, d, f, f"*{m}*") for w, d, f, m in matrix.unseen)}):
        wire, way, form, kind = key
        row = matrix.rows.get(key, Row())
        unseen = matrix.unseen.get((wire, way, form, kind.strip("*")), 0) if kind.startswith("*") else 0
        out.append(
            f"| {wire} | {way} | {form} | {kind} | {row.written or ''} | {row.fixed or ''} | "
            f"{'the word for `modalities.' + kind.strip('*') + '`' if unseen else ''} |\n"
        )
    out.append(
        "\n## Strings that are not read\n\nA value that has white space, or is overlong, is read all the same.\n\n"
    )
    for reason in sorted(matrix.listed):
        out.append(f"\n**{reason[:1].upper()}{reason[1:]}.**\n\n")
        out += [f"* {wire}: {', '.join(sorted(names))}\n" for wire, names in sorted(matrix.listed[reason].items())]
    out.append("\n## Routes\n\nEach is read and judged. Others are refused by the gateway, and walked in an app.\n\n")
    out += [
        f"* {operation.name}: {', '.join(f'`{route}`' for route in operation.routes)}\n" for operation in operations()
    ]
    kinds = ", ".join(str(kind) for kind in Kind)
    out.append(f"\nKinds: {kinds}.\n")
    return "".join(out)


if __name__ == "__main__":
    sys.stdout.write(document())
