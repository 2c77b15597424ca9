"""Serves function apps in this process, and undoes what loading one does to it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest

from devhost.host import Host, HostOptions

APPS = Path(__file__).parent / "apps"

MakeApp = Callable[..., Path]
Serve = Callable[..., AbstractAsyncContextManager["HostClient"]]


class HostClient(httpx.AsyncClient):
    """Talks to a host of this process, and leads to it."""

    def __init__(self, host: Host) -> None:
        super().__init__(base_url=host.url, timeout=20, trust_env=False)
        self.host = host


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The SDK warns once per process about a coming feature, in whichever app happens to decode first."""
    for item in items:
        if APPS.parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning"))


@pytest.fixture
def process(tmp_path: Path) -> Iterator[None]:
    """Puts the working directory, environment, import path and modules back after apps were loaded."""
    directory, environment, path = Path.cwd(), dict(os.environ), list(sys.path)
    modules = set(sys.modules)
    yield
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = path
    sys.path_importer_cache.clear()
    homes = (str(APPS), str(tmp_path))
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(homes):
            del sys.modules[name]


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    """Writes an app from the text of its files; host.json comes with it."""

    def make(function_app: str, files: Mapping[str, str] | None = None) -> Path:
        root = tmp_path / "app"
        root.mkdir()
        contents = {
            "host.json": '{"version": "2.0"}',
            "function_app.py": f"import azure.functions as func\n{function_app}",
        }
        for name, text in {**contents, **(files or {})}.items():
            (root / name).write_text(text, "utf-8")
        return root

    return make


@pytest.fixture
def serve(process: None, tmp_path: Path) -> Serve:
    """`async with serve("classic") as client`: the app of that name, or at that path, on a free port."""

    @contextlib.asynccontextmanager
    async def run(app: str | Path, *, keys: bool = False) -> AsyncIterator[HostClient]:
        root = APPS / app if isinstance(app, str) else app
        host = Host.load(HostOptions(root, tmp_path / "state.db", keys=keys))
        async with host.serving(), HostClient(host) as client:
            yield client

    return run
