"""Whose text stands where in Gemini's contents, requests and answers (API reference, ``v1beta``; Vertex ``v1``).

Names are given in camel case; JSON of protocol buffers takes them in snake case too, so both are read.
"""

from __future__ import annotations

import re

from ...verdict import Kind
from ..silent import ENUM, ID, MODEL, ROLE, SIGNATURE
from ..table import Anchor, Entry, Media, Node, Silent, Text, table

_LABELS = ("mimeType", "mime_type")
DATA = Media("file", labels=_LABELS)
DEFINITION = Text(Kind.DEFINITION)
CALL = Text(Kind.TOOL_CALL)
RESULT = Text(Kind.TOOL_RESULT)
TIME = Silent("a time")
_ROLES = {
    "user": Kind.USER,
    "system": Kind.SYSTEM,
    "developer": Kind.SYSTEM,
    "model": Kind.ASSISTANT,
    "assistant": Kind.ASSISTANT,
    "function": Kind.TOOL_RESULT,
    "tool": Kind.TOOL_RESULT,
}
_HUMP = re.compile(r"(?<=[a-z0-9])[A-Z]")


def both(node: Node) -> Node:
    """The same tree with every camel-case name in snake case beside it."""
    for name, below in list(node.names.items()):
        both(below)
        snake = _HUMP.sub(lambda m: "_" + m[0].lower(), name)
        node.names.setdefault(snake, below)
    for open_place in (node.items, node.any):
        if open_place is not None:
            both(open_place)
    return node


def _part(at: str) -> dict[str, Entry]:
    return {
        f"{at}.text": Text(join="text"),
        f"{at}.thoughtSignature": SIGNATURE,
        f"{at}.inlineData.data": DATA,
        f"{at}.inlineData.mimeType": ENUM,
        f"{at}.fileData.fileUri": DATA,
        f"{at}.fileData.mimeType": ENUM,
        f"{at}.functionCall": CALL,
        f"{at}.functionCall.id": ID,
        f"{at}.functionResponse": RESULT,
        f"{at}.functionResponse.id": ID,
        f"{at}.functionResponse.scheduling": ENUM,
        f"{at}.functionResponse.parts[*].inlineData.data": DATA,
        f"{at}.functionResponse.parts[*].inlineData.mimeType": ENUM,
        f"{at}.functionResponse.parts[*].fileData.fileUri": DATA,
        f"{at}.functionResponse.parts[*].fileData.mimeType": ENUM,
        f"{at}.executableCode": CALL,
        f"{at}.executableCode.id": ID,
        f"{at}.executableCode.language": ENUM,
        f"{at}.codeExecutionResult": RESULT,
        f"{at}.codeExecutionResult.id": ID,
        f"{at}.codeExecutionResult.outcome": ENUM,
        f"{at}.toolCall": CALL,
        f"{at}.toolCall.id": ID,
        f"{at}.toolCall.toolType": ENUM,
        f"{at}.toolResponse": RESULT,
        f"{at}.toolResponse.id": ID,
        f"{at}.toolResponse.toolType": ENUM,
        f"{at}.audioTranscription.text": Text(join="transcript"),
        f"{at}.mediaResolution.level": ENUM,
    }


def parts(at: str) -> dict[str, Entry]:
    """The parts of a content: a list of them, one, or a bare text."""
    thought = Anchor(flags={"thought": Kind.REASONING}, stands=False)
    return {
        f"{at}": Text(join="text"),
        f"{at}.role": ROLE,
        f"{at}.text": Text(join="text"),
        f"{at}.parts": thought,
        f"{at}.parts[*]": thought,
        **_part(f"{at}.parts"),
        **_part(f"{at}.parts[*]"),
    }


def asked(at: str = "") -> dict[str, Entry]:
    """A GenerateContentRequest that stands at a place of a body."""
    before = f"{at}." if at else ""
    said = Anchor(_ROLES, Kind.USER)
    return {
        **parts(f"{before}contents[*]"),
        **parts(f"{before}contents"),
        **parts(f"{before}systemInstruction"),
        f"{before}contents": said,
        f"{before}contents[*]": said,
        f"{before}systemInstruction": Text(Kind.SYSTEM, "text"),
        f"{before}tools": DEFINITION,
        f"{before}toolConfig": DEFINITION,
        f"{before}toolConfig.functionCallingConfig.mode": ENUM,
        f"{before}safetySettings[*].category": ENUM,
        f"{before}safetySettings[*].threshold": ENUM,
        f"{before}safetySettings[*].method": ENUM,
        f"{before}generationConfig": DEFINITION,
        f"{before}generationConfig.responseMimeType": ENUM,
        f"{before}generationConfig.responseModalities[*]": ENUM,
        f"{before}generationConfig.mediaResolution": ENUM,
        f"{before}generationConfig.thinkingConfig.thinkingLevel": ENUM,
        f"{before}generationConfig.imageConfig.aspectRatio": ENUM,
        f"{before}generationConfig.imageConfig.imageSize": ENUM,
        f"{before}generationConfig.speechConfig.languageCode": ENUM,
        f"{before}generationConfig.speechConfig.voiceConfig.prebuiltVoiceConfig.voiceName": ENUM,
        f"{before}cachedContent": ID,
        f"{before}model": MODEL,
        f"{before}serviceTier": ENUM,
    }


def said(at: str = "") -> dict[str, Entry]:
    """A GenerateContentResponse that stands at a place of a body."""
    before = f"{at}." if at else ""
    each = f"{before}candidates[*]"
    rating = {
        f"{place}.{name}": ENUM
        for place in (f"{each}.safetyRatings[*]", f"{before}promptFeedback.safetyRatings[*]")
        for name in ("category", "probability", "severity")
    }
    usage = {
        f"{before}usageMetadata.{name}[*].modality": ENUM
        for name in (
            "promptTokensDetails",
            "candidatesTokensDetails",
            "cacheTokensDetails",
            "toolUsePromptTokensDetails",
        )
    }
    return {
        each: Anchor(),
        **parts(f"{each}.content"),
        f"{each}.content": Anchor(),
        f"{each}.finishReason": ENUM,
        f"{each}.citationMetadata": RESULT,
        f"{each}.groundingMetadata": RESULT,
        f"{each}.groundingMetadata.webSearchQueries": CALL,
        f"{each}.groundingMetadata.imageSearchQueries": CALL,
        f"{each}.groundingMetadata.retrievalQueries": CALL,
        f"{each}.groundingMetadata.groundingSupports[*].segment.text": Text(Kind.ASSISTANT),
        f"{each}.groundingMetadata.searchEntryPoint.sdkBlob": DATA,
        f"{each}.groundingMetadata.googleMapsWidgetContextToken": SIGNATURE,
        f"{each}.groundingAttributions": RESULT,
        f"{each}.urlContextMetadata": RESULT,
        f"{each}.urlContextMetadata.urlMetadata[*].urlRetrievalStatus": ENUM,
        f"{each}.logprobsResult.chosenCandidates[*].token": Text(Kind.ASSISTANT, "logprobs"),
        f"{before}promptFeedback.blockReason": ENUM,
        **rating,
        **usage,
        f"{before}usageMetadata.trafficType": ENUM,
        f"{before}usageMetadata.serviceTier": ENUM,
        f"{before}modelVersion": MODEL,
        f"{before}responseId": ID,
        f"{before}createTime": TIME,
        f"{before}error.status": ENUM,
    }


ASKS = both(table(asked()))
SAYS = both(table(said()))
