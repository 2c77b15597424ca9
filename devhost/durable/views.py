"""How the durable HTTP API shows instances, histories and entities.

Payloads are embedded as the JSON text they were stored as: parsing and printing them again would change them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from devhost.durable.history import history_view
from devhost.ports import EntityStatus, InstanceStatus


def status_json(status: InstanceStatus, *, show_input: bool, show_history_output: bool) -> str:
    """The JSON text of one instance; `historyEvents` when its history was asked for."""
    fields = {
        "name": json.dumps(status.name),
        "instanceId": json.dumps(status.instance_id),
        "runtimeStatus": json.dumps(status.runtime_status),
        "input": _text(status.input if show_input else None),
        "customStatus": _text(status.custom_status),
        "output": _text(status.output),
        "createdTime": _time(status.created),
        "lastUpdatedTime": _time(status.updated),
    }
    if status.history is not None:
        fields["historyEvents"] = history_view(status.history, show_payloads=show_history_output)
    return json_object(fields)


def entity_json(entity: EntityStatus, *, fetch_state: bool) -> str:
    """The JSON text of one entity in a list."""
    fields = {
        "entityId": json.dumps({"name": entity.name, "key": entity.key}),
        "lastOperationTime": _time(entity.updated),
    }
    if fetch_state:
        fields["state"] = _text(entity.state)
    return json_object(fields)


def json_object(fields: Mapping[str, str]) -> str:
    """A JSON object of members whose values are JSON text already."""
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in fields.items()) + "}"


def json_array(items: Iterable[str]) -> str:
    """A JSON array of items that are JSON text already."""
    return "[" + ",".join(items) + "]"


def _text(json_text: str | None) -> str:
    return "null" if json_text is None else json_text


def _time(moment: datetime) -> str:
    return json.dumps(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
