"""The helper streams of the openai and anthropic SDKs: how each is opened, read to its end, and asked for its whole.

They put events together as they come and are stricter than the events alone. Knows what each raises where
an answer was refused; nothing of doors or scripts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import openai

from .dialect import Dialect, Heard, tree
from .place import CHAT, MESSAGES, RESPONSES, Place


@dataclass(frozen=True, slots=True)
class Read:
    """What a helper gave: the events, the whole object, and what it raised instead of giving that."""

    events: list[Any]
    whole: Any
    raised: Exception | None = None

    def everything(self) -> str:
        """All text of the events and of the whole, in small letters."""
        trees = [tree(event) for event in self.events]
        return Heard([*trees, tree(self.whole)], "", [], self.raised).everything()


class Helper(Protocol):
    """One helper. ``whole`` may raise ``refusal``; ``rest`` is what there is then."""

    dialect: Dialect
    refusal: tuple[type[Exception], ...]

    def opened(self, client: Any, prompt: str, **more: Any) -> Any: ...

    def whole(self, stream: Any) -> Any: ...

    def rest(self, error: Exception, events: list[Any]) -> Any: ...


class ChatStream:
    dialect: Dialect = CHAT
    refusal: tuple[type[Exception], ...] = (openai.ContentFilterFinishReasonError,)

    def opened(self, client: Any, prompt: str, **more: Any) -> Any:
        return client.chat.completions.stream(model="m", messages=[{"role": "user", "content": prompt}], **more)

    def whole(self, stream: Any) -> Any:
        return stream.get_final_completion()

    def rest(self, error: Exception, events: list[Any]) -> Any:
        assert isinstance(error, openai.ContentFilterFinishReasonError)
        return error.completion


class ResponseStream:
    dialect: Dialect = RESPONSES
    refusal: tuple[type[Exception], ...] = (RuntimeError,)  # no `response.completed` came

    def opened(self, client: Any, prompt: str, **more: Any) -> Any:
        return client.responses.stream(model="m", input=prompt, **more)

    def whole(self, stream: Any) -> Any:
        return stream.get_final_response()

    def rest(self, error: Exception, events: list[Any]) -> Any:
        assert str(error) == "Didn't receive a `response.completed` event."
        assert events[-1].type == "response.incomplete"
        return events[-1].response


class MessageStream:
    dialect: Dialect = MESSAGES
    refusal: tuple[type[Exception], ...] = ()

    def opened(self, client: Any, prompt: str, **more: Any) -> Any:
        return client.messages.stream(model="m", max_tokens=100, messages=[{"role": "user", "content": prompt}], **more)

    def whole(self, stream: Any) -> Any:
        return stream.get_final_message()

    def rest(self, error: Exception, events: list[Any]) -> Any:
        raise error


HELPERS: dict[str, Helper] = {h.dialect.name: h for h in (ChatStream(), ResponseStream(), MessageStream())}


def read(place: Place, dialect: Dialect, door: str, colour: str, prompt: str = "How are you?", **more: Any) -> Read:
    """Read the helper's stream to its end, in the colour asked for."""
    later = colour == "async"
    helper, client = HELPERS[dialect.name], place.client(dialect, door, later=later)
    result: Read = (
        place.run(_read_later(helper, client, prompt, more)) if later else _read(helper, client, prompt, more)
    )
    return result


def _read(helper: Helper, client: Any, prompt: str, more: dict[str, Any]) -> Read:
    events: list[Any] = []
    with helper.opened(client, prompt, **more) as stream:
        try:
            for event in stream:
                events.append(event)
            return Read(events, helper.whole(stream))
        except helper.refusal as error:
            return Read(events, helper.rest(error, events), error)


async def _read_later(helper: Helper, client: Any, prompt: str, more: dict[str, Any]) -> Read:
    events: list[Any] = []
    async with helper.opened(client, prompt, **more) as stream:
        try:
            async for event in stream:
                events.append(event)
            return Read(events, await helper.whole(stream))
        except helper.refusal as error:
            return Read(events, helper.rest(error, events), error)
