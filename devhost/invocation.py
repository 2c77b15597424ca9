"""Calls functions: async ones on the loop, the others in the thread pool, with bindings in and bindings out."""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import azure.functions as func
from azure.functions.meta import Datum

from devhost.converters import encode_output
from devhost.expressions import BindingData
from devhost.functions import (
    ACTIVITY_TRIGGER,
    ENTITY_TRIGGER,
    HTTP_TRIGGER,
    ORCHESTRATION_TRIGGER,
    SIGNALR_TRIGGER,
    Binding,
    Function,
)
from devhost.reporting import report
from devhost.retry import NO_RETRY, RetryContext
from devhost.settings import whole_number
from devhost.time_limit import FunctionPool, TimeLimit
from devhost.tracebacks import user_traceback

log = logging.getLogger("devhost")

T = TypeVar("T")
InputSource = Callable[[Binding, BindingData], Awaitable[object]]
OutputSink = Callable[[Binding, Datum, BindingData], Awaitable[None]]

_RETURNS_IMPLICITLY = frozenset({ORCHESTRATION_TRIGGER, ACTIVITY_TRIGGER, ENTITY_TRIGGER, SIGNALR_TRIGGER})


class Out(func.Out[object]):
    """The parameter of an output binding."""

    def __init__(self) -> None:
        self._value: object = None

    def set(self, val: object) -> None:
        self._value = val

    def get(self) -> object:
        return self._value


@dataclass(frozen=True)
class TraceContext:
    """`context.trace_context`: the W3C headers of the caller."""

    trace_parent: str = ""
    trace_state: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """The `context` parameter of a function that asks for it."""

    invocation_id: str
    function_name: str
    function_directory: str
    trace_context: TraceContext
    retry_context: RetryContext = NO_RETRY
    thread_local_storage: threading.local = field(default_factory=threading.local)


def make_pool(environ: Mapping[str, str] = os.environ) -> FunctionPool:
    """The pool sync functions run in, of the size the worker would choose."""
    size = whole_number(environ, "PYTHON_THREADPOOL_THREAD_COUNT", None)
    return FunctionPool(size)


class Invoker:
    """Invokes functions of one app. `inputs` and `outputs` serve the binding types beside the trigger."""

    def __init__(
        self,
        root: Path,
        pool: FunctionPool,
        inputs: Mapping[str, InputSource],
        outputs: Mapping[str, OutputSink],
        limit: TimeLimit,
    ) -> None:
        self._root = root
        self._pool = pool
        self._inputs = inputs
        self._outputs = outputs
        self._limit = limit

    async def invoke(
        self,
        function: Function,
        trigger_value: object,
        data: BindingData,
        encode: Callable[[object], T],
        retry: RetryContext = NO_RETRY,
    ) -> T:
        """Run `function` once, encode what it returned and send its outputs. Raises whatever any of them raised."""
        outs = {binding.name: Out() for binding in function.outputs}
        arguments = {function.trigger.name: trigger_value, **outs}
        if function.wants_context:
            arguments["context"] = self._context(function, data, retry)
        with _reported(function, data.subject):
            for binding in function.inputs:
                arguments[binding.name] = await self._inputs[binding.type](binding, data)
            value = await self._call(function, arguments)
            _check_return(function, value)
            encoded = encode(_answer(function, outs, value))
            await self._send(function, outs, value, data)
        return encoded

    def invoke_on_this_thread(self, function: Function, trigger_value: object) -> object:
        """Run an orchestrator turn where the engine is. Raises whatever it raised; the engine logs that, once."""
        started = time.perf_counter()
        try:
            return function.call(**{function.trigger.name: trigger_value})
        finally:
            log.debug("%s: a turn of %.0f ms", function.name, (time.perf_counter() - started) * 1000)

    async def _call(self, function: Function, arguments: Mapping[str, object]) -> object:
        call = functools.partial(function.call, **arguments)
        if function.is_async:
            outcome = call()
            if not isinstance(outcome, Awaitable):
                raise TypeError(f"{function.name} is async but returned {type(outcome).__name__}")
            try:
                return await self._limit.on_loop(function.name, outcome)
            except SystemExit as error:
                raise _no_way_out(function, error) from error
        return await self._limit.in_pool(function.name, self._pool, functools.partial(_contained, function, call))

    async def _send(self, function: Function, outs: Mapping[str, Out], returned: object, data: BindingData) -> None:
        """Write the outputs. Parameters that were not set write nothing; what returning None means is the type's."""
        values = [(binding, value) for binding in function.outputs if (value := outs[binding.name].get()) is not None]
        if function.returns is not None:
            values.append((function.returns, returned))
        for binding, value in values:
            sink = self._outputs.get(binding.type)  # `http` has none: the server answers with it
            datum = None if sink is None else encode_output(binding.type, value)
            if sink is not None and datum is not None:
                await sink(binding, datum, data)

    def _context(self, function: Function, data: BindingData, retry: RetryContext) -> Context:
        storage = threading.local()
        invocation_id = storage.invocation_id = str(uuid.uuid4())
        trace = TraceContext(data.headers.get("traceparent", ""), data.headers.get("tracestate", ""))
        return Context(invocation_id, function.name, str(self._root), trace, retry, storage)


def _contained(function: Function, call: Callable[[], object]) -> object:
    try:
        return call()
    except (SystemExit, StopIteration) as error:
        raise _no_way_out(function, error) from error


def _no_way_out(function: Function, error: BaseException) -> RuntimeError:
    """A function must not end the host (`sys.exit`), nor raise what a future cannot hold (`StopIteration`)."""
    return RuntimeError(f"function '{function.name}' raised {type(error).__name__}: {error}")


@contextmanager
def _reported(function: Function, subject: str) -> Iterator[None]:
    """Report how the invocation ended. Not of an HTTP function: whoever answers the caller knows what to report."""
    if function.trigger.type == HTTP_TRIGGER:
        yield
        return
    started = time.perf_counter()
    try:
        yield
    except Exception as error:
        report("failed", started, function.name, subject, user_traceback(error))
        raise
    except BaseException:  # a cancelled invocation still gets its line
        report("cut", started, function.name, subject)
        raise
    report("ok", started, function.name, subject)


def _answer(function: Function, outs: Mapping[str, Out], returned: object) -> object:
    """What an HTTP function answers: where `$return` is another binding, the `http` parameter, empty unless set."""
    for binding in function.outputs:
        if binding.type == "http":
            answer = outs[binding.name].get()
            return "" if answer is None else answer
    return returned


def _check_return(function: Function, value: object) -> None:
    if value is not None and function.returns is None and function.trigger.type not in _RETURNS_IMPLICITLY:
        raise RuntimeError(
            f"function '{function.name}' without a $return binding returned a value of {type(value).__name__}"
        )
