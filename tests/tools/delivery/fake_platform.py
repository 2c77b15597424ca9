"""A stand-in for what a rollout meets in Azure: the CLI as an executable, and a deployment endpoint that runs packages.

The packages are run for real: each that is published is unpacked and served by the local host, on the same state.
"""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import pytest

from tests.crash.system import TOKEN
from tools.processes import Host, ProcessFailed


def site(endpoint: str) -> dict[str, Any]:
    """What Azure says of an app, as far as it is asked."""
    hosts = [{"hostType": "Standard", "name": "func.azurewebsites.net"}, {"hostType": "Repository", "name": endpoint}]
    storage = {"type": "blobContainer", "value": "https://st.blob.core.windows.net/deployments"}
    config = {"deployment": {"storage": storage}, "siteUpdateStrategy": {"type": "RollingUpdate"}}
    return {"properties": {"hostNameSslStates": hosts, "functionAppConfig": config}}


class Platform:
    """`host` is the app's, always at one address. `refuses`: the status with which the endpoint takes no package."""

    def __init__(self, folder: Path, patched: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
        self.folder = folder / "azure"
        self.state = folder / "state"
        self.blobs = self.folder / "blobs"
        for needed in (self.state, self.blobs):
            needed.mkdir(parents=True)
        self.environment = {**environment, "META_AGENTS_TOKEN": TOKEN, "META_AGENTS_STATE_DIR": str(self.state)}
        self.published: list[str] = []
        self.refuses: int | None = None
        self.status = 4
        self.host: Host | None = None
        self._port = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        (self.folder / "site.json").write_text(json.dumps(site(f"http://127.0.0.1:{self._server.server_port}")))
        executable = self.folder / "bin" / "az"
        executable.parent.mkdir()
        executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("fake_az.py")}" "$@"\n')
        executable.chmod(0o755)
        patched.setenv("PATH", str(executable.parent), prepend=":")
        patched.setenv("FAKE_AZURE", str(self.folder))
        patched.setenv("META_AGENTS_TOKEN", TOKEN)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        if self.host is not None:
            self.host.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def calls(self) -> list[list[str]]:
        """What `az` was told, in order."""
        file = self.folder / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def run(self, package: Path) -> None:
        """Serve a package in place of the one before. One that does not start is served to nobody, as in Azure."""
        shutil.copyfile(package, self.blobs / "released-package.zip")
        if self.host is not None:
            self.host.kill()
        app = self.folder / f"app-{len(self.published)}"
        with zipfile.ZipFile(package) as archive:
            archive.extractall(app)
            self.published.append(
                archive.read("build.txt").decode().strip() if "build.txt" in archive.namelist() else ""
            )
        self.host = Host(self.state, app=app, port=self._port, environment=self.environment)
        try:
            self._port = self.host.start().port
        except ProcessFailed as error:
            print(error)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                package = platform.folder / "received.zip"
                package.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.path == "/api/publish?RemoteBuild=false&Deployer=meta-agents"
                assert self.headers["Authorization"] == "Bearer the-access-token"
                if platform.refuses is None:
                    platform.run(package)
                self._answer(platform.refuses or 202, "accepted" if platform.refuses is None else "no")

            def do_GET(self) -> None:
                assert self.path == "/api/deployments/latest"
                self._answer(200, {"status": platform.status, "status_text": "as told"})

            def _answer(self, status: int, body: Any) -> None:
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        return Handler
