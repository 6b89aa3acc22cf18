"""What may stand in a policy file: every key, its type, its range and its default.

The JSON Schema for editors is made from these types. What spans several keys (names that must
exist, rules that can never match) is not known here; see ``audit``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from ..verdict import Kind
from . import safety_models, services
from .ai_text import AiTextCheck, only_tells
from .anycheck import AnyCheck, ModelCheck
from .combination import CombinedCheck, PythonCheck
from .fields import (
    Category,
    CheckName,
    Count,
    Filled,
    HeaderName,
    Language,
    Length,
    Network,
    Path,
    Patience,
    Pointer,
    PolicyName,
    Requests,
    Score,
    Secret,
    Size,
    Template,
    When,
)
from .part import Part
from .units import wrong

Point = Literal["lenient", "balanced", "strict"]
Posture = Literal["refuse", "review", "allow"]
Entity = Literal["email", "phone", "card", "iban", "ip"]


class WordsCheck(AnyCheck):
    """Finds words from a list, however they are cased or disguised."""

    use: Literal["words"]
    words: tuple[Filled, ...] = Field((), description="The words.")
    file: Filled | None = Field(
        None, description="A UTF-8 file of words, one a line, # for comments; its path is relative to the policy."
    )
    category: Category = Field(description="What rules call a match: custom/<name>.")

    @model_validator(mode="after")
    def _some(self) -> WordsCheck:
        if not self.words and self.file is None:
            raise wrong("has no words", "Give words: [...] or file: words.txt.")
        return self


class PatternsCheck(AnyCheck):
    """Finds text that matches RE2 regular expressions."""

    use: Literal["patterns"]
    patterns: tuple[Filled, ...] = Field(min_length=1, description="RE2 regular expressions.")
    category: Category = Field(description="What rules call a match: custom/<name>.")
    longest: Length | None = Field(
        None, description="The longest match to expect, in characters, where the pattern has no end."
    )


class PersonalCheck(AnyCheck):
    """Finds personal data: categories personal/email, personal/card and so on."""

    use: Literal["personal-data"]
    entities: tuple[Entity, ...] = Field(
        ("email", "phone", "card", "iban", "ip"), min_length=1, description="What to look for."
    )


class SecretsCheck(AnyCheck):
    """Finds keys and passwords: categories secret and secret/<kind>."""

    use: Literal["secrets"]


class LocalCheck(ModelCheck):
    """The harm model that comes with the package; nothing leaves the machine."""

    use: Literal["local"]
    tier: Literal["fast", "accurate"] | None = Field(
        None,
        description="The model that judges. Left out: the fast one first, and where that does not decide the accurate "
        "one, which needs the extra guardrail-middleware[local].",
    )


Check = Annotated[
    WordsCheck
    | PatternsCheck
    | PersonalCheck
    | SecretsCheck
    | LocalCheck
    | AiTextCheck
    | services.OpenAICheck
    | services.OpenAIInlineCheck
    | services.MistralCheck
    | services.AzureCheck
    | services.AzureShieldCheck
    | services.ModelArmorCheck
    | services.BedrockCheck
    | services.PresidioCheck
    | services.PresidioLocalCheck
    | services.FmsCheck
    | services.HttpCheck
    | safety_models.LlamaGuardCheck
    | safety_models.ShieldGemmaCheck
    | safety_models.NemotronCheck
    | safety_models.GraniteGuardianCheck
    | safety_models.Qwen3GuardCheck
    | safety_models.GptOssSafeguardCheck
    | safety_models.JudgeCheck
    | CombinedCheck
    | PythonCheck,
    Field(discriminator="use"),
]


class Rule(Part):
    """What happens on a finding. Of all rules that match, the strongest action wins."""

    when: When = Field(description="A category or several. A parent matches its children.")
    do: Literal["flag", "redact", "review", "refuse"] = Field(description="The action.")
    point: Point | None = Field(None, description="The operating point of a model. Left out: balanced.")
    at_least: Score | None = Field(None, description="The least score, instead of a point.")
    mask: str | None = Field(
        None, min_length=1, max_length=100, description="With redact: what stands in place of the text."
    )
    say: Template | None = Field(None, description="With refuse or review: which refusal text is given.")
    restore: bool = Field(
        False, description="With redact: what was masked in a request is put back where its answer repeats the mask."
    )

    @model_validator(mode="after")
    def _fits(self) -> Rule:
        only_tells(self.when, self.do, {"say": self.say, "point": self.point})
        if self.restore and self.do != "redact":
            raise wrong(f"has `restore` but does {self.do}", "Take restore away, or write do: redact.")
        if self.point is not None and self.at_least is not None:
            raise wrong("has both `point` and `at_least`", "Keep one of them.")
        if self.mask is not None and self.do != "redact":
            raise wrong(f"has a `mask` but does {self.do}", "Take the mask away, or write do: redact.")
        if self.say is not None and self.do not in {"refuse", "review"}:
            raise wrong(f"has a `say` but does {self.do}", "Take say away, or write do: refuse.")
        return self


class Paths(Part):
    """Which paths are guarded, by prefix. Left out: all."""

    skip: tuple[Path, ...] = Field((), description="Prefixes that are not guarded.")
    only: tuple[Path, ...] = Field((), description="The only prefixes that are guarded.")


class HeaderSource(Part):
    """A header that a proxy of yours sets."""

    header: HeaderName = Field(description="The header's name.")
    trusted: tuple[Network, ...] = Field(
        min_length=1, description="Networks of the proxies that may set it; from anyone else it is not believed."
    )


def _source_kind(value: object) -> str:
    return "(word)" if isinstance(value, str) else "(header)"


Source = Annotated[
    Annotated[Literal["scope", "api-key"], Tag("(word)")] | Annotated[HeaderSource, Tag("(header)")],
    Discriminator(_source_kind),
]


class Identity(Part):
    """How a caller is told from another."""

    sources: tuple[Source, ...] = Field((), alias="from", description="Where the user's id is; the first found counts.")
    secret: Secret | None = Field(None, description="Key of the pseudonyms, such as ${GUARDRAIL_SECRET}.")
    required: bool = Field(False, description="Refuse callers without an identity.")
    forward: Literal["safety_identifier"] | None = Field(
        None, description="Send the pseudonym on to the model's server in this field."
    )


class Limit(Part):
    """So many requests, for each user, key, address, or all together."""

    per: Literal["user", "key", "address", "global"] = Field(description="Who shares one allowance.")
    take: Requests = Field(description="Such as 60 requests/minute.")


class Caps(Part):
    """The largest request that is looked at; a larger one is refused."""

    body: Size = Field(10 * 2**20, description="Bytes of the body, such as 10MiB.")
    chars: Count | None = Field(None, description="Characters of text.")
    messages: Count | None = Field(None, description="Messages in one request.")
    output_tokens: Count | None = Field(None, description="Tokens of the reply; a larger wish is lowered to this.")


class Streams(Part):
    """How long streams are waited for, in an app and in the gateway. `never`: without end."""

    first_byte: Patience = Field(600.0, description="From asking the model's server to the first byte of its answer.")
    idle: Patience = Field(600.0, description="Between two reads of an answer.")
    keep_alive: Patience = Field(15.0, description="Silence after which the caller gets a comment.")
    settle: Patience = Field(
        1.0, description="Silence after which held text is judged as far as it is, though a model would wait for more."
    )


class Refusals(Part):
    """What a refused caller reads."""

    manner: Literal["answer", "error"] = Field("answer", description="As an answer of the model, or an API error.")
    language: Language = Field("en", description="The language where the caller names none that there is.")
    texts: Mapping[Template, Mapping[Language, Filled]] = Field(
        default_factory=dict, description="Own texts by name and language. Slots: {id}, {resource}, {retry_after}."
    )
    crisis_resource: Filled | None = Field(None, description="Whom to turn to in a crisis, put into {resource}.")


class Record(Part):
    """What the decision log keeps."""

    text: Literal["none", "hash", "masked", "full"] = Field("none", description="How much of the text.")
    on_error: Literal["refuse", "continue"] = Field("refuse", description="When the log cannot be written.")


class Modalities(Part):
    """What becomes of content that no check of the policy can read. Recorded as not evaluated in any case."""

    image: Posture = Field("allow", description="Pictures, where no check can see them.")
    audio: Posture = Field("allow", description="Sounds.")
    video: Posture = Field("allow", description="Films.")
    file: Posture = Field("allow", description="PDF, office and other files that are no text.")
    tokens: Posture = Field("refuse", description="Token ids in place of text.")
    encrypted: Posture = Field("allow", description="Encrypted reasoning and compacted history.")


class References(Part):
    """Requests that name what the API's server keeps: stored responses, threads, files, prompts."""

    unknown: Literal["refuse", "allow"] = Field("allow", description="Ids that this guard did not see made.")
    foreign: Literal["refuse", "allow"] = Field("refuse", description="Ids that were made for another user.")


