"""Who the caller is, from the sources the operator named, and only as a keyed pseudonym.

Knows headers, peers and the ASGI scope. Must never believe what a client says of itself, and must
never let a name or a key leave this file unkeyed, in an error least of all.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Literal
from uuid import UUID

from ..errors import BadRequest
from ..http import Headers, Request

LONGEST = 512
"""Characters of a name; OpenAI takes 64 of a safety identifier, mail addresses have up to 254."""

KEY_HEADERS = ("x-api-key", "api-key", "x-goog-api-key")
"""Where Anthropic, Azure and Google take an API key; everybody takes ``Authorization: Bearer``."""

_HOPS = 32
_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class HeaderSource:
    """A header (any case) that proxies in the ``trusted`` networks (CIDR) set; else it is ignored."""

    header: str
    trusted: tuple[str, ...]


Source = HeaderSource | Literal["scope", "api-key"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``user`` is the pseudonym for records and for forwarding; None without a secret.

    ``bucket`` stands for the same name in counters, also where there is no secret; ``key`` for the
    API key, where keys are a source; ``address`` is where the connection came from.
    """

    user: str | None = None
    bucket: str | None = None
    key: str | None = None
    address: str | None = None


class Identity:
    """Tells callers apart. ``sources`` are asked in order, after the name the application gave.

    ``secret`` keys the pseudonyms: HMAC-SHA-256 of the name (NFC, stripped, UTF-8), 64 hex digits,
    the same for all processes that share it. ``required`` and ``forward`` are kept for whoever
    admits and forwards. An API key names its caller just as well as whoever verifies it does.

    Raises ValueError for an empty secret or a network that is none.
    """

    def __init__(
        self,
        sources: Sequence[Source] = (),
        secret: bytes | None = None,
        required: bool = False,
        forward: str | None = None,
    ) -> None:
        if secret is not None and not secret:
            raise ValueError("the identity secret is empty: anybody could compute the pseudonyms")
        self.required, self.forward = required, forward
        self._secret = secret
        self._process_key = secrets.token_bytes(32)
        self._sources = tuple(_compiled(source) for source in sources)
        self._trusted = _Networks([net for s in sources if isinstance(s, HeaderSource) for net in s.trusted])
        self._keys = "api-key" in sources

    def resolve(self, request: Request) -> Caller:
        """The caller of a request. Raises BadRequest (code ``identity``) when it has two readings."""
        peer = _address(request.peer)
        api_key = _api_key(request.headers) if self._keys else None
        name = self._name(request, peer, api_key)
        key = None if api_key is None else self._keyed(b"api-key\0", api_key)
        if name is None:
            user, bucket = (key if self._secret else None), key
        else:
            bucket = self._keyed(b"", name)
            user = bucket if self._secret else None
        return Caller(user, bucket, key, self._origin(request, peer))

    def pseudonym(self, name: str) -> str | None:
        """What ``Caller.user`` is for a name; None without a secret. Raises BadRequest."""
        cleaned = _cleaned(name)
        return self._keyed(b"", cleaned) if self._secret and cleaned else None

    def _name(self, request: Request, peer: Address | None, api_key: str | None) -> str | None:
        if request.user is not None and (name := _cleaned(request.user)):
            return name
        for source in self._sources:
            if source == "scope":
                name = _scope_name(request.scope)
            elif source == "api-key":
                if api_key is not None:
                    return None  # the key itself is the name
                continue
            else:
                name = source.read(request.headers, peer)
            if name:
                return name
        return None

    def _keyed(self, purpose: bytes, value: str) -> str:
        return hmac.digest(self._secret or self._process_key, purpose + value.encode(), "sha256").hex()

    def _origin(self, request: Request, peer: Address | None) -> str | None:
        """The peer, or the right-most hop of x-forwarded-for that no trusted proxy stands at.

        Each proxy appends whom it heard from, so what stands further left is the client's own word.
        """
        if peer is None:
            return request.peer
        if peer not in self._trusted:
            return str(peer)
        hops = ",".join(value for name, value in request.headers if name == "x-forwarded-for")
        for text in reversed(hops.rsplit(",", _HOPS)[-_HOPS:]):
            hop = _hop(text)
            if hop is None:
                break
            peer = hop
            if hop not in self._trusted:
                break
        return str(peer)


class _Networks:
    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = tuple(ip_network(network, strict=False) for network in networks)

    def __contains__(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


class _Header:
    def __init__(self, source: HeaderSource) -> None:
        self._name = source.header.lower()
        self._trusted = _Networks(source.trusted)

    def read(self, headers: Headers, peer: Address | None) -> str | None:
        if peer not in self._trusted:
            return None
        values = [value for name, value in headers if name == self._name]
        if len(values) > 1:
            raise _unclear("the identity header came more than once")
        return _cleaned(_utf8(values[0])) if values else None


def _compiled(source: Source) -> _Header | Literal["scope", "api-key"]:
    return _Header(source) if isinstance(source, HeaderSource) else source


def _scope_name(scope: Mapping[str, Any]) -> str | None:
    """The user that authentication middleware put into an ASGI scope (Starlette, Django Channels)."""
    user = scope.get("user")
    # Exactly True: a method of that name, as some classes have, would be true of everybody.
    if getattr(user, "is_authenticated", None) is not True:
        return None
    for attribute in ("identity", "display_name", "username"):
        try:
            value = getattr(user, attribute)
        except (AttributeError, NotImplementedError):
            continue
        if isinstance(value, str | int | UUID) and (name := _cleaned(str(value))):
            return name
    return None


def _api_key(headers: Headers) -> str | None:
    """The one API key of a request. Two different ones would leave open who is asking."""
    found = set()
    for name, value in headers:
        if name == "authorization":
            scheme, _, value = value.strip().partition(" ")
            if scheme.lower() != "bearer":
                continue
        elif name not in KEY_HEADERS:
            continue
        if value.strip():
            found.add(value.strip())
    if len(found) > 1:
        raise _unclear("two different API keys came in one request")
    return found.pop() if found else None


def _cleaned(name: str) -> str | None:
    """The one form of a name; None where it is blank. Case is kept: ids may differ by it."""
    if len(name) > LONGEST:
        raise _unclear(f"the caller's name is longer than {LONGEST} characters")
    name = unicodedata.normalize("NFC", name).strip()
    if not name.isprintable() and any(unicodedata.category(character) in _CONTROL for character in name):
        raise _unclear("the caller's name has control characters")
    return name or None


def _utf8(value: str) -> str:
    """Servers give header bytes as Latin-1; a name in UTF-8 is meant to be read as such."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _address(text: str | None) -> Address | None:
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(int(address))
    return address


def _hop(text: str) -> Address | None:
    """An entry of x-forwarded-for; some proxies add the port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return _address(text)


def _unclear(message: str) -> BadRequest:
    return BadRequest(f"{message}; send one name, in one way", code="identity")
