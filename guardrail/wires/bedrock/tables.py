"""The tables of Converse requests, answers and stream events.

Source: Amazon Bedrock API reference, "Converse" and "ConverseStream" (also its guardrails' traces).
"""

from __future__ import annotations

from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, ROLE, SIGNATURE
from ..table import Anchor, Entry, Media, Node, Silent, Text, table

PADDING = Silent("random letters that even out the length of events")
_ROLES = {"user": Kind.USER, "assistant": Kind.ASSISTANT, "system": Kind.SYSTEM}
_DEFINITION = Text(Kind.DEFINITION)
_RESULT = Text(Kind.TOOL_RESULT)


def _media(at: str) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for name, modality in (("image", "image"), ("video", "video"), ("audio", "audio"), ("document", "file")):
        entries[f"{at}.{name}.format"] = ENUM
        entries[f"{at}.{name}.source.bytes"] = Media(modality)
        entries[f"{at}.{name}.source.s3Location.uri"] = Media(modality)
        entries[f"{at}.{name}.source.s3Location.bucketOwner"] = ID
    return entries


def block(at: str, join: str = "content") -> dict[str, Entry]:
    """One content block, in a request or an answer."""
    result = f"{at}.toolResult"
    return {
        f"{at}.text": Text(join=join),
        **_media(at),
        f"{at}.toolUse": Text(Kind.TOOL_CALL),
        f"{at}.toolUse.toolUseId": ID,
        f"{at}.toolUse.type": ENUM,
        result: _RESULT,
        f"{result}.toolUseId": ID,
        f"{result}.status": ENUM,
        f"{result}.type": ENUM,
        f"{result}.content[*].text": Text(join="result"),
        **_media(f"{result}.content[*]"),
        f"{at}.guardContent.text.text": Text(join=join),
        f"{at}.guardContent.text.qualifiers[*]": ENUM,
        **_media(f"{at}.guardContent"),
        f"{at}.cachePoint.type": ENUM,
        f"{at}.cachePoint.ttl": ENUM,
        f"{at}.reasoningContent": Text(Kind.REASONING),
        f"{at}.reasoningContent.reasoningText.text": Text(Kind.REASONING, "reasoning", fixed=True),
        f"{at}.reasoningContent.reasoningText.signature": SIGNATURE,
        f"{at}.reasoningContent.redactedContent": Media("encrypted"),
        f"{at}.citationsContent.content[*].text": Text(join=join),
        f"{at}.citationsContent.citations": _RESULT,
        f"{at}.searchResult": _RESULT,
        f"{at}.toolAddition": _DEFINITION,
        f"{at}.toolAddition.tool.type": ENUM,
        f"{at}.toolRemoval": _DEFINITION,
        f"{at}.toolRemoval.tool.type": ENUM,
    }


_TRACE: dict[str, Entry] = {
    "performanceConfig.latency": ENUM,
    "serviceTier.type": ENUM,
    "trace.promptRouter.invokedModelId": MODEL,
    "usage.cacheDetails[*].ttl": ENUM,
}
REQUEST_ENTRIES: dict[str, Entry] = {
    "schemaVersion": ENUM,
    "messages[*]": Anchor(_ROLES, Kind.USER),
    "messages[*].role": ROLE,
    **block("messages[*].content[*]"),
    "system[*]": Anchor(kind=Kind.SYSTEM, stands=False),
    **block("system[*]", "system"),
    "toolConfig": _DEFINITION,
    "toolConfig.tools[*].cachePoint.type": ENUM,
    "toolConfig.tools[*].cachePoint.ttl": ENUM,
    "guardrailConfig.guardrailIdentifier": Silent("name of a guardrail", 2048),
    "guardrailConfig.guardrailVersion": ENUM,
    "guardrailConfig.trace": ENUM,
    "guardrailConfig.streamProcessingMode": ENUM,
    "promptVariables": Text(Kind.USER),
    "outputConfig": _DEFINITION,
    "outputConfig.effort": ENUM,
    "outputConfig.textFormat.type": ENUM,
    "outputConfig.textFormat.structure.jsonSchema.schema": Text(Kind.DEFINITION, nested=True),
    **_TRACE,
}
REQUEST = table(REQUEST_ENTRIES)
RESPONSE = table(
    {
        "output.message.role": ROLE,
        **block("output.message.content[*]"),
        "stopReason": ENUM,
        **_TRACE,
    }
)
START = table(
    {
        "p": PADDING,
        "start.toolUse": Text(Kind.TOOL_CALL),
        "start.toolUse.toolUseId": ID,
        "start.toolUse.type": ENUM,
        "start.toolResult": _RESULT,
        "start.toolResult.toolUseId": ID,
        "start.toolResult.status": ENUM,
        "start.toolResult.type": ENUM,
        "start.image.format": ENUM,
    }
)
DELTA = table(
    {
        "p": PADDING,
        "delta.text": Text(Kind.ASSISTANT, "text"),
        "delta.toolUse.input": Text(Kind.TOOL_CALL, "input", nested=True),
        "delta.toolResult": _RESULT,
        "delta.toolResult[*].text": Text(Kind.TOOL_RESULT, "result"),
        "delta.reasoningContent.text": Text(Kind.REASONING, "reasoning", fixed=True),
        "delta.reasoningContent.signature": SIGNATURE,
        "delta.reasoningContent.redactedContent": Media("encrypted"),
        "delta.citation": _RESULT,
        "delta.image.source.bytes": Media("image"),
        "delta.image.source.s3Location.uri": Media("image"),
    }
)
OTHER: Node = table({"p": PADDING, "role": ROLE, "stopReason": ENUM, **_TRACE})
