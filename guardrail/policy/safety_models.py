"""What may be said of checks that ask a safety model, or a chat model as a judge: keys, ranges and defaults.

All of them are behind a chat server with OpenAI's interface (vLLM, SGLang, Ollama, llama.cpp). The keys are the options
of the model's dialect, by the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from .fields import Duration, Filled, Url
from .services import Json, ServiceCheck

Tokens = Annotated[int, Field(ge=16, le=65_536)]


class SafetyModelCheck(ServiceCheck):
    """What every one may have. A model takes longer than a service made for nothing else."""

    url: Url = Field(description="The server's address up to /v1, such as http://localhost:8000/v1.")
    timeout: Duration = Field(10.0, description="How long it may take in all, tries and windows included.")


class LlamaGuardCheck(SafetyModelCheck):
    """Llama Guard 3 or 4."""

    use: Literal["llama-guard"]
    model: Filled = Field("meta-llama/Llama-Guard-3-8B", description="The model's name at the server.")
    edition: Literal["", "3-1b", "3-8b", "3-11b-vision", "4-12b"] = Field(
        "", description="Which model it is, where its name does not say so."
    )
    content: Literal["text", "parts"] | None = Field(None, description="How its template wants a message's content.")
    logprobs: Annotated[int, Field(ge=0, le=20)] = Field(20, description="0: the server gives no log-probabilities.")


class ShieldGemmaCheck(SafetyModelCheck):
    """ShieldGemma: one question a category; the server must give log-probabilities."""

    use: Literal["shieldgemma"]
    model: Filled = Field("google/shieldgemma-2b", description="The model's name at the server.")
    asked: Literal["each", "all"] = Field("each", description="One question a category, or (Ollama) one for all.")


class NemotronCheck(SafetyModelCheck):
    """NVIDIA's content safety models."""

    use: Literal["nemotron"]
    model: Filled = Field("nvidia/llama-3.1-nemotron-safety-guard-8b-v3", description="The model's name at the server.")
    family: Literal["guard", "content", "reasoning"] | None = Field(
        None, description="Which kind it is, where its name does not say so."
    )
    thinking: bool = Field(False, description="Whether it reasons first.")


class GraniteGuardianCheck(SafetyModelCheck):
    """Granite Guardian 3 and 4: one question a criterion."""

    use: Literal["granite-guardian"]
    model: Filled = Field("ibm-granite/granite-guardian-3.3-8b", description="The model's name at the server.")
    version: Filled | None = Field(None, description="Its version, where its name does not say so.")
    criteria: tuple[Filled, ...] = Field(("harm", "jailbreak"), min_length=1, description="What it is asked about.")
    definitions: Mapping[Filled, Filled] = Field(default_factory=dict, description="Criteria of your own.")
    think: bool = Field(False, description="Whether it reasons first.")
    system: bool = Field(False, description="Name the criterion in the system message (Ollama, llama.cpp).")


class Qwen3GuardCheck(SafetyModelCheck):
    """Qwen3Guard-Gen."""

    use: Literal["qwen3guard"]
    model: Filled = Field("Qwen/Qwen3Guard-Gen-8B", description="The model's name at the server.")


class GptOssSafeguardCheck(SafetyModelCheck):
    """gpt-oss-safeguard, with a policy text of your own."""

    use: Literal["gpt-oss-safeguard"]
    model: Filled = Field("openai/gpt-oss-safeguard-20b", description="The model's name at the server.")
    policy: Filled = Field(description="The policy, with the form of its answer as the policy demands it.")
    form: Literal["binary", "labels", "json"] = Field("binary", description="The form of the answer.")
    category: Filled | None = Field(None, description="What a violation is called: custom/<name>.")
    labels: Mapping[Filled, Filled | None] = Field(
        default_factory=dict, description="The category of each label of your policy; null: none."
    )
    key: Filled = Field("policy_category", description="With form: json, the key of the label.")
    effort: Literal["low", "medium", "high"] = Field("medium", description="How much it reasons.")
    tokens: Tokens = Field(4096, description="For its reasoning and answer.")


class JudgeCheck(SafetyModelCheck):
    """Any chat model with a rubric and a strict JSON schema."""

    use: Literal["judge"]
    model: Filled = Field(description="The model's name at the server.")
    rubric: Mapping[Filled, Filled] = Field(
        default_factory=dict, description="By category what it is about. Left out: our words for the 13 of OpenAI's."
    )
    booleans: bool = Field(False, description="Ask for true or false instead of five levels.")
    reasoning: bool = Field(
        False, description="It is a reasoning model of OpenAI's (o1, o3, gpt-5, ...), which takes no temperature."
    )
    tokens: Tokens | None = Field(None, description="For its answer, and its reasoning where it reasons.")
    body: Mapping[Filled, Json] = Field(
        default_factory=dict, repr=False, description="More keys of the request, such as {reasoning_effort: low}."
    )