class CustomRoute(Part):
    """A JSON API of your own: where its texts are."""

    path: Path = Field(description="The path, such as /chat.")
    request: Mapping[Kind, tuple[Pointer, ...]] = Field(default_factory=dict, description="Texts of the request.")
    response: Mapping[Kind, tuple[Pointer, ...]] = Field(default_factory=dict, description="Texts of the response.")

    @model_validator(mode="after")
    def _some(self) -> CustomRoute:
        if not any(self.request.values()) and not any(self.response.values()):
            raise wrong("names no text", "Give request: {user: [$.message]} or response: {assistant: [$.reply]}.")
        return self


class Policy(Part):
    """A guardrail policy."""

    guardrail: Literal[1] = Field(description="The version of this format.")
    name: PolicyName = Field("policy", description="Left out: the file's name.")
    extends: Filled | None = Field(None, description="One parent: a policy that ships, or a path.")
    mode: Literal["enforce", "observe"] = Field("enforce", description="observe only records what would have been.")
    unclaimed: Literal["walk", "pass", "refuse"] | None = Field(
        None, description="Requests in no known API format. Left out: walk in an app, refuse in the gateway."
    )
    paths: Paths = Field(default_factory=lambda: Paths.model_validate({}), description="Which paths are guarded.")
    on_bug: Literal["refuse", "allow"] = Field("refuse", description="When the guard itself fails.")
    checks: Mapping[CheckName, Check] = Field(default_factory=dict, description="The checks, by a name of yours.")
    input: tuple[str, ...] = Field((), description="Checks that read requests.")
    output: tuple[str, ...] = Field((), description="Checks that read replies.")
    rules: tuple[Rule, ...] = Field((), description="What happens on findings.")
    readings: bool = Field(
        True, description="Whether disguised text (look-alike letters, base64, leet, ...) is also read as what it says."
    )
    identity: Identity = Field(default_factory=lambda: Identity.model_validate({}), description="Who the caller is.")
    limits: tuple[Limit, ...] = Field((), description="Rates.")
    caps: Caps = Field(default_factory=lambda: Caps.model_validate({}), description="Sizes.")
    streams: Streams = Field(
        default_factory=lambda: Streams.model_validate({}), description="How long streams are waited for."
    )
    overlap: Literal["none", "upstream", "app"] = Field(
        "none",
        description="Ask the model while input checks that ask a service still run: in gateway and clients (upstream), "
        "or in ASGI apps too (app), which then run on prompts that were not judged.",
    )
    refusals: Refusals = Field(default_factory=lambda: Refusals.model_validate({}), description="Texts of refusals.")
    modalities: Modalities = Field(
        default_factory=lambda: Modalities.model_validate({}), description="Content that is not text."
    )
    references: References = Field(
        default_factory=lambda: References.model_validate({}), description="Objects kept by the API's server."
    )
    provider_refusals: Literal["retell", "pass"] = Field(
        "retell", description="The provider's own safety errors: told as this policy tells refusals, or as they came."
    )
    websockets: Literal["refuse", "allow"] | None = Field(
        None, description="WebSockets are not read. Left out: as `unclaimed` says."
    )
    record: Record = Field(default_factory=lambda: Record.model_validate({}), description="The decision log.")
    custom: tuple[CustomRoute, ...] = Field((), description="JSON APIs of your own.")


def keys_of(part: type[BaseModel]) -> tuple[str, ...]:
    """The keys as they are written in the file."""
    return tuple(info.alias or name for name, info in part.model_fields.items())


CHECKS: Mapping[str, type[BaseModel]] = {
    word: kind for kind in get_args(get_args(Check)[0]) for word in get_args(kind.model_fields["use"].annotation)
}
"""By the word after ``use:``."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a policy file."""
    schema = Policy.model_json_schema(by_alias=True)
    checks = schema["properties"]["checks"]
    checks["additionalProperties"] = {"anyOf": [checks["additionalProperties"], {"type": "null"}]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "guardrail policy", **schema}
