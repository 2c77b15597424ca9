"""What a storage binding names: an account by an app setting, a queue, a container and a blob in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from devhost.functions import BLOB, QUEUE, QUEUE_TRIGGER, Binding

_DEFAULT = "AzureWebJobsStorage"
_PREFIX = "AzureWebJobs"
_BY_IDENTITY = ("accountName", "serviceUri", "queueServiceUri", "blobServiceUri", "credential")
_WAYS_IN = ({"usedevelopmentstorage"}, {"accountname", "accountkey"}, {"accountname", "sharedaccesssignature"})
_ENDPOINTS = frozenset({"queueendpoint", "blobendpoint"})
_QUEUE_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")


def why_unconnected(bindings: Iterable[Binding], environ: Mapping[str, str]) -> str | None:
    """Why one of these bindings cannot work, whatever storage answers, or None. Half a sentence."""
    for binding in bindings:
        if binding.type not in (QUEUE_TRIGGER, QUEUE, BLOB):
            continue
        try:
            setting_of(binding, environ)
            if binding.type == BLOB:
                blob_path(binding.text("path"))
            elif binding.type == QUEUE_TRIGGER or "{" not in binding.text("queueName"):
                queue_name(binding.text("queueName"))
        except ValueError as error:
            return f"{binding.type} '{binding.name}': {error}"
    return None


def setting_of(binding: Binding, environ: Mapping[str, str]) -> str:
    """The app setting that holds the binding's connection string. Raises `ValueError` when there is no usable one.

    As on Azure, `connection` may leave out the prefix `AzureWebJobs`, and the setting with it counts first.
    """
    name = binding.text("connection") or _DEFAULT
    for setting in (f"{_PREFIX}{name}", name):
        if environ.get(setting):
            _check(setting, environ[setting])
            return setting
        if any(environ.get(f"{setting}__{part}") for part in _BY_IDENTITY):
            raise ValueError(
                f"the app setting '{setting}' connects by identity, which this host cannot do: "
                f"set {setting} to a connection string, or to UseDevelopmentStorage=true for Azurite"
            )
    raise ValueError(f"the app setting '{name}' is not set: UseDevelopmentStorage=true connects to Azurite")


def queue_name(text: str) -> str:
    """The name of a queue, in lower case as Azure makes it. Raises `ValueError` when it is none."""
    name = text.lower()
    if _QUEUE_NAME.fullmatch(name) is None:
        raise ValueError(f"'{text}' is no queue name: 3 to 63 letters, digits and single hyphens between them")
    return name


def blob_path(text: str) -> tuple[str, str]:
    """The container and the blob that a path names. Raises `ValueError` when one of them is missing."""
    container, _, blob = text.strip("/").partition("/")
    if not container or not blob:
        raise ValueError(f"the path '{text}' is not of the form container/blob")
    return container, blob


def is_emulator(connection: str) -> bool:
    """Whether a connection string leads to this machine, where only Azurite can be meant."""
    parts = _parts(connection)
    hosts = [urlsplit(parts.get(endpoint, "")).hostname for endpoint in _ENDPOINTS]
    return parts.get("usedevelopmentstorage") == "true" or any(host in ("127.0.0.1", "localhost") for host in hosts)


def _check(setting: str, connection: str) -> None:
    names = set(_parts(connection))
    if not any(way <= names for way in _WAYS_IN) and not names & _ENDPOINTS:
        raise ValueError(f"the app setting '{setting}' holds no storage connection string")


def _parts(connection: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in connection.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
