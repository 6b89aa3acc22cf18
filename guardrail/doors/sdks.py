"""How the official SDKs hold their HTTP client: one recipe for each family, by the name of its package.

Knows attributes of other people's objects, and imports none of their packages; nothing of guards,
of rules or of what is sent.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

from ..errors import CannotGuard
from .reach import belongs
from .wrapping import kind, library


class Wrap(Protocol):
    """Gives the guarded copy of an HTTP client; see ``Wrapping``."""

    def __call__(self, client: Any, *, keep: object = None, maker: str | None = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Family:
    """SDK clients that are built alike.

    ``make(client, wrap)`` gives a new client of the same type, all of whose HTTP clients went
    through ``wrap``. ``sockets``: dotted paths of what opens connections of its own, sealed on
    the new client. ``aside``: attributes that lead to credentials only, whose sessions fetch keys
    and carry nothing of the conversation.
    """

    packages: tuple[str, ...]
    make: Callable[[Any, Wrap], Any]
    sockets: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()


def family(client: object) -> Family | None:
    """The recipe for this client; None where nobody knows one."""
    for known in _FAMILIES:
        if belongs(client, known.packages):
            return known
    if _takes_http_client(client):
        return Family((type(client).__module__.partition(".")[0],), _copied)
    return None


def advice(client: object) -> str:
    """What to do for a client that no guard can be put on."""
    for base in type(client).__mro__:
        if (found := _ADVICE.get(base.__module__.partition(".")[0])) is not None:
            return found
    return (
        "it holds no httpx or httpx2 client that can be exchanged. "
        "Give it a transport from guardrail.transports(...), or point it at the gateway"
    )


def _takes_http_client(client: object) -> bool:
    """SDKs made by Stainless share openai's form: ``client._client`` and ``client.copy(http_client=...)``."""
    method = getattr(type(client), "copy", None)
    return (
        callable(method)
        and "http_client" in inspect.signature(method).parameters
        and library(getattr(client, "_client", None)) is not None
    )


def _copied(client: Any, wrap: Wrap) -> Any:
    """openai, anthropic and their kind: the SDK's own copy, with another HTTP client."""
    if not _takes_http_client(client):
        raise CannotGuard(f"guard() cannot guard a {kind(client)}: it is not a client of its SDK with a copy() method")
    wrapped = wrap(client._client, keep=client._client)
    made = client.copy(http_client=wrapped)
    if made._client is not wrapped:
        raise CannotGuard(f"{kind(client)}.copy() did not take the guarded HTTP client; use guardrail.transports(...)")
    return made


def _google(client: Any, wrap: Wrap) -> Any:
    """google-genai: one ``_api_client`` that every resource of both colours refers to.

    Async calls go by aiohttp where that is installed, and by google-auth's own session with client
    certificates. The first is turned off, so that httpx is used; the second cannot be guarded.
    """
    api: Any = getattr(client, "_api_client", None)
    if kind(client) == "google.genai.client.AsyncClient":
        raise CannotGuard("guard the google.genai.Client itself, then use its .aio")
    switches = ("_use_aiohttp", "_use_google_auth_sync", "_use_google_auth_async")
    if (
        kind(api) != "google.genai._api_client.BaseApiClient"
        or not hasattr(client, "_aio")
        or not all(hasattr(api, switch) for switch in switches)
    ):
        raise _unknown("google-genai", client)
    if api._http_options.aiohttp_client is not None:
        raise CannotGuard("this google-genai client was given an aiohttp_client; give it an httpx_async_client instead")
    if api._use_google_auth_sync() or api._use_google_auth_async() or api._async_httpx_client is None:
        raise CannotGuard(
            "this google-genai client sends by google-auth's session with a client certificate; "
            "give it an httpx_client and an httpx_async_client, or point it at the gateway"
        )
    sync = wrap(api._httpx_client, keep=client)
    later = wrap(api._async_httpx_client, keep=client, maker="_inner_client_cls")
    if "_loop_clients" in vars(later):
        later._loop_clients, later._loop_clients_lock = {}, Lock()
    given = {"httpx_client": sync, "httpx_async_client": later}
    options = api._http_options.model_copy(
        update={name: made for name, made in given.items() if getattr(api._http_options, name) is not None}
    )
    fresh: dict[str, Any] = {"_httpx_client": sync, "_async_httpx_client": later, "_http_options": options}
    fresh |= {"_aiohttp_sessions": {}, "_authorized_session": None}
    fresh |= dict.fromkeys(switches, _never)
    return _rebased(client, api, _double(api, fresh))


def _never() -> bool:
    return False


def _rebased(value: Any, old: object, new: object) -> Any:
    """The same tree of resources on another api client. What was cached on the old one is made anew."""
    fields: dict[str, Any] = {}
    for name, field in vars(value).items():
        if field is old:
            fields[name] = new
        elif type(field).__module__.startswith("google.genai._gaos"):
            fields[name] = None
        elif type(field).__module__.startswith("google.genai.") and old in getattr(field, "__dict__", {}).values():
            fields[name] = _rebased(field, old, new)
    return _double(value, fields)


