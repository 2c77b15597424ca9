"""The messages between the Functions host and its Python worker, as far as the worker library looks at them.

The library takes its message classes as an argument; there they are generated from FunctionRpc.proto, which is in no
package. These have the same names, fields and enum values.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class Message:
    """Holds the fields it is made with; any other field is unset."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> Any:
        # The library probes for `TypedData` to tell a message from a module of messages.
        if name == "TypedData" or name.startswith("__"):
            raise AttributeError(name)
        return None

    def WhichOneof(self, _group: str) -> str | None:
        return next((name for name, value in vars(self).items() if value is not None), None)


class StatusResult(Message):
    Failure, Success, Cancelled = 0, 1, 2


class BindingInfo(Message):
    out, inout = 1, 2
    undefined, string, binary, stream = 0, 1, 2, 3


setattr(BindingInfo, "in", 0)  # a keyword in Python


class RpcHttpCookie(Message):
    SameSite = SimpleNamespace(**{"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})


class ParameterBinding(Message):
    """A named input or output; its one kind of content is `data`, a `TypedData`."""

    def WhichOneof(self, _group: str) -> str | None:
        return "data"


_PLAIN = (
    "FunctionEnvironmentReloadResponse",
    "FunctionLoadResponse",
    "FunctionMetadataResponse",
    "InvocationResponse",
    "NullableBool",
    "NullableDouble",
    "NullableString",
    "NullableTimestamp",
    "RpcException",
    "RpcFunctionMetadata",
    "RpcHttp",
    "RpcRetryOptions",
    "TypedData",
    "WorkerInitResponse",
    "WorkerMetadata",
)

PROTOS: Any = SimpleNamespace(
    StatusResult=StatusResult,
    BindingInfo=BindingInfo,
    RpcHttpCookie=RpcHttpCookie,
    ParameterBinding=ParameterBinding,
    **{name: type(name, (Message,), {}) for name in _PLAIN},
)
"""What the library takes for the module of generated classes."""
