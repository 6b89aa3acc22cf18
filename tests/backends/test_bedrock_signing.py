from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yarl
from botocore.credentials import Credentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError

from guardrail.backends import bedrock_signing
from guardrail.backends.bedrock_guardrail import BedrockGuardrail
from guardrail.backends.dialect import Query, Question
from guardrail.errors import NotEvaluated

from .fakes import Asked
from .fakes import bedrock_guardrail as fake
from .fakes.bedrock_guardrail import BASE, asked, found, judge


def test_the_signed_path_is_the_one_that_is_sent() -> None:
    """Clients may write an address in another way than they were given it."""
    url = fake.dialect(BASE).query(Question(("t",))).url
    assert httpx.URL(url).raw_path.decode() == urlsplit(url).path
    assert yarl.URL(url).raw_path == urlsplit(url).path


def test_the_host_is_that_of_the_region() -> None:
    dialect = BedrockGuardrail(region="eu-central-1", guardrail="abc123", credentials=fake.CREDENTIALS)
    query = dialect.query(Question(("t",)))
    assert query.url == "https://bedrock-runtime.eu-central-1.amazonaws.com/guardrail/abc123/version/DRAFT/apply"
    assert "/eu-central-1/bedrock/aws4_request" in dict(query.headers)["authorization"]


def test_the_signature_covers_host_path_and_body() -> None:
    good = asked(fake.dialect("http://127.0.0.1:8080").query(Question(("t",))))
    assert good.headers["host"] == "127.0.0.1:8080"
    assert fake.answer(good).status == 200
    other = {**good.headers, "host": "127.0.0.1:8081"}
    key = {**good.headers, "authorization": good.headers["authorization"][:-1] + "x"}
    for bad in (
        Asked("POST", good.path, good.headers, good.body + b" "),
        Asked("POST", good.path.replace("version/3", "version/4"), good.headers, good.body),
        Asked("POST", good.path, other, good.body),
        Asked("POST", good.path, key, good.body),
        Asked("POST", good.path, {**good.headers, "x-amz-security-token": "other"}, good.body),
        Asked("POST", good.path, {**good.headers, "x-amz-date": "20200101T000000Z"}, good.body),
        Asked("POST", good.path, {"host": "127.0.0.1:8080"}, good.body),
    ):
        assert fake.answer(bad).status == 403


def test_the_fake_turns_down_what_the_document_does_not_know() -> None:
    def answered(body: Any, *, guardrail: str = fake.GUARDRAIL) -> int:
        raw = json.dumps(body).encode()
        url = fake.guardrail(BASE, guardrail=guardrail)._url
        signed = bedrock_signing.Signer(fake.REGION, credentials=fake.CREDENTIALS).headers(url, raw)
        return fake.answer(asked(Query(url, raw, signed))).status

    text = [{"text": {"text": "t"}}]
    assert answered({"source": "INPUT", "content": text}) == 200
    assert answered({"source": "INPUT", "content": text}, guardrail="other1") == 404
    for body in (
        {"source": "ME", "content": text},
        {"source": "INPUT", "content": []},
        {"source": "INPUT", "content": [{"text": "t"}]},
        {"source": "INPUT", "content": text, "outputScope": "ALL"},
        {"source": "INPUT", "content": text, "more": 1},
        {"content": text},
    ):
        assert answered(body) == 400


def test_an_api_key_needs_no_signature() -> None:
    dialect = BedrockGuardrail(region="us-east-1", guardrail="abc123", api_key=" canary-key ")
    assert not dialect.slow
    assert dict(dialect.query(Question(("t",))).headers) == {
        "authorization": "Bearer canary-key",
        "content-type": "application/json",
    }


def test_credentials_come_from_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("AWS_ACCESS_KEY_ID", fake.CREDENTIALS.access_key),
        ("AWS_SECRET_ACCESS_KEY", fake.CREDENTIALS.secret_key),
        ("AWS_SESSION_TOKEN", fake.CREDENTIALS.token),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    assert found(judge("[hate]", credentials=None)) == {"hate"}


def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for profile in (None, "no-such-canary"):
        with pytest.raises(NotEvaluated) as caught:
            judge("canary", credentials=None, profile=profile)
        assert caught.value.reason == "credentials"
        assert "canary" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


def test_credentials_that_cannot_be_renewed_are_none() -> None:
    def fails() -> dict[str, str]:
        raise CredentialRetrievalError(provider="canary", error_msg="canary")

    old = {"access_key": "a", "secret_key": "s", "token": "t", "expiry_time": "2020-01-01T00:00:00Z"}
    stale = RefreshableCredentials.create_from_metadata(old, fails, "canary")
    for held in (stale, Credentials("", "", None)):
        with pytest.raises(NotEvaluated) as caught:
            judge("canary", credentials=held)
        assert caught.value.reason == "credentials"
        assert "canary" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


def test_credentials_are_renewed_and_looked_for_once() -> None:
    fresh = {
        "access_key": fake.CREDENTIALS.access_key,
        "secret_key": fake.CREDENTIALS.secret_key,
        "token": fake.CREDENTIALS.token,
        "expiry_time": "2999-01-01T00:00:00Z",
    }
    old = {**fresh, "token": "old", "expiry_time": "2020-01-01T00:00:00Z"}
    renewed = RefreshableCredentials.create_from_metadata(old, lambda: fresh, "canary")
    assert found(judge("[hate]", credentials=renewed)) == {"hate"}


def test_without_the_extra_it_says_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bedrock_signing, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"guardrail-middleware\[bedrock\]"):
        BedrockGuardrail(region="us-east-1", guardrail="abc123")
    assert BedrockGuardrail(region="us-east-1", guardrail="abc123", api_key="k").model == "abc123:DRAFT"
