"""Microsoft's worker library accepts every function of the app, and sees what the local host sees."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.azure.conftest import ROOT, AzureApp
from tests.azure.process import WorkerProcess
from tests.azure.worker import Refused

Bindings = dict[str, set[tuple[str, str, str]]]
"""By function: direction, type and name of each of its bindings."""


def loaded_by_the_local_host() -> Bindings:
    """Runs in a process of its own: an app can be indexed once."""
    from devhost.loader import load_functions

    return {
        function.name: {
            (binding.direction, binding.type, binding.name)
            for binding in (function.trigger, *function.inputs, *function.outputs, function.returns)
            if binding is not None
        }
        for function in load_functions(ROOT, {})
    }


def test_the_library_and_the_local_host_see_the_same_functions(azure: AzureApp) -> None:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        local = process.submit(loaded_by_the_local_host).result(timeout=60)
    assert local == {
        name: {(binding["direction"].lower(), binding["type"], binding["name"]) for binding in function.bindings}
        for name, function in azure.functions.items()
    }


def test_the_app_has_the_functions_that_the_design_names(azure: AzureApp) -> None:
    triggers: dict[str, set[str]] = {}
    for function in azure.functions.values():
        [trigger] = [binding["type"] for binding in function.bindings if binding["type"].endswith("Trigger")]
        triggers.setdefault(trigger, set()).add(function.name)
    http = triggers.pop("httpTrigger")
    assert http >= {"agents", "workflows", "executions", "schedules", "negotiate", "me", "health"}
    assert triggers == {
        "orchestrationTrigger": {
            *("workflow", "group_chat", "map_slice", "loop_rounds", "sub_workflow", "agent_turn", "index_document")
        },
        "activityTrigger": {
            *("call_model", "call_tool", "ask_human", "park", "cancel_steps", "evaluate", "finish", "deliver"),
            *("next_turns", "index_part"),
        },
        "entityTrigger": {"chat", "semaphore"},
        "timerTrigger": {"sweep", "purge"},
    }


def test_every_binding_says_what_its_extension_needs(azure: AzureApp) -> None:
    needed = {
        "httpTrigger": {"route", "methods", "authLevel"},
        "timerTrigger": {"schedule"},
        "signalR": {"hubName", "connectionStringSetting"},
        "signalRConnectionInfo": {"hubName", "connectionStringSetting", "userId"},
    }
    for function in azure.functions.values():
        for binding in function.bindings:
            direction = {"IN": 0, "OUT": 1}[binding["direction"]]
            assert function.directions[binding["name"]] == (binding["type"], direction)
            assert needed.get(binding["type"], set()) <= {key for key, value in binding.items() if value}


def test_every_route_is_served_once(azure: AzureApp) -> None:
    routes = [
        binding["route"]
        for function in azure.functions.values()
        for binding in function.bindings
        if binding["type"] == "httpTrigger"
    ]
    assert len(routes) == len(set(routes))


HTTP = "import azure.functions as func\napp = func.FunctionApp()\n@app.route('hello')\n"


@pytest.mark.parametrize(
    ("function_app", "reason"),
    [
        (
            HTTP + "def hello(req: func.HttpRequest, request): ...",
            "declared in Python but not in the function definition .*{'request'}",
        ),
        (HTTP + "def hello(): ...", "not present in Python: {'req'}"),
        (HTTP + "def hello(req: dict): ...", '"httpTrigger" in the binding decorator do not match'),
        ("import no_such_package", "No module named 'no_such_package'"),
        ("app = None", "Could not find top level function app instances"),
    ],
)
def test_an_app_that_azure_would_refuse_is_refused(tmp_path: Path, function_app: str, reason: str) -> None:
    (tmp_path / "function_app.py").write_text(function_app)
    with WorkerProcess({}) as process, pytest.raises(Refused, match=reason):
        process.start(tmp_path)
