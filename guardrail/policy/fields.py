"""The types of single values in a policy file: how each is spelled, and its range.

An error says what is wrong and the remedy, and never shows the value, which may be a secret.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, WithJsonSchema

from . import taxonomy, units
from .units import Rate, wrong

MIN_SECRET = 16
"""Characters. RFC 2104, section 3: a short HMAC key can be found by trying."""


def _spelled(pattern: str, what: str, remedy: str) -> AfterValidator:
    """A string that has to look a certain way."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise wrong(what, remedy)
        return value

    return AfterValidator(check)


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError:
        raise wrong("is not an address or network", "Write one such as 10.0.0.0/8, 127.0.0.1 or ::1.") from None


def _category(value: str) -> str:
    producible = taxonomy.known(value) and value not in taxonomy.AI_TEXT
    if not (producible or taxonomy.CUSTOM_NAME.fullmatch(value)) or value in taxonomy.GROUPS - {"secret"}:
        raise wrong(
            "is not a category a check can have", "Write custom/ and a name in small letters, such as custom/ticket."
        )
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        good = False
    if not good or re.search(r"[\s\x00-\x1f\x7f]", value):
        raise wrong("is not a usable address", "Write an http:// or https:// address without user and password.")
    return value


def _secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().strip()) < MIN_SECRET:
        raise wrong(
            f"is empty or shorter than {MIN_SECRET} characters",
            'Set the variable to a long random value, such as one from: python -c "import secrets; '
            'print(secrets.token_hex(32))".',
        )
    return value


def _api_key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value()
    if not key.strip():
        raise wrong("is empty", "Set the variable it names, or take the check out.")
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise wrong("has characters that no key has, such as a space or a line end", "Set it to the key alone.")
    return value


def _named(value: str) -> str:
    if not value.strip() or len(value) > 100 or not value.isprintable():
        raise wrong("is not a usable name", "Use 1 to 100 printable characters.")
    return value


CheckName = Annotated[
    str,
    _spelled(r"[a-z0-9]+(-[a-z0-9]+)*", "is not a name for a check", "Use small letters, digits and hyphens."),
]
Path = Annotated[
    str, _spelled(r"/[^\s?#\x00-\x1f]*", "is not a path", "Write a path that starts with /, without ? or #.")
]
Pointer = Annotated[
    str,
    _spelled(
        r"\$(\.[A-Za-z_][\w-]*|\[\*\]|\[[0-9]{1,6}\]|\['[^'\x00-\x1f]+'\])+",
        "is not a JSON path",
        "Write one such as $.message or $.messages[*].text.",
    ),
]
Language = Annotated[
    str,
    AfterValidator(str.lower),
    _spelled(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", "is not a language tag", "Write one such as en, pt or zh-hant."),
]
Template = Annotated[
    str,
    _spelled(r"[a-z0-9]+([-_][a-z0-9]+)*", "is not a name for a text", "Use small letters, digits, - and _."),
]
Filled = Annotated[str, _spelled(r"(?s).*\S.*", "is empty", "Write some text.")]
Count = Annotated[int, Field(ge=1, le=1_000_000_000), BeforeValidator(units.number)]
Judged = Annotated[int, Field(ge=1_000, le=20_000), BeforeValidator(units.number)]
Length = Annotated[int, Field(ge=1, le=100_000), BeforeValidator(units.number)]
Size = Annotated[
    int,
    Field(ge=1, le=2**30),
    BeforeValidator(units.size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": units.SIZE_PATTERN}]}),
]
Duration = Annotated[
    float,
    Field(gt=0, le=300),
    BeforeValidator(units.duration),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": units.DURATION_PATTERN}]}
    ),
]
Patience = Annotated[
    float | None,
    Field(gt=0, le=86_400),
    BeforeValidator(units.patience),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"const": "never"},
                {"type": "string", "pattern": units.DURATION_PATTERN},
            ]
        }
    ),
]
Requests = Annotated[
    Rate, BeforeValidator(units.rate), WithJsonSchema({"type": "string", "pattern": units.RATE_PATTERN})
]
PolicyName = Annotated[str, AfterValidator(_named)]
Category = Annotated[str, AfterValidator(_category)]
Network = Annotated[str, AfterValidator(_network)]
HeaderName = Annotated[
    str,
    AfterValidator(str.lower),
    _spelled(r"[a-z0-9!#$%&'*+.^_`|~-]+", "is not a header name", "Write one such as x-user-id."),
]
Url = Annotated[str, AfterValidator(_url)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
ApiKey = Annotated[SecretStr, AfterValidator(_api_key)]
Score = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), BeforeValidator(units.number)]
When = Annotated[
    tuple[Filled, ...],
    Field(min_length=1),
    BeforeValidator(_one_or_many),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
