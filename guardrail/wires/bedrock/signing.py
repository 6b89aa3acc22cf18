"""Requests signed by AWS Signature Version 4, whose bodies cannot be changed on the way.

Source: AWS General Reference, "Signature Version 4 signing process". Knows headers and queries only.
"""

from __future__ import annotations

from ...http import Request, header

_SCHEMES = ("aws4-hmac-sha256", "aws4-ecdsa-p256-sha256")


def signed(request: Request) -> bool:
    """Does a signature cover this request's body? Edited, it would be turned down by the API.

    Bearer keys of Bedrock sign nothing. A query may carry the signature in place of a header.
    """
    said = (header(request.headers, "authorization") or "").lstrip().lower()
    return said.startswith(_SCHEMES) or "x-amz-signature=" in request.query.lower()
