"""Loads a function app as Azure's own Python worker does: import `function_app`, find the one app, index it once."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Literal

import azure.functions as func

from devhost.errors import StartupError
from devhost.expressions import ExpressionError, resolve_settings
from devhost.functions import Binding, Function, JsonValue, why_unserved
from devhost.indexing import annotations_of, check_function, retry_policy, why_unscheduled
from devhost.storage.named import why_unconnected


class AppImportError(StartupError):
    """Importing the app raised; `__cause__` is the app's own exception."""


def load_functions(root: Path, environ: Mapping[str, str]) -> list[Function]:
    """Import the app in `root` into this process and return its functions in name order.

    Changes the working directory and `sys.path`, as the worker does. Raises `StartupError` with a sentence that
    teaches the fix. One app per process: the import is Python's, so a second app would meet the first one's modules.
    """
    script = environ.get("PYTHON_SCRIPT_FILE_NAME", "function_app.py")
    if not (root / script).is_file():
        raise StartupError(f"{root} has no {script}: this host runs apps of the Python v2 programming model.")
    os.chdir(root)
    sys.path.insert(0, str(root))
    app = _the_app(_import(script), script)
    try:
        indexed = app.get_functions()  # once only: a second call sees every name as taken
    except ValueError as error:
        raise StartupError(f"{script} cannot be indexed: {error}") from error
    if not indexed:
        raise StartupError(f"The app in {script} registers no functions.")
    return sorted((_describe(function, environ) for function in indexed), key=lambda function: function.name.lower())


def _import(script: str) -> ModuleType:
    try:
        return importlib.import_module(script.removesuffix(".py").replace("/", "."))
    except (Exception, SystemExit) as error:  # whatever the app's own top level raises is the user's to see
        raise AppImportError(f"Importing {script} failed: {type(error).__name__}: {error}") from error


def _the_app(module: ModuleType, script: str) -> func.FunctionRegister:
    apps = {name: value for name, value in vars(module).items() if isinstance(value, func.FunctionRegister)}
    if not apps:
        raise StartupError(f"{script} has no FunctionApp or DFApp at its top level (a Blueprint alone is not an app).")
    if len(apps) > 1:
        raise StartupError(f"{script} must bind exactly one app at its top level, but has {', '.join(sorted(apps))}.")
    return next(iter(apps.values()))


def _describe(indexed: func.decorators.function_app.Function, environ: Mapping[str, str]) -> Function:
    name, call = str(indexed.get_function_name()), indexed.get_user_function()
    trigger_object = indexed.get_trigger()
    raw = [json.loads(text) for text in indexed.get_raw_bindings()]
    bindings, unset = _bindings(raw, annotations_of(name, call), environ)
    trigger = next(
        binding for binding in bindings if trigger_object is not None and binding.name == trigger_object.name
    )
    check_function(name, call, trigger, bindings)
    others = [binding for binding in bindings if binding is not trigger]
    return Function(
        name=name,
        call=call,
        trigger=trigger,
        inputs=tuple(binding for binding in others if binding.direction == "in"),
        outputs=tuple(binding for binding in others if binding.direction == "out" and binding.name != "$return"),
        returns=next((binding for binding in others if binding.name == "$return"), None),
        is_async=inspect.iscoroutinefunction(call),
        wants_context="context" in inspect.signature(call).parameters and all(b.name != "context" for b in bindings),
        retry=retry_policy(name, indexed.get_settings_dict("retry_policy"), trigger),
        unserved=unset
        or why_unserved(trigger, others)
        or why_unscheduled(trigger, environ)
        or why_unconnected(bindings, environ),
    )


def _bindings(
    raw: Iterable[dict[str, JsonValue]], annotations: Mapping[str, object], environ: Mapping[str, str]
) -> tuple[list[Binding], str | None]:
    """The bindings, and why they cannot be served when one refers to a setting that is not there."""
    bindings: list[Binding] = []
    unset: str | None = None
    for properties in raw:
        try:
            resolved = {key: resolve_settings(value, environ) for key, value in properties.items()}
        except ExpressionError as error:
            unset, resolved = str(error), dict(properties)
        name, is_out = str(resolved["name"]), str(resolved["direction"]).upper() == "OUT"
        direction: Literal["in", "out"] = "out" if is_out else "in"
        bindings.append(Binding(name, str(resolved["type"]), direction, resolved, annotations.get(name)))
    return bindings, unset
