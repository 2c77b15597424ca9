"""Who asks: by the account's key, or by a token of Microsoft Entra ID.

https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qsl, unquote

from tests.cosmos.errors import CosmosError
from tests.cosmos.messages import Request

MOST_SKEW = 15 * 60
"""Seconds between the client's clock and ours."""


def check(request: Request, key: str) -> None:
    """Raises `CosmosError` 401 or 403."""
    given = dict(parse_qsl(unquote(request.headers.get("authorization", "")).replace("+", "%2B")))
    if given.get("type") == "aad":
        _check_token(given.get("sig", ""), request.origin)
    elif given.get("type") == "master":
        _check_signature(given.get("sig", ""), request, key)
    else:
        raise _unauthorized("Required Header authorization is missing.")


def _check_signature(signature: str, request: Request, key: str) -> None:
    date = request.headers.get("x-ms-date", "")
    kind, link = _resource(request.parts)
    signed = f"{request.method.lower()}\n{kind}\n{link}\n{date.lower()}\n\n"
    expected = base64.b64encode(hmac.digest(base64.b64decode(key), signed.encode(), "sha256")).decode()
    if not hmac.compare_digest(signature, expected):
        raise _unauthorized("The input authorization token can't serve the request. The wrong key is being used.")
    try:
        skew = abs(time.time() - parsedate_to_datetime(date).timestamp())
    except ValueError as error:
        raise _unauthorized("The x-ms-date header is not a date.") from error
    if skew > MOST_SKEW:
        raise CosmosError(403, "The authorization token is not valid at the current time.")


def _resource(parts: tuple[str, ...]) -> tuple[str, str]:
    """What kind of resource the request is about, and the link that is signed."""
    if len(parts) % 2:
        return parts[-1].lower(), "/".join(parts[:-1])
    return (parts[-2].lower() if parts else ""), "/".join(parts)


def _check_token(token: str, origin: str) -> None:
    """No signature is looked at: there is nobody here whose it could be."""
    if not origin.startswith("https:"):
        raise _unauthorized("A token is only taken over TLS.")
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        is_current = float(claims["exp"]) > time.time()
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise _unauthorized("The token is not a JSON Web Token.") from error
    if not is_current:
        raise _unauthorized("The token has expired.")


def _unauthorized(message: str) -> CosmosError:
    return CosmosError(401, message)
