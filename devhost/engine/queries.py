"""Reading instances and entities for clients."""

from __future__ import annotations

from devhost.engine import control
from devhost.engine.clock import from_text, to_text
from devhost.engine.kernel import Kernel
from devhost.engine.records import ENDED, Instance
from devhost.engine.store import instance_of
from devhost.ports import BadRequest, EntityStatus, InstanceQuery, InstanceStatus


def status(kernel: Kernel, instance_id: str, *, show_history: bool) -> InstanceStatus | None:
    instance = kernel.store.instance(instance_id)
    if instance is None:
        return None
    history = tuple(text for _, text in kernel.store.history(instance_id)) if show_history else None
    return _status_of(instance, history)


def page(kernel: Kernel, query: InstanceQuery) -> tuple[list[InstanceStatus], str | None]:
    """One page of instances, oldest first. The continuation is the last one's place in the order of creation."""
    where, values = _conditions(query)
    rows = kernel.store.connection.execute(
        f"SELECT * FROM instances WHERE seq > ? AND {where} ORDER BY seq LIMIT ?",  # noqa: S608
        (_after(query.continuation), *values, query.top + 1),
    ).fetchall()
    shown = rows[: query.top]
    continuation = str(shown[-1][0]) if len(rows) > query.top and shown else None
    return [_status_of(instance_of(row[1:])) for row in shown], continuation


def purge_many(kernel: Kernel, query: InstanceQuery) -> int:
    """Delete every ended instance that the query describes, not only a page of them."""
    where, values = _conditions(query)
    ended = ", ".join("?" * len(ENDED))
    rows = kernel.store.connection.execute(
        f"SELECT id FROM instances WHERE {where} AND status IN ({ended})",  # noqa: S608
        (*values, *ENDED),
    ).fetchall()
    return sum(control.purge(kernel, row[0]) for row in rows)


def entities(kernel: Kernel, name: str | None, top: int) -> list[EntityStatus]:
    rows = kernel.entities.existing(name and name.lower(), top)
    return [EntityStatus(row_name, key, state, from_text(updated)) for row_name, key, state, updated in rows]


def _conditions(query: InstanceQuery) -> tuple[str, list[object]]:
    parts: list[str] = ["1"]
    values: list[object] = []
    if query.created_from is not None:
        parts.append("created >= ?")
        values.append(to_text(query.created_from))
    if query.created_to is not None:
        parts.append("created <= ?")
        values.append(to_text(query.created_to))
    if query.statuses:
        parts.append(f"status IN ({', '.join('?' * len(query.statuses))})")
        values.extend(sorted(query.statuses))
    if query.id_prefix:
        parts.append("substr(id, 1, ?) = ?")
        values.extend((len(query.id_prefix), query.id_prefix))
    return " AND ".join(parts), values


def _after(continuation: str | None) -> int:
    if not continuation:
        return 0
    if not (continuation.isascii() and continuation.isdigit()):
        raise BadRequest(f"'{continuation}' is not a continuation that a list of instances gave")
    return int(continuation)


def _status_of(instance: Instance, history: tuple[str, ...] | None = None) -> InstanceStatus:
    return InstanceStatus(
        name=instance.name,
        instance_id=instance.id,
        runtime_status=instance.status,
        input=instance.input,
        output=instance.output,
        custom_status=instance.custom_status,
        created=from_text(instance.created),
        updated=from_text(instance.updated),
        history=history,
    )
