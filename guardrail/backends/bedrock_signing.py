"""Requests to Amazon Bedrock signed by AWS Signature Version 4, with botocore's signer and credential chain.

Knows keys and headers. Must never know what a request says. Needs the extra ``bedrock``.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, and
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html for where credentials are looked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from typing import Any

from ..errors import NotEvaluated
from ..http import Headers

SERVICE = "bedrock"
"""The name that requests are signed for; not that of the host."""


class Signer:
    """``credentials``: a ``botocore.credentials.Credentials``; left out, what the chain finds for ``profile``.

    Raises ImportError without the extra.
    """

    __slots__ = ("_held", "_lock", "_profile", "_region")

    def __init__(self, region: str, *, profile: str | None = None, credentials: Any = None) -> None:
        if find_spec("botocore") is None:
            raise ImportError("signing for AWS needs the extra: pip install 'guardrail-middleware[bedrock]'")
        for name in ("botocore.auth", "botocore.session"):
            import_module(name)  # takes its time, which the first question should not wait for
        self._region, self._profile, self._held, self._lock = region, profile, credentials, Lock()

    def headers(self, url: str, body: bytes) -> Headers:
        """All headers of a POST. May ask the network for credentials, or for new ones.

        Raises NotEvaluated ``credentials`` where there are none.
        """
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        request = AWSRequest("POST", url, headers={"content-type": "application/json"}, data=body)
        SigV4Auth(self._frozen(), SERVICE, self._region).add_auth(request)
        return tuple((name.lower(), value) for name, value in request.headers.items())

    def _frozen(self) -> Any:
        """Credentials as they are now: the ones held refresh themselves when they are asked."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._found()
            frozen = None if found is None else found.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError):
            frozen = None
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            # Raised here, so that it does not carry botocore's own error, which may hold an answer with keys.
            raise NotEvaluated("credentials", "no AWS credentials were found, or they could not be renewed")
        return frozen

    def _found(self) -> Any:
        from botocore.session import Session

        with self._lock:
            if self._held is None:
                self._held = Session(profile=self._profile).get_credentials()
            return self._held
