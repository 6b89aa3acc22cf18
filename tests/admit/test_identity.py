from __future__ import annotations

import hashlib
import hmac
import unicodedata
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.admit.identity import Caller, HeaderSource, Identity
from guardrail.errors import BadRequest
from guardrail.http import Request

SECRET = b"a secret of the test"
PROXY = "10.1.2.3"
STRANGER = "203.0.113.9"
HEADER = HeaderSource("X-User-Id", ("10.0.0.0/8", "fd00::/8"))


def request(*headers: tuple[str, str], peer: str | None = PROXY, user: str | None = None) -> Request:
    return Request("POST", "/v1/chat/completions", headers, peer=peer, user=user)


def resolve(*headers: tuple[str, str], sources: Any = (HEADER,), **rest: Any) -> Caller:
    return Identity(sources, SECRET).resolve(request(*headers, **rest))


def keyed(name: str) -> str:
    return hmac.new(SECRET, name.encode(), hashlib.sha256).hexdigest()


class User:
    """What authentication middleware leaves in a scope."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update({"is_authenticated": True, **attributes})


# --- pseudonyms --------------------------------------------------------------------------------


def test_a_pseudonym_is_the_keyed_hash_of_the_name() -> None:
    caller = resolve(("x-user-id", "alice"))
    assert caller.user == caller.bucket == keyed("alice")
    assert Identity((), SECRET).pseudonym("alice") == keyed("alice")
    assert caller.user is not None
    assert len(caller.user) == 64


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=3, max_size=60))
def test_a_pseudonym_differs_by_secret_and_never_holds_the_name(name: str) -> None:
    one, other = (Identity((), secret).resolve(request(user=name)) for secret in (b"one", b"other"))
    if not name.strip():
        assert one.user is other.user is None
        return
    assert one.user != other.user
    assert one.user == Identity((), b"one").resolve(request(user=name)).user
    assert set(one.user or "") <= set("0123456789abcdef")
    assert set(one.bucket or "") <= set("0123456789abcdef")


@pytest.mark.parametrize("name", ["Zoë", "  Zoe\u0308 ", "Zoe\u0308\t"])
def test_forms_of_one_name_are_one_user(name: str) -> None:
    assert Identity((), SECRET).resolve(request(user=name)).user == keyed("Zo\u00eb")


def test_names_that_differ_by_case_are_two_users() -> None:
    assert keyed("Alice") == resolve(("x-user-id", "Alice")).user != resolve(("x-user-id", "alice")).user


def test_without_a_secret_there_is_a_bucket_but_no_user() -> None:
    identity, other = Identity((HEADER,)), Identity((HEADER,))
    caller = identity.resolve(request(("x-user-id", "alice")))
    assert caller.user is None
    assert caller.bucket == identity.resolve(request(user="alice")).bucket
    assert caller.bucket not in (None, other.resolve(request(user="alice")).bucket)
    assert identity.pseudonym("alice") is None


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Identity((), b"")


def test_nobody_is_nobody() -> None:
    assert resolve() == Caller(address=PROXY)
    assert Identity().resolve(request(peer=None)) == Caller()


# --- the order of the sources ------------------------------------------------------------------


def test_the_name_the_application_gave_comes_first() -> None:
    sources = ("api-key", "scope", HEADER)
    headers = (("x-user-id", "header"), ("authorization", "Bearer sk-1"))
    caller = resolve(*headers, sources=sources, user="app")
    assert caller.user == keyed("app")


@pytest.mark.parametrize(("sources", "name"), [(("scope", HEADER), "scoped"), ((HEADER, "scope"), "header")])
def test_the_first_source_with_a_name_counts(sources: Any, name: str) -> None:
    asked = Request("POST", "/", (("x-user-id", "header"),), peer=PROXY, scope={"user": User(identity="scoped")})
    assert Identity(sources, SECRET).resolve(asked).user == keyed(name)


def test_a_source_without_a_name_leaves_the_turn_to_the_next() -> None:
    asked = Request("POST", "/", (("x-user-id", " "),), peer=PROXY, scope={"user": User(username="scoped")}, user="")
    assert Identity((HEADER, "scope"), SECRET).resolve(asked).user == keyed("scoped")


# --- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "fd00::5", "fd00::5%eth0"])
def test_a_header_from_a_trusted_proxy_is_believed(peer: str) -> None:
    assert resolve(("x-user-id", "alice"), peer=peer).user == keyed("alice")


@pytest.mark.parametrize("peer", [STRANGER, "11.0.0.1", "::1", "testclient", "", None])
def test_a_header_from_anyone_else_is_ignored(peer: str | None) -> None:
    headers = (("x-user-id", "alice"), ("x-user-id", "bob"), ("x-user-id", "x" * 70_000))
    assert resolve(*headers, peer=peer).user is None


def test_a_header_is_read_as_utf_8() -> None:
    assert resolve(("x-user-id", "Àlice".encode().decode("latin-1"))).user == keyed("Àlice")
    assert resolve(("x-user-id", "Älice")).user == keyed("Älice")


@pytest.mark.parametrize("values", [["alice", "bob"], ["alice", "alice"], ["", "alice"]])
def test_a_doubled_identity_header_is_refused(values: list[str]) -> None:
    with pytest.raises(BadRequest) as caught:
        resolve(*(("x-user-id", value) for value in values))
    assert (caught.value.code, caught.value.status) == ("identity", 400)
    assert "alice" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["a" * 513, "canary\x00", "can\nary", "canary\x1b[31m", "canary\u2028x", "canary\x85x"]
)
def test_a_name_too_long_or_with_control_characters_is_refused_and_not_shown(name: str) -> None:
    for asked in (request(("x-user-id", name)), request(user=name)):
        with pytest.raises(BadRequest) as caught:
            Identity((HEADER,), SECRET).resolve(asked)
        assert caught.value.code == "identity"
        assert "canary" not in str(caught.value)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(BadRequest):
        Identity((), SECRET).resolve(request(user="a\ud800"))


def test_a_name_of_the_longest_length_is_taken() -> None:
    assert resolve(("x-user-id", "a" * 512)).user == keyed("a" * 512)


# --- the ASGI scope ----------------------------------------------------------------------------


class Property:
    is_authenticated = True

    @property
    def identity(self) -> str:
        raise NotImplementedError

    @property
    def display_name(self) -> str:
        return "shown"


@pytest.mark.parametrize(
    ("user", "name"),
    [
        (User(identity="i", display_name="d", username="u"), "i"),
        (User(display_name="d", username="u"), "d"),
        (User(username="u"), "u"),
        (User(identity=7), "7"),
        (User(identity=UUID(int=5)), str(UUID(int=5))),
        (User(identity="", username="u"), "u"),
        (Property(), "shown"),
    ],
)
def test_the_user_of_the_scope(user: Any, name: str) -> None:
    assert Identity(("scope",), SECRET).resolve(scoped(user)).user == keyed(name)


def scoped(user: Any) -> Request:
    return Request("POST", "/", (), scope={"user": user})


@pytest.mark.parametrize(
    "user",
    [
        None,
        User(is_authenticated=False, identity="i"),
        User(is_authenticated=lambda: False, identity="i"),
        User(is_authenticated="no", identity="i"),
        User(identity=object()),
        {"identity": "i"},
    ],
)
def test_who_is_not_authenticated_has_no_name(user: Any) -> None:
    assert Identity(("scope",), SECRET).resolve(scoped(user)) == Caller()


def test_starlettes_users_are_understood() -> None:
    authentication = pytest.importorskip("starlette.authentication")
    identity = Identity(("scope",), SECRET)
    assert identity.resolve(scoped(authentication.SimpleUser("alice"))).user == keyed("alice")
    assert identity.resolve(scoped(authentication.UnauthenticatedUser())) == Caller()


def test_the_scope_is_not_read_unless_named() -> None:
    assert Identity((), SECRET).resolve(scoped(User(identity="i"))) == Caller()


# --- API keys ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        ("authorization", "Bearer sk-canary"),
        ("authorization", "bearer  sk-canary "),
        ("x-api-key", "sk-canary"),
        ("api-key", "sk-canary"),
        ("x-goog-api-key", "sk-canary"),
    ],
)
def test_an_api_key_names_its_caller_wherever_it_stands(header: tuple[str, str]) -> None:
    caller = resolve(header, sources=("api-key",))
    assert caller.user == caller.bucket == caller.key == keyed("api-key\0sk-canary")
    assert "canary" not in repr(caller)


def test_a_named_user_still_has_a_key() -> None:
    caller = resolve(("x-api-key", "sk-1"), ("x-user-id", "alice"), sources=(HEADER, "api-key"))
    assert (caller.user, caller.key) == (keyed("alice"), keyed("api-key\0sk-1"))


def test_a_key_is_no_identity_unless_named_and_basic_is_no_key() -> None:
    assert resolve(("x-api-key", "sk-1")) == Caller(address=PROXY)
    assert resolve(("authorization", "Basic abc"), ("x-api-key", " "), sources=("api-key",)) == Caller(address=PROXY)


def test_two_different_keys_are_refused_and_the_same_twice_is_one() -> None:
    with pytest.raises(BadRequest) as caught:
        resolve(("x-api-key", "sk-canary1"), ("authorization", "Bearer sk-canary2"), sources=("api-key",))
    assert "canary" not in str(caught.value)
    assert resolve(("x-api-key", "a"), ("authorization", "Bearer a"), sources=("api-key",)).key is not None


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ([], PROXY),
        (["198.51.100.7"], "198.51.100.7"),
        (["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        (["1.1.1.1, 198.51.100.7, 10.9.9.9"], "198.51.100.7"),
        (["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
        (["198.51.100.7, unknown"], PROXY),
        (["198.51.100.7, unknown, 10.9.9.9"], "10.9.9.9"),
        (["10.9.9.8, 10.9.9.9"], "10.9.9.8"),
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["2001:DB8:0::7"], "2001:db8::7"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        ([""], PROXY),
        ([", ".join(["10.9.9.9"] * 50)], "10.9.9.9"),
    ],
)
def test_the_address_is_the_right_most_hop_nobody_trusts(forwarded: list[str], address: str) -> None:
    assert resolve(*(("x-forwarded-for", value) for value in forwarded)).address == address


@pytest.mark.parametrize("peer", [STRANGER, "testclient", None])
def test_a_peer_nobody_trusts_is_the_address_itself(peer: str | None) -> None:
    assert resolve(("x-forwarded-for", "1.1.1.1"), peer=peer).address == peer


def test_without_trusted_proxies_nothing_is_forwarded() -> None:
    assert resolve(("x-forwarded-for", "1.1.1.1"), sources=("scope",)).address == PROXY


@given(st.text(st.characters(codec="latin-1"), max_size=80))
def test_what_a_client_writes_left_of_its_address_changes_nothing(said: str) -> None:
    assert resolve(("x-forwarded-for", f"{said}, 198.51.100.7")).address == "198.51.100.7"
    assert resolve(("x-forwarded-for", said), ("x-forwarded-for", "198.51.100.7, 10.9.9.9")).address == "198.51.100.7"


names = st.sampled_from(
    ["x-user-id", "x-forwarded-for", "forwarded", "x-real-ip", "authorization", "x-api-key", "user", "cookie"]
)


@given(st.lists(st.tuples(names, st.text(st.characters(codec="latin-1"), max_size=40)), max_size=8))
def test_no_header_of_a_stranger_changes_who_it_is(headers: list[tuple[str, str]]) -> None:
    """Without keys among the sources, all that a stranger can send leaves it the same caller."""
    assert resolve(*headers, sources=(HEADER, "scope"), peer=STRANGER) == Caller(address=STRANGER)


def test_normalisation_cannot_make_a_long_name_longer_than_read() -> None:
    grows = "\ufb2c"  # one character, three in NFC
    assert len(unicodedata.normalize("NFC", grows)) == 3
    assert resolve(user=grows * 512).user is not None
    with pytest.raises(BadRequest):
        resolve(user=grows * 513)
