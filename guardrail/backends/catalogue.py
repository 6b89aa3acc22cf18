"""All backends there are, with their cards: what ``guardrail backends`` shows.

Knows where each card stands, and loads its module only when asked. Must never make a backend, nor load what others
have registered: their code runs when a policy names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec

from .card import Card
from .plugin import GROUP

DIALECTS: Mapping[str, str] = {
    "openai": "openai:OpenAIModeration",
    "mistral": "mistral:MistralModeration",
    "azure": "azure:AzureContentSafety",
    "azure-shield": "azure_shield:AzurePromptShields",
    "model-armor": "model_armor:ModelArmor",
    "bedrock": "bedrock_guardrail:BedrockGuardrail",
    "presidio": "presidio:Presidio",
    "fms": "fms:FMS",
    "http": "http_json:HttpJson",
    "llama-guard": "llama_guard:LlamaGuard",
    "shieldgemma": "shieldgemma:ShieldGemma",
    "nemotron": "nemotron:Nemotron",
    "granite-guardian": "granite_guardian:GraniteGuardian",
    "qwen3guard": "qwen3guard:Qwen3Guard",
    "gpt-oss-safeguard": "gpt_oss_safeguard:GptOssSafeguard",
    "judge": "judge:Judge",
}
"""By the word after ``use:``, the module of this room and its class: each module has a ``CARD`` too."""

OTHERS: Mapping[str, str] = {
    "openai-inline": "openai_inline:OpenAIInline",
    "presidio-local": "presidio_local:PresidioLocal",
}
"""The same of those that no request of ours asks."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "local": ("onnxruntime", "tokenizers"),
    "bedrock": ("botocore",),
    "presidio": ("presidio_analyzer",),
}
"""By extra, what it installs."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A backend by the word after ``use:``, whether what it needs is installed, and its card; None: a package's own."""

    word: str
    installed: bool
    card: Card | None


def entries() -> list[Entry]:
    """Every backend, those that packages register last, as ``python: name``."""
    found = [Entry("local", True, _local())]
    for word, place in {**DIALECTS, **OTHERS}.items():
        card: Card = import_module(f".{place.partition(':')[0]}", __package__).CARD
        found.append(Entry(word, installed(card.extra), card))
    return found + [Entry(f"python: {point.name}", True, None) for point in sorted(entry_points(group=GROUP))]


def installed(extra: str | None) -> bool:
    """Whether what an extra installs is there."""
    return all(find_spec(module) is not None for module in NEEDS.get(extra or "", ()))


def _local() -> Card:
    from ..local.backend import LocalBackend
    from ..local.categories import CATEGORIES

    return Card(
        name="local",
        title="The embedded model, two tiers",
        categories=frozenset(CATEGORIES),
        source="docs/model.md",
        languages="English; little of others",
        longest=LocalBackend.longest,
        scores="calibrated",
        price="none: it runs here",
        verified="real",
        extra="local",
    )