def _double(value: Any, fields: dict[str, Any]) -> Any:
    """A copy with other attributes, complete at once: a half-made one, collected, would close the original's client."""
    made = object.__new__(type(value))
    vars(made).update(vars(value) | fields)
    return made


def _mistral(client: Any, wrap: Wrap) -> Any:
    """mistralai: both HTTP clients stand in ``sdk_configuration``, which every resource shares.

    The original closes them when it is collected, so it is kept.
    """
    resources = getattr(type(client), "_sub_sdk_map", None)
    if resources is None or not hasattr(client, "sdk_configuration"):
        raise _unknown("mistralai", client)
    configuration = copy.copy(client.sdk_configuration)
    for name in ("client", "async_client"):
        if getattr(configuration, name) is not None:
            setattr(configuration, name, wrap(getattr(configuration, name), keep=client))
    made = _double(client, {"sdk_configuration": configuration})
    for name in resources:
        vars(made).pop(name, None)
    made.parent_ref = made
    return made


def _cohere(client: Any, wrap: Wrap) -> Any:
    """cohere: made anew by its own constructor, for a client keeps bound methods of itself.

    The clients for AWS and OCI rewrite and sign their calls and do not come from this constructor.
    """
    exact = {"Client": "client", "AsyncClient": "client", "ClientV2": "client_v2", "AsyncClientV2": "client_v2"}
    name = type(client).__qualname__
    if kind(client) != f"cohere.{exact.get(name)}.{name}":
        raise CannotGuard(
            f"guard() cannot guard a {kind(client)}, only cohere's own Client and ClientV2 in both colours; "
            "give yours httpx_client=guard(httpx.Client()) where it takes one, or point it at the gateway"
        )
    wrapper = client._client_wrapper
    inner = wrapper.httpx_client.httpx_client
    made = type(client)(
        api_key=wrapper._token,
        base_url=wrapper._base_url,
        client_name=wrapper._client_name,
        timeout=wrapper._timeout,
        max_retries=wrapper._max_retries,
        httpx_client=wrap(inner, keep=inner),
        thread_pool_executor=client._executor,
        log_warning_experimental_features="chat_stream" in vars(client),
    )
    settings = {name: value for name, value in vars(wrapper).items() if name != "httpx_client"}
    vars(made._client_wrapper).update(settings)
    made._client_wrapper.httpx_client.logger = wrapper.httpx_client.logger
    return made


def _ollama(client: Any, wrap: Wrap) -> Any:
    """ollama: ``_client`` is the HTTP client, and nothing else is held."""
    if library(getattr(client, "_client", None)) is None:
        raise _unknown("ollama", client)
    return _double(client, {"_client": wrap(client._client, keep=client._client)})


def _unknown(package: str, client: object) -> CannotGuard:
    return CannotGuard(
        f"guard() does not know how this {kind(client)} (of {package}) holds its HTTP client. "
        "Give it a guarded one where it takes one (httpx.Client(transport=...)), or point it at the gateway"
    )


_FAMILIES = (
    Family(
        ("openai",),
        _copied,
        sockets=(
            "realtime.connect",
            "realtime.translations.connect",
            "responses.connect",
            "live.connect",
            "live.forks.connect",
            "live.sideband.connect",
            "beta.realtime.connect",
            "beta.responses.connect",
        ),
        aside=("workload_identity", "_workload_identity_auth", "_provider", "_provider_runtime"),
    ),
    Family(("anthropic",), _copied, aside=("credentials", "_token_cache", "_custom_auth")),
    Family(("google.genai",), _google, sockets=("_aio._live",), aside=("_credentials",)),
    Family(
        ("mistralai",),
        _mistral,
        sockets=(
            "audio._realtime",
            "audio._realtime_speech",
            "audio.sessions.init",
            "beta.connectors.mcp_client",
            "beta.connectors.http_client",
        ),
        aside=("security",),
    ),
    Family(("cohere",), _cohere),
    Family(("ollama",), _ollama),
)

_BOTO = (
    "boto3 and botocore have no transport that could be wrapped. "
    "Point the client at the gateway: boto3.client(..., endpoint_url=...)"
)
_SESSION = (
    "its connections cannot be wrapped. Point it at the gateway, or use httpx with a transport from "
    "guardrail.transports(...)"
)
_SOCKET = "a WebSocket is read by no guard in this process. Point it at the gateway, or use the API's HTTP routes"
_ADVICE = {
    "boto3": _BOTO,
    "botocore": _BOTO,
    "requests": _SESSION,
    "aiohttp": _SESSION,
    "urllib3": _SESSION,
    "websockets": _SOCKET,
}
