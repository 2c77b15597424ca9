"""The Azure CLI, and the few things that a rollout asks of it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Strategy = Literal["RollingUpdate", "Recreate"]
CONTAINER = "deployments"
RUNNING = "released-package.zip"
"""The blob in which the platform keeps the package that the app runs from."""
UNNAMED = "unnamed"
"""The build of a package that does not say its name: one that `azd deploy` made."""


class DeliveryError(Exception):
    """A step of the delivery failed; the message says which, and what was told of it."""


def az(*arguments: str) -> str:
    """What `az` prints. Raises `DeliveryError` with the command and what it said."""
    try:
        done = subprocess.run(["az", *arguments, "--only-show-errors"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise DeliveryError("The Azure CLI (az) is not installed.") from error
    if done.returncode:
        shown = " ".join(["az", *arguments])
        raise DeliveryError(f"{shown}\n{done.stderr.strip() or f'ended with {done.returncode}'}")
    return done.stdout.strip()


@dataclass(frozen=True)
class App:
    """A function app on Flex Consumption, and the storage account that its packages are in."""

    group: str
    name: str
    storage: str

    def deployment_address(self) -> str:
        """Address of the app's deployment endpoint, which is not that of the app."""
        host = "hostNameSslStates[?hostType=='Repository'].name | [0]"
        return az("functionapp", "show", *self._id, "--query", f"join('', ['https://', {host}])", "--output", "tsv")

    def strategy(self) -> str:
        """How the platform replaces running instances: `RollingUpdate` or `Recreate`."""
        shown = az("functionapp", "update-strategy", "config", "show", *self._id, "--query", "type", "--output", "tsv")
        return shown or "Recreate"

    def use_strategy(self, strategy: Strategy) -> None:
        """Where it is changed, the change itself still goes the old way."""
        az("functionapp", "update-strategy", "config", "set", *self._id, "--type", strategy)

    def has_kept(self, build: str) -> bool:
        found = az("storage", "blob", "exists", *self._blob(_kept(build)), "--query", "exists", "--output", "tsv")
        return found == "true"

    def keep(self, build: str, package: Path) -> None:
        """Keep a package beside the running one, under the name of its build."""
        self._upload(_kept(build), package)

    def fetch_kept(self, build: str, into: Path) -> None:
        self._download(_kept(build), into)

    def fetch_running(self, into: Path) -> None:
        self._download(RUNNING, into)

    def _upload(self, blob: str, file: Path) -> None:
        az("storage", "blob", "upload", *self._blob(blob), "--file", str(file), "--overwrite", "--output", "none")

    def _download(self, blob: str, file: Path) -> None:
        az("storage", "blob", "download", *self._blob(blob), "--file", str(file), "--output", "none")

    @property
    def _id(self) -> tuple[str, ...]:
        return "--resource-group", self.group, "--name", self.name

    def _blob(self, name: str) -> tuple[str, ...]:
        place = "--account-name", self.storage, "--container-name", CONTAINER
        return *place, "--name", name, "--auth-mode", "login"


def access_token() -> str:
    """Of whoever is signed in to `az`, for Azure's management and an app's deployment endpoint alike."""
    return az("account", "get-access-token", "--query", "accessToken", "--output", "tsv")


def _kept(build: str) -> str:
    return f"kept/{build}.zip"
