"""What may be said of checks that ask a moderation service: keys, ranges and defaults.

Each class is one word after ``use:``. The keys of a service that ``ServiceCheck`` does not have are the options of
its dialect, by the same names; see ``asked``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, model_validator

from .anycheck import ModelCheck
from .fields import ApiKey, Duration, Filled, HeaderName, Patience, Pointer, Requests, Score, Url
from .part import Strategy
from .units import wrong

Few = Annotated[int, Field(ge=1, le=64)]
Json = str | int | float | bool | list[Any] | dict[str, Any]


class ServiceCheck(ModelCheck):
    """What every check may have that asks a service."""

    api_key: ApiKey | None = Field(None, description="The key, such as ${MODERATION_KEY}.")
    ignore: tuple[Filled, ...] = Field((), description="The service's own categories that are not listened to.")
    timeout: Duration = Field(2.0, description="How long it may take in all, tries and windows included.")
    attempts: Annotated[int, Field(ge=1, le=5)] = Field(2, description="Tries of a request, within that time.")
    concurrency: Few = Field(8, description="Requests under way at a time.")
    rate: Requests | None = Field(None, description="Requests sent at most, such as 500 requests/minute.")
    hedge: Duration | None = Field(None, description="When to ask a second time beside a request without an answer.")
    cache: Patience = Field(600.0, description="How long an answer is good for: 10m; never: it is not kept.")
    breaker: Annotated[int, Field(ge=0, le=1000)] = Field(
        5, description="Failures in a row after which the service is left alone for a while; 0: never."
    )


COMMON = frozenset(ServiceCheck.model_fields) | {"use"}
"""The keys that are not a dialect's."""


def options(check: ServiceCheck) -> dict[str, Any]:
    """The keyword arguments for the dialect of a service: its own keys, and what it is not to listen to."""
    own = {name: getattr(check, name) for name in type(check).model_fields if name not in COMMON}
    key = check.api_key.get_secret_value() if isinstance(check.api_key, SecretStr) else None
    return {**own, "api_key": key, "ignore": frozenset(check.ignore)}


class OpenAICheck(ServiceCheck):
    """The OpenAI moderation service, or another with the same interface."""

    use: Literal["openai"]
    api_key: ApiKey = Field(description="The key, such as ${OPENAI_API_KEY}.")
    model: Filled = Field("omni-moderation-latest", description="The moderation model.")
    url: Url = Field("https://api.openai.com/v1/moderations", description="Where the service is.")


class OpenAIInlineCheck(ModelCheck):
    """The moderation that OpenAI gives with an answer of Chat Completions or Responses. It comes when the answer is
    complete, and judges the request as well as the answer then."""

    use: Literal["openai-inline"]
    model: Filled = Field("omni-moderation-latest", description="The moderation model.")
    stream: Strategy = Field(
        "buffer",
        description="Whether a stream is held until its moderation has come (buffer), or leaves before, and what it "
        "says is only recorded (after).",
    )

    @model_validator(mode="after")
    def _comes_last(self) -> OpenAIInlineCheck:
        if self.stream == "window":
            raise wrong("has `stream: window`, and its moderation comes at the end", "Write stream: buffer, or after.")
        if self.on is not None or self.readings is not None:
            what = "has `on` or `readings`, and it is OpenAI who reads the conversation"
            raise wrong(what, "Take them away.")
        return self


class MistralCheck(ServiceCheck):
    """The moderation service of Mistral."""

    use: Literal["mistral"]
    api_key: ApiKey = Field(description="The key, such as ${MISTRAL_API_KEY}.")
    model: Filled = Field("mistral-moderation-2603", description="The moderation model.")
    url: Url = Field("https://api.mistral.ai", description="Where the service is.")


class AzureCheck(ServiceCheck):
    """Azure AI Content Safety: texts and images, by severity."""

    use: Literal["azure"]
    url: Url = Field(description="The resource's endpoint, such as https://NAME.cognitiveservices.azure.com.")
    levels: Literal[4, 8] = Field(8, description="Steps of severity: 4 (0, 2, 4, 6) or 8 (0 to 7).")
    blocklists: tuple[Filled, ...] = Field((), description="Names of your blocklists; a hit is custom/blocklist.")


