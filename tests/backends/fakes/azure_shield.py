"""Azure Prompt Shields as its OpenAPI document of 2024-09-01, its quickstart and the overview describe it.

Source: https://github.com/Azure/azure-rest-api-specs/blob/main/specification/cognitiveservices/data-plane/ContentSafety/stable/2024-09-01/contentsafety.json
and https://learn.microsoft.com/azure/ai-services/content-safety/quickstart-jailbreak, which requires both fields.
"""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from guardrail.backends.azure_shield import AzurePromptShields
from guardrail.backends.dialect import Dialect
from tests.backends.fakes import Answered, Asked, marked

KEY = "canary-shield-key"
MEANS: dict[str, str] = {"prompt_injection": "attackDetected"}


def dialect(base: str) -> Dialect:
    return AzurePromptShields(url=base, api_key=KEY)


def refused(status: int, code: str) -> Answered:
    return Answered({"error": {"code": code, "message": "see the code"}}, status, {"x-ms-error-code": code})


def answer(asked: Asked) -> Answered:
    at = urlsplit(asked.path)
    if asked.headers.get("ocp-apim-subscription-key") != KEY:
        return refused(401, "401")
    if parse_qs(at.query) != {"api-version": ["2024-09-01"]}:
        return refused(400, "BadRequest")
    if asked.method != "POST" or at.path != "/contentsafety/text:shieldPrompt":
        return refused(404, "ResourceNotFound")
    try:
        body = asked.json()
        prompt, documents = body["userPrompt"], body["documents"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return refused(400, "InvalidRequestBody")
    if body.keys() != {"userPrompt", "documents"} or asked.headers.get("content-type") != "application/json":
        return refused(400, "InvalidRequestBody")
    if not isinstance(prompt, str) or len(prompt) > 10_000 or not isinstance(documents, list) or len(documents) > 5:
        return refused(400, "InvalidRequestBody")
    if not all(isinstance(text, str) for text in documents) or sum(map(len, documents)) > 10_000:
        return refused(400, "InvalidRequestBody")
    return Answered({"userPromptAnalysis": _said(prompt), "documentsAnalysis": [_said(text) for text in documents]})


def _said(text: str) -> dict[str, bool]:
    return {MEANS[name]: name in marked(text) for name in MEANS}
