"""The loaded app as the durable engine sees it (`devhost.ports.App`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from azure.functions._durable_functions import EntityContext, OrchestrationContext

from devhost.converters import decode_activity_input, encode_activity_result
from devhost.expressions import BindingData
from devhost.functions import ACTIVITY_TRIGGER, ENTITY_TRIGGER, ORCHESTRATION_TRIGGER, Function
from devhost.invocation import Invoker
from devhost.ports import FunctionFailed, UnknownFunction
from devhost.tracebacks import user_traceback

Kind = Literal["orchestrator", "activity", "entity"]
_KINDS: dict[str, Kind] = {
    ORCHESTRATION_TRIGGER: "orchestrator",
    ACTIVITY_TRIGGER: "activity",
    ENTITY_TRIGGER: "entity",
}


class DurableApp:
    """Runs the app's orchestrators, activities and entities by their durable names, which ignore case."""

    def __init__(self, functions: Iterable[Function], invoker: Invoker) -> None:
        self._invoker = invoker
        self._functions: Mapping[tuple[str, str], Function] = {
            (_KINDS[function.trigger.type], function.durable_name.lower()): function
            for function in functions
            if function.trigger.type in _KINDS and function.unserved is None
        }

    def has(self, kind: Kind, name: str) -> bool:
        return (kind, name.lower()) in self._functions

    def run_orchestrator(self, name: str, context_json: str) -> str:
        function = self._find("orchestrator", name)
        try:
            return str(self._invoker.invoke_on_this_thread(function, OrchestrationContext(context_json)))
        except Exception as error:  # user code raises anything; the engine reads the SDK's label in the message
            raised = error.__cause__ or error  # the SDK wraps what the user raised
            raise FunctionFailed(str(error), user_traceback(raised)) from error

    async def run_entity(self, name: str, batch_json: str) -> str:
        function = self._find("entity", name)
        try:
            return await self._invoker.invoke(function, EntityContext(batch_json), BindingData(), str)
        except Exception as error:  # the SDK reports failed operations itself: this is a batch it could not read
            raise FunctionFailed(
                f"Entity function '{name}' failed:  {_summary(error)}", user_traceback(error)
            ) from error

    async def run_activity(self, name: str, input_json: str | None, instance_id: str) -> str:
        function = self._find("activity", name)
        data = BindingData(values={"instanceId": instance_id, "data": input_json or ""}, subject=instance_id[:8])
        try:
            return await self._invoker.invoke(function, decode_activity_input(input_json), data, encode_activity_result)
        except Exception as error:  # user code raises anything, and history is to hold what
            raise FunctionFailed(
                f"Activity function '{name}' failed:  {_summary(error)}", user_traceback(error)
            ) from error

    def _find(self, kind: Kind, name: str) -> Function:
        try:
            return self._functions[kind, name.lower()]
        except KeyError:
            known = ", ".join(sorted(f.durable_name for (k, _), f in self._functions.items() if k == kind)) or "none"
            message = (
                f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function. "
                f"The {kind} functions of this app: {known}."
            )
            raise UnknownFunction(message) from None


def _summary(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