class AzureShieldCheck(ServiceCheck):
    """Azure Prompt Shields: attacks on the model, in prompts and in what tools and documents gave."""

    use: Literal["azure-shield"]
    url: Url = Field(description="The resource's endpoint, such as https://NAME.cognitiveservices.azure.com.")
    documents: bool = Field(False, description="Whether users' texts are documents too, not prompts.")


class ModelArmorCheck(ServiceCheck):
    """Google Model Armor, by a template of yours."""

    use: Literal["model-armor"]
    template: Filled = Field(description="projects/P/locations/L/templates/T.")
    url: Url | None = Field(None, description="Where the service is. Left out: that of the template's location.")


class BedrockCheck(ServiceCheck):
    """A guardrail of AWS Bedrock; needs the extra guardrail-middleware[bedrock]."""

    use: Literal["bedrock"]
    region: Filled = Field(description="The region, such as eu-central-1.")
    guardrail: Filled = Field(description="The guardrail's id or ARN.")
    version: Filled = Field("DRAFT", description="Its version.")
    url: Url | None = Field(None, description="Where the service is. Left out: that of the region.")
    profile: Filled | None = Field(None, description="The profile of the AWS configuration that credentials are of.")
    topics: tuple[Filled, ...] = Field((), description="Your denied topics, by name; each is custom/<name>.")
    regexes: tuple[Filled, ...] = Field((), description="Your regexes for sensitive information, by name.")


class PresidioCheck(ServiceCheck):
    """The analyzer of Presidio, as a service: personal data."""

    use: Literal["presidio"]
    url: Url = Field(description="Where the analyzer is, such as http://localhost:5002.")
    language: Filled = Field("en", description="The language of the texts.")
    entities: tuple[Filled, ...] | None = Field(None, min_length=1, description="What to look for. Left out: its own.")
    score_threshold: Score | None = Field(None, description="The least score that it tells of.")


class PresidioLocalCheck(ModelCheck):
    """The analyzer of Presidio in this process; needs the extra guardrail-middleware[presidio]."""

    use: Literal["presidio-local"]
    language: Filled = Field("en", description="The language of the texts.")
    entities: tuple[Filled, ...] | None = Field(None, min_length=1, description="What to look for. Left out: its own.")
    config: Filled | None = Field(None, description="A file of Presidio's that configures the engine.")
    ignore: tuple[Filled, ...] = Field((), description="Entities that are not listened to.")


class FmsCheck(ServiceCheck):
    """A detector with the Detector API of the Foundation Model Stack."""

    use: Literal["fms"]
    url: Url = Field(description="Where the detector is.")
    detector: Filled = Field(description="Its id.")
    api: Literal["contents", "generation", "chat"] = Field("contents", description="Which of the API's questions.")
    means: Mapping[Filled, Filled] = Field(
        default_factory=dict, description="What its detections or their types are called here."
    )
    params: Mapping[str, Json] = Field(default_factory=dict, repr=False, description="The detector's own parameters.")


class HttpCheck(ServiceCheck):
    """Any service that takes and gives JSON: a template of the request, and where in the reply the scores are."""

    use: Literal["http"]
    url: Url = Field(description="Where the service is.")
    method: Literal["POST", "PUT"] = Field("POST", description="The method.")
    headers: Mapping[HeaderName, Filled] = Field(default_factory=dict, repr=False, description="More headers.")
    body: Json = Field(
        repr=False, description="The request: {text}, {texts} and {side} are filled in, wherever a string has them."
    )
    scores: Mapping[str, Pointer] = Field(default_factory=dict, description="By category where its score is.")
    flags: Mapping[str, Pointer] = Field(default_factory=dict, description="By category where its yes or no is.")
    labels: Pointer | None = Field(None, description="Where a list of labels is.")
    means: Mapping[Filled, Filled] = Field(default_factory=dict, description="The category of each label.")
    most: Annotated[float, Field(gt=0)] = Field(1.0, description="The highest score there is.")
    batch: Few = Field(1, description="Texts in one request, where the body has {texts}.")

    @model_validator(mode="after")
    def _some(self) -> HttpCheck:
        if not self.scores and not self.flags and self.labels is None:
            raise wrong("reads nothing of the reply", "Give scores: {violence: $.scores.violence}, flags or labels.")
        return self
