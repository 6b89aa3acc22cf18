"""The conversations wire format: lists of items that OpenAI keeps (API reference, "Conversations").

What is put into one is a later request's input, so it is read as that; what is fetched from one is an
answer. Nothing here asks a model, so refusals are errors.
"""

from __future__ import annotations

from typing import Any

from ...http import Request
from ...verdict import Kind
from ..operation import Operation, tree_of
from ..protocol import Body, Reference
from ..silent import ENUM, ID
from ..table import table
from .errors import error
from .responses import Kept, inside
from .responses_items import anchored, item
from .responses_tables import ITEMS

_ABOUT = {"id": ID, "object": ENUM, "error.type": ENUM, "error.code": ENUM}
ASKS = table({**anchored("items[*]", Kind.USER), "include[*]": ENUM})
CONVERSATION = table({**_ABOUT, "error.param": ENUM})
ITEM = table({**item(""), **_ABOUT})
"""An item that stands alone; an answer, whoever wrote it."""


class Conversations(Kept):
    """One operation on a conversation or its items."""

    turns = "items"
    steps = (("conversations", "conversation"), ("items", "item"))

    def refers(self, request: Request, asked: Body | None) -> list[Reference]:
        return [*super().refers(request, asked), *inside(tree_of(asked))]


def operations() -> tuple[Operation, ...]:
    """One of each operation of this API."""
    all_, one = "v/conversations", "v/conversations/{id}"

    def op(word: str, *routes: str, **tables: Any) -> Conversations:
        return Conversations(f"openai.conversations.{word}", routes, errors=error, **tables)

    return (
        op("create", f"POST {all_}", asks=ASKS, says=CONVERSATION, issues={"id": "conversation"}),
        op("one", f"GET {one}", f"POST {one}", f"DELETE {one}", asks=ASKS, says=CONVERSATION),
        op("items", f"GET {one}/items", f"POST {one}/items", asks=ASKS, says=ITEMS, issues={"data[].id": "item"}),
        op("item", f"GET {one}/items/{{item}}", says=ITEM),
        op("item.delete", f"DELETE {one}/items/{{item}}", says=CONVERSATION),
    )
