"""Claims: from a caller's own token into the one for SignalR, and from there to the functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import jwt

_PREFIX = "asrs.u."  # in front of a claim whose name is one of the service's own
_OF_THE_SERVICE = frozenset({"aud", "exp", "iat", "nbf"})


def copied_claims(token: str, wanted: Iterable[str]) -> dict[str, object]:
    """The wanted claims of a token, which is not verified: whoever let the request in has done that.

    Raises `ValueError` when it is no token.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise ValueError(f"the idToken of the signalRConnectionInfo binding cannot be read: {error}") from error
    return {f"{_PREFIX}{name}" if name in _OF_THE_SERVICE else name: claims[name] for name in wanted if name in claims}


def user_claims(claims: Mapping[str, object]) -> dict[str, str]:
    """A client's claims as functions see them: text, the first of several, the service's own left out."""
    return {name.removeprefix(_PREFIX): _text(value) for name, value in claims.items() if name not in _OF_THE_SERVICE}


def _text(value: object) -> str:
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) else str(first)
