"""The `queue` and `blob` outputs and the `blob` input."""

from __future__ import annotations

from collections.abc import Mapping

from azure.functions.meta import Datum

from devhost.converters import converter_for
from devhost.expressions import BindingData, resolve
from devhost.functions import Binding
from devhost.storage.connections import Connections
from devhost.storage.messages import Encoding, contents, encode
from devhost.storage.named import blob_path, queue_name, setting_of


class StorageBindings:
    """Serves the bindings beside triggers. Its methods raise `StorageError`, and `ValueError` for an unusable name."""

    def __init__(self, connections: Connections, encoding: Encoding, environ: Mapping[str, str]) -> None:
        self._connections = connections
        self._encoding = encoding
        self._environ = environ

    async def enqueue(self, binding: Binding, datum: Datum, data: BindingData) -> None:
        """Put the messages of an output into its queue, one after the other."""
        setting = setting_of(binding, self._environ)
        name = queue_name(resolve(binding.text("queueName"), data))
        queue = await self._connections.queue(setting, name)
        for content in contents(datum):
            await queue.put(encode(content, self._encoding))
            self._connections.ring(setting, name)

    async def write(self, binding: Binding, datum: Datum, data: BindingData) -> None:
        """Make or replace the blob of an output."""
        container, name = blob_path(resolve(binding.text("path"), data))
        blobs = await self._connections.blobs(setting_of(binding, self._environ))
        await blobs.write(container, name, datum.value)

    async def read(self, binding: Binding, data: BindingData) -> object:
        """What the parameter of an input gets: None when there is no such blob."""
        container, name = blob_path(resolve(binding.text("path"), data))
        blobs = await self._connections.blobs(setting_of(binding, self._environ))
        content = await blobs.read(container, name)
        datum = Datum(None, None) if content is None else datum_of(binding, content)
        return converter_for(binding.type, binding.annotation).decode(datum, trigger_metadata=None)


def datum_of(binding: Binding, content: bytes) -> Datum:
    """What Azure's host hands its worker: text, unless the binding's `data_type` says otherwise or it is none.

    So a parameter annotated `bytes` gets bytes only with `data_type="BINARY"`, here as there.
    """
    if binding.text("dataType").upper() not in ("BINARY", "STREAM"):
        try:
            return Datum(content.decode(), "string")
        except UnicodeDecodeError:
            pass
    return Datum(content, "bytes")
