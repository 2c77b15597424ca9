"""Loading: what Azure's own worker accepts is accepted, and every refusal teaches its fix."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from devhost.errors import StartupError
from devhost.functions import Function
from devhost.indexing import uses_fastapi
from devhost.loader import AppImportError, load_functions
from tests.devhost.conftest import APPS, MakeApp

DURABLE = "import azure.durable_functions as df\napp = df.DFApp()\n"
PLAIN = "app = func.FunctionApp()\n"
HTTP = "@app.route('hello')\n"


@pytest.fixture(autouse=True)
def _isolated(process: None) -> None:
    """Every test here loads apps into this process."""


def load(root: Path) -> dict[str, Function]:
    return {function.name: function for function in load_functions(root, os.environ)}


def test_functions_are_described_by_their_bindings() -> None:
    functions = load(APPS / "classic")
    assert list(functions) == sorted(functions, key=str.lower)
    assert functions["increment"].durable_name == "add_one"
    assert functions["start"].methods == ("POST",)
    assert functions["text"].is_async
    assert functions["echo"].wants_context
    assert not functions["chain"].wants_context  # there, `context` is the trigger
    assert [binding.type for binding in functions["push"].outputs] == ["signalR"]
    assert functions["push"].returns is not None


def test_what_is_not_served_still_loads_and_says_why() -> None:
    functions = load(APPS / "classic")
    reason = "the app setting 'AzureWebJobsStorage' is not set: UseDevelopmentStorage=true connects to Azurite"
    assert functions["queued"].unserved == f"queue 'message': {reason}"
    assert [name for name, function in functions.items() if function.unserved] == ["queued"]


def test_settings_are_looked_up_in_bindings(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETING_ROUTE", "hello/there")
    root = make_app(
        PLAIN
        + "@app.route('%GREETING_ROUTE%')\ndef known(req: func.HttpRequest): ...\n"
        + "@app.route('%NOT_SET%')\ndef unknown(req: func.HttpRequest): ...\n"
    )
    functions = load(root)
    assert functions["known"].trigger.text("route") == "hello/there"
    assert functions["unknown"].unserved == "the app setting 'NOT_SET' that %NOT_SET% refers to is not set"


@pytest.mark.parametrize(
    ("function_app", "sentence"),
    [
        ("", "has no FunctionApp or DFApp at its top level"),
        ("bp = func.Blueprint()", "has no FunctionApp or DFApp at its top level"),
        (PLAIN + "other = func.FunctionApp()", "must bind exactly one app at its top level, but has app, other"),
        (PLAIN + "again = app", "but has again, app"),
        (PLAIN, "registers no functions"),
        (PLAIN + HTTP + "def f(request: func.HttpRequest): ...", "the parameters 'request' have no binding"),
        (PLAIN + HTTP + "def f(): ...", "the bindings 'req' have no parameter of that name"),
        (PLAIN + HTTP + "def f(req: str): ...", "'req' must be annotated azure.functions.HttpRequest"),
        (PLAIN + HTTP + "def f(req: 'Nowhere'): ...", "its annotations cannot be resolved"),
        (PLAIN + HTTP + "def f(req: func.HttpRequest | None): ...", "must be a plain class"),
        (DURABLE + "@app.activity_trigger('x')\ndef f(x: dict[str, int]): ...", "must be a plain class"),
        (DURABLE + "@app.orchestration_trigger('context')\nasync def f(context): ...", "write 'def' and 'yield'"),
        (DURABLE + "@app.entity_trigger('context')\nasync def f(context): ...", "would never be awaited"),
        (
            DURABLE + HTTP + "@app.durable_client_input('client')\ndef f(req: func.HttpRequest, client): ...",
            "a function with a durable client must be 'async def'",
        ),
        (
            PLAIN + HTTP + "@app.queue_output('q', 'n', 'c')\ndef f(req: func.HttpRequest, q: str): ...",
            "the annotation of 'q' must be azure.functions.Out",
        ),
        (PLAIN + HTTP + "def f(req: func.Out[str]): ...", "must be not azure.functions.Out"),
        (
            PLAIN + HTTP + "def f(req: func.HttpRequest): ...\n" + HTTP + "def f(req: func.HttpRequest): ...",
            "does not have a unique function name",
        ),
        (
            PLAIN + "@app.timer_trigger('t', '0 * * * * *')\n@app.retry('fixed_delay', 'few')\ndef f(t): ...",
            "Cannot load the function 'f': max_retry_count is 'few'",
        ),
    ],
)
def test_a_refusal_says_what_to_change(make_app: MakeApp, function_app: str, sentence: str) -> None:
    with pytest.raises(StartupError, match=re.escape(sentence)):
        load(make_app(function_app))


def test_an_import_that_fails_carries_the_apps_own_error(make_app: MakeApp) -> None:
    with pytest.raises(AppImportError, match="ModuleNotFoundError: No module named 'no_such_package'") as raised:
        load(make_app("import no_such_package"))
    assert isinstance(raised.value.__cause__, ModuleNotFoundError)


def test_a_folder_without_function_app(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"has no function_app\.py"):
        load(tmp_path)


def test_the_script_can_have_another_name(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_SCRIPT_FILE_NAME", "main.py")
    script = f"import azure.functions as func\n{PLAIN}{HTTP}def f(req: func.HttpRequest): ..."
    assert list(load(make_app("", {"main.py": script}))) == ["f"]


def test_fastapi_functions_are_recognised() -> None:
    assert uses_fastapi(load(APPS / "streaming").values())
    assert not uses_fastapi(load_other_app())


def load_other_app() -> list[Function]:
    import sys

    del sys.modules["function_app"]
    return list(load(APPS / "classic").values())


def test_both_kinds_of_http_function_do_not_mix(make_app: MakeApp) -> None:
    root = make_app(
        "from azurefunctions.extensions.http.fastapi import Request\n"
        + PLAIN
        + "@app.route('a')\ndef live(req: Request): ...\n@app.route('b')\ndef classic(req: func.HttpRequest): ...\n"
    )
    with pytest.raises(StartupError, match="so 'classic' must take its Request too"):
        uses_fastapi(load(root).values())
