"""The Azure CLI, and the few things that a rollout asks of it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

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
    """A function app on Flex Consumption: where packages are sent and kept, and how its instances are replaced."""

    endpoint: str
    storage: str
    container: str
    strategy: str

    @classmethod
    def find(cls, group: str, name: str) -> Self:
        """As Azure describes it. Raises `DeliveryError`."""
        # Not `az functionapp show`: of Flex Consumption that shows what an API version from 2023 knows.
        site = f"/subscriptions/{{subscriptionId}}/resourceGroups/{group}/providers/Microsoft.Web/sites/{name}"
        about: dict[str, Any] = json.loads(az("rest", "--method", "get", "--url", f"{site}?api-version=2024-11-01"))
        properties = about["properties"]
        hosts = {host["hostType"]: host["name"] for host in properties["hostNameSslStates"]}
        config = properties["functionAppConfig"]
        place = httpx.URL(config["deployment"]["storage"]["value"])
        strategy = config.get("siteUpdateStrategy") or {"type": "Recreate"}
        return cls(_address(hosts["Repository"]), place.host.split(".")[0], place.path.strip("/"), strategy["type"])

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

    def _blob(self, name: str) -> tuple[str, ...]:
        place = "--account-name", self.storage, "--container-name", self.container
        return *place, "--name", name, "--auth-mode", "login"


def access_token() -> str:
    """Of whoever is signed in to `az`, for Azure's management and an app's deployment endpoint alike."""
    return az("account", "get-access-token", "--query", "accessToken", "--output", "tsv")


def _address(host: str) -> str:
    return host if "://" in host else f"https://{host}"


def _kept(build: str) -> str:
    return f"kept/{build}.zip"
