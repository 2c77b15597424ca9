"""Hands a package to an app's deployment endpoint, and waits until the platform has taken it.

`python -m tools.delivery.publish PACKAGE --resource-group … --app …` does that and no more: for apps of regions that
stand by, which nobody can reach until they take over.

`az functionapp deployment source config-zip` always builds Python packages anew in the cloud. Ours is whole, and what
was tested is what shall run, so it is sent the way that command does it, but without a build.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import httpx

from tools.delivery.azure import App, DeliveryError, access_token

PATIENCE = 900.0
"""Seconds."""
_SUCCEEDED, _FAILED = 4, {-1: "canceled", 3: "failed", 5: "overtaken by another", 6: "done in part"}


def command_line() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Hand a package to an app's deployment endpoint.")
    parser.add_argument("package", type=Path)
    parser.add_argument("--resource-group", required=True)
    parser.add_argument("--app", required=True, help="name of the function app")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = command_line().parse_args(arguments)
    try:
        publish(App.find(options.resource_group, options.app), options.package)
    except DeliveryError as error:
        print(f"publish: {error}", file=sys.stderr)
        return 1
    return 0


def publish(app: App, package: Path, *, every: float = 2.0, patience: float = PATIENCE) -> None:
    """Raises `DeliveryError` when it is not taken, or not within `patience` seconds."""
    headers = {"Authorization": f"Bearer {access_token()}"}
    with httpx.Client(base_url=app.endpoint, headers=headers, timeout=300) as endpoint:
        try:
            _send(endpoint, package)
            _wait(endpoint, every, time.monotonic() + patience)
        except httpx.HTTPError as error:
            raise DeliveryError(f"The deployment endpoint does not answer as it should: {error}") from error


def _send(endpoint: httpx.Client, package: Path) -> None:
    with package.open("rb") as content:
        answer = endpoint.post(
            "/api/publish",
            params={"RemoteBuild": "false", "Deployer": "meta-agents"},
            headers={"Content-Type": "application/zip", "Content-Length": str(package.stat().st_size)},
            content=content,
        )
    if answer.status_code == httpx.codes.CONFLICT:
        raise DeliveryError("Another deployment of this app is under way; run this again when it has ended.")
    if answer.status_code != httpx.codes.ACCEPTED:
        raise DeliveryError(f"The package was not taken: {answer.status_code} {answer.text[:500]}")


def _wait(endpoint: httpx.Client, every: float, deadline: float) -> None:
    while time.monotonic() < deadline:
        answer = endpoint.get("/api/deployments/latest")
        # Not there yet, or for a moment not there any more.
        found = answer.json() if answer.status_code in (httpx.codes.OK, httpx.codes.ACCEPTED) else {}
        status = found.get("status")
        if status == _SUCCEEDED:
            return
        if status in _FAILED:
            raise DeliveryError(f"The deployment was {_FAILED[status]}: {found.get('status_text') or found}")
        time.sleep(every)
    raise DeliveryError("The deployment was sent, but did not end in time.")


if __name__ == "__main__":
    raise SystemExit(main())
