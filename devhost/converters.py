"""Between Python values and the data of bindings, by the converters of `azure.functions` where it has one."""

from __future__ import annotations

import json
from typing import Protocol

from azure.functions.meta import Datum, _ConverterMeta

from devhost.functions import ACTIVITY_TRIGGER


class Converter(Protocol):
    """The face of an `azure.functions` converter class that the host uses."""

    def check_input_type_annotation(self, pytype: type) -> bool: ...

    def decode(self, data: Datum, *, trigger_metadata: object) -> object: ...

    def encode(self, obj: object, *, expected_type: type | None) -> Datum: ...


class GenericConverter:
    """What the worker applies to binding types that `azure.functions` does not know: text and bytes as they are."""

    def check_input_type_annotation(self, pytype: type) -> bool:
        return issubclass(pytype, str | bytes)

    def decode(self, data: Datum, *, trigger_metadata: object) -> object:
        return data.value

    def encode(self, obj: object, *, expected_type: type | None) -> Datum:
        if obj is None or isinstance(obj, str):
            return Datum(obj, "string")
        if isinstance(obj, bytes | bytearray):
            return Datum(bytes(obj), "bytes")
        if isinstance(obj, dict | list | int | float):
            return Datum(json.dumps(obj), "json")
        raise TypeError(f"a binding takes text, bytes or JSON values, not {type(obj).__name__}")


_GENERIC = GenericConverter()


def converter_for(binding_type: str, annotation: object = None) -> Converter:
    """The converter of a binding. A parameter annotated `str` or `bytes` takes the data undecoded."""
    if annotation in (str, bytes) and binding_type != ACTIVITY_TRIGGER:
        return _GENERIC
    found: Converter | None = _ConverterMeta.get(binding_type)  # type: ignore[no-untyped-call]
    return _GENERIC if found is None else found


def decode_activity_input(input_json: str | None) -> object:
    """The value an activity's parameter gets. No input is null, as the durable extension sends it."""
    datum = Datum("null" if input_json is None else input_json, "json")
    return converter_for(ACTIVITY_TRIGGER).decode(datum, trigger_metadata=None)


def encode_activity_result(value: object) -> str:
    """An activity's return value as JSON text. Raises `ValueError` when it cannot be written as JSON."""
    return str(converter_for(ACTIVITY_TRIGGER).encode(value, expected_type=None).value)


def encode_output(binding_type: str, value: object) -> Datum | None:
    """What an output binding is to write, text or bytes, or None for nothing.

    Raises `TypeError` for a value it cannot take.
    """
    try:
        datum = converter_for(binding_type).encode(value, expected_type=None)
    except NotImplementedError as error:
        taken = str(error) or f"a {binding_type} binding cannot write a value of type {type(value).__name__}"
        raise TypeError(taken) from error
    return datum if isinstance(datum.value, str | bytes) else None
