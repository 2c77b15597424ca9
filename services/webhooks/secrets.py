"""The secrets that webhooks are signed with, as Standard Webhooks writes them."""

from __future__ import annotations

import base64
import binascii

PREFIX = "whsec_"
BYTES = range(24, 65)


def secrets_in(text: str) -> tuple[str, ...]:
    """One, or while it is being changed several, apart by spaces. Raises `ValueError`, which does not repeat them."""
    secrets = tuple(text.split())
    if not secrets or not all(map(_is_secret, secrets)):
        raise ValueError(f"write `{PREFIX}` and the base64 of 24 to 64 random bytes; docs/configuration.md makes one")
    return secrets


def _is_secret(text: str) -> bool:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(PREFIX) and len(key) in BYTES
