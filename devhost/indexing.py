"""Checks one function as Azure's own worker does while indexing, so that what loads here loads there."""

from __future__ import annotations

import inspect
import logging
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping

import azure.functions as func

from devhost.converters import converter_for
from devhost.errors import StartupError
from devhost.functions import (
    ENTITY_TRIGGER,
    HTTP_TRIGGER,
    ORCHESTRATION_TRIGGER,
    QUEUE_TRIGGER,
    RETRIED_TRIGGERS,
    TIMER_TRIGGER,
    Binding,
    Function,
)
from devhost.retry import RetryError, RetryPolicy, parse_retry
from devhost.timers.ncrontab import ScheduleError
from devhost.timers.schedule import parse_schedule

log = logging.getLogger("devhost")

_EXTENSION = "azurefunctions.extensions.base"  # looked up, never imported: only the app's import turns it on


def check_function(name: str, call: Callable[..., object], trigger: Binding, bindings: list[Binding]) -> None:
    """Raise `StartupError` unless the parameters match the bindings and the function can work at all."""
    _refuse_async_durable(name, call, trigger)
    parameters = set(inspect.signature(call).parameters)
    bound = {binding.name: binding for binding in bindings if binding.name != "$return"}
    if "context" not in bound:
        parameters.discard("context")
    if extra := parameters - set(bound):
        raise _refusal(name, f"the parameters {_names(extra)} have no binding")
    if missing := set(bound) - parameters:
        raise _refusal(name, f"the bindings {_names(missing)} have no parameter of that name")
    for binding in bound.values():
        if binding.annotation is not None:
            _check_annotation(name, binding, binding.annotation)


def retry_policy(name: str, setting: Mapping[str, object] | None, trigger: Binding) -> RetryPolicy | None:
    """The policy of `@app.retry`, None where the host does not retry. Raises `StartupError` for a wrong one."""
    try:
        policy = parse_retry(setting)
    except RetryError as error:
        raise _refusal(name, str(error)) from error
    if policy is None or trigger.type in RETRIED_TRIGGERS:
        return policy
    log.warning(
        "%s: @app.retry is ignored, because the host does not retry functions of this trigger (%s)%s",
        name,
        trigger.type,
        ": extensions.queues.maxDequeueCount in host.json says how often" if trigger.type == QUEUE_TRIGGER else "",
    )
    return None


def why_unscheduled(trigger: Binding, environ: Mapping[str, str]) -> str | None:
    """Why a timer trigger has no schedule to go by, or None. On Azure, too, only this function is left out then."""
    if trigger.type != TIMER_TRIGGER:
        return None
    try:
        parse_schedule(trigger.text("schedule"), environ)
    except ScheduleError as error:
        return f"its schedule cannot be read: {error}"
    return None


def uses_fastapi(functions: Iterable[Function]) -> bool:
    """Whether this app's HTTP functions take the FastAPI extension's request: all of them do, or none.

    Raises `StartupError` when they differ, because importing the extension changes the whole app on Azure.
    """
    style: dict[str, bool] = {}
    for function in functions:
        annotation = typing.get_type_hints(function.call).get(function.trigger.name)
        if function.trigger.type == HTTP_TRIGGER and annotation is not None:
            style[function.name] = _is_fastapi_request(annotation)
    if len(set(style.values())) > 1:
        classic = _names({name for name, fastapi in style.items() if not fastapi})
        raise StartupError(
            f"The app mixes both kinds of HTTP function: the FastAPI extension changes every one, so {classic} must "
            "take its Request too."
        )
    extension = sys.modules.get(_EXTENSION)
    imported = extension is not None and bool(extension.HttpV2FeatureChecker.http_v2_enabled())
    return next(iter(style.values()), imported)


def _is_fastapi_request(annotation: object) -> bool:
    extension = sys.modules.get(_EXTENSION)
    return extension is not None and bool(extension.RequestTrackerMeta.check_type(annotation))


def _refuse_async_durable(name: str, call: Callable[..., object], trigger: Binding) -> None:
    if trigger.type == ORCHESTRATION_TRIGGER and _is_async(getattr(call, "orchestrator_function", call)):
        raise _refusal(name, "an orchestrator is a generator: write 'def' and 'yield', not 'async def' and 'await'")
    if trigger.type == ENTITY_TRIGGER and _is_async(getattr(call, "entity_function", call)):
        raise _refusal(name, "an entity is a plain function: 'async def' would never be awaited, so write 'def'")
    client_function = getattr(call, "client_function", None)
    if client_function is not None and not _is_async(client_function):
        raise _refusal(name, "a function with a durable client must be 'async def': the SDK awaits it")


def _is_async(call: object) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def annotations_of(name: str, call: Callable[..., object]) -> Mapping[str, object]:
    """The annotations of a function's parameters. Raises `StartupError` for one that cannot be resolved."""
    try:
        return typing.get_type_hints(call)
    except (NameError, TypeError) as error:
        raise _refusal(name, f"its annotations cannot be resolved: {error}") from error


def _check_annotation(name: str, binding: Binding, annotation: object) -> None:
    is_out = typing.get_origin(annotation) is func.Out or annotation is func.Out
    if is_out != (binding.direction == "out"):
        wanted = "azure.functions.Out[...]" if binding.direction == "out" else "not azure.functions.Out"
        raise _refusal(name, f"the annotation of '{binding.name}' must be {wanted}")
    inner = (typing.get_args(annotation) or (str,))[0] if is_out else annotation
    if isinstance(inner, types.UnionType | types.GenericAlias) or typing.get_origin(inner) in (
        typing.Union,
        typing.Literal,
    ):
        raise _refusal(
            name, f"the annotation of '{binding.name}' must be a plain class: Azure's worker refuses {inner}"
        )
    if not isinstance(inner, type) or is_out:
        return
    if binding.type == HTTP_TRIGGER:
        _check_request(name, binding, inner)
    elif not converter_for(binding.type, inner).check_input_type_annotation(inner):
        raise _refusal(name, f"'{binding.name}' is a {binding.type}, which cannot be annotated {inner.__name__}")


def _check_request(name: str, binding: Binding, annotation: type) -> None:
    if not issubclass(annotation, func.HttpRequest) and not _is_fastapi_request(annotation):
        raise _refusal(
            name,
            f"'{binding.name}' must be annotated azure.functions.HttpRequest, or Request of "
            f"azurefunctions.extensions.http.fastapi, not {annotation.__name__}",
        )


def _names(names: set[str]) -> str:
    return ", ".join(repr(name) for name in sorted(names))


def _refusal(name: str, reason: str) -> StartupError:
    return StartupError(f"Cannot load the function '{name}': {reason}.")
