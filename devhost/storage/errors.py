"""What storage answers when it does not do what it was asked, without the SDKs' own exceptions."""

from __future__ import annotations


class StorageError(Exception):
    """Storage refused a request or failed at it. The message is one line without a full stop."""


class UnreachableError(StorageError):
    """Nothing answers where the storage should be."""
