"""What the lines of uploaded and made files are: requests, their results, examples to learn from.

Knows how a line names the operation whose body it holds. The operations themselves are asked of
whoever knows them all (``Find``), so that no table is written twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import BadRequest
from ...verdict import Kind
from .. import silent
from ..operation import Operation
from ..table import EMPTY, Node, Text

Find = Callable[[str], Operation | None]
"""The operation that a POST to a path of the API would be; None where there is none."""

CHAT = "/v1/chat/completions"
_BY_OBJECT = {
    "chat.completion": CHAT,
    "response": "/v1/responses",
    "text_completion": "/v1/completions",
    "list": "/v1/embeddings",
}
_BY_FIELD = {"messages": CHAT, "contents": CHAT}
_INLINE = {
    "chat_get_completion": CHAT,
    "responses": "/v1/responses",
    "image_generation": "/v1/images/generations",
    "image_edit": "/v1/images/edits",
}
"""xAI's names of the operations in a batch's requests and results."""
_WORD = Node(entry=silent.ENUM)
_ID = Node(entry=silent.ID)


class Rows:
    """Picks the table for a line of a file, or for a body that holds requests of other operations."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._known: dict[str, Node] = {}

    def request(self, tree: Any) -> Node:
        """A line of a batch. Raises BadRequest where its ``url`` names no operation."""
        if not isinstance(tree, dict):
            raise BadRequest("a line of a batch is an object", code="invalid_batch")
        url = tree.get("url")
        if url is None:
            return _request(self._asks(_by_field(tree.get("body"))))
        if not isinstance(url, str) or self._operation(url) is None:
            raise BadRequest("its url names no operation that the guard reads", code="unknown_batch_url")
        return _request(self._asks(url))

    def kept(self, tree: Any) -> Node:
        """A line of a file that is fetched: the result of a request, a request, or anything else."""
        if not isinstance(tree, dict):
            return EMPTY
        if isinstance(response := tree.get("response"), dict):
            says = self._says(_by_object(response.get("body")))
            return Node(names={"id": _ID, "custom_id": _ID, "response": _branch("body", says, request_id=_ID)})
        if isinstance(url := tree.get("url"), str):
            return _request(self._asks(url))
        return self.example(tree)

    def example(self, tree: Any) -> Node:
        """A line to learn from (fine-tuning guide): a chat, two answers to compare, a prompt and its completion."""
        chat = self._asks(CHAT)
        messages = chat.names.get("messages", EMPTY)
        more = {
            "input": chat,
            "preferred_output": messages,
            "non_preferred_output": messages,
            "prompt": Node(entry=Text(Kind.USER)),
            "completion": Node(entry=Text(Kind.ASSISTANT)),
        }
        return Node(names={**chat.names, **more})

    def asked(self, tree: Any) -> Node:
        """A body that lists requests: xAI's ``batch_requests``, Mistral's ``requests``."""
        endpoint = tree.get("endpoint") if isinstance(tree, dict) else None
        each = self._asks(endpoint if isinstance(endpoint, str) else CHAT)
        inline = Node(names={name: self._asks(url) for name, url in _INLINE.items()})
        return Node(
            names={
                "endpoint": _WORD,
                "input_file_id": _ID,
                "completion_window": _WORD,
                "requests": Node(items=_request(each)),
                "batch_requests": Node(items=_branch("batch_request", inline, batch_request_id=_ID)),
            }
        )

    def said(self, tree: Any) -> Node:
        """The answers to such a body."""
        results = Node(names={name: self._says(url) for name, url in _INLINE.items()})
        found = _branch("batch_result", _branch("response", results), batch_request_id=_ID)
        outputs = Node(items=_branch("response", _branch("body", self._says(CHAT)), custom_id=_ID))
        return Node(names={"results": Node(items=found), "outputs": outputs, "endpoint": _WORD})

    def _operation(self, url: str) -> Operation | None:
        return self._find(url.partition("?")[0])

    def _asks(self, url: str) -> Node:
        return self._table(url, "asks")

    def _says(self, url: str) -> Node:
        return self._table(url, "says")

    def _table(self, url: str, side: str) -> Node:
        """A table by the operation's path; what the caller names beyond the API's own paths is not remembered."""
        if (known := self._known.get(side + url)) is not None:
            return known
        operation = self._operation(url) if url else None
        root = EMPTY if operation is None else operation.asks if side == "asks" else operation.says
        if len(self._known) < 64:
            self._known[side + url] = root
        return root


def _request(body: Node) -> Node:
    return _branch("body", body, custom_id=_ID, method=_WORD, url=_WORD)


def _branch(name: str, below: Node, **beside: Node) -> Node:
    return Node(names={name: below, **beside})


def _by_field(body: Any) -> str:
    names = body if isinstance(body, dict) else {}
    return next((url for name, url in _BY_FIELD.items() if name in names), "")


def _by_object(body: Any) -> str:
    word = body.get("object") if isinstance(body, dict) else None
    return _BY_OBJECT.get(word, "") if isinstance(word, str) else ""
