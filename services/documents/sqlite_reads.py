"""What is read from the SQLite tables."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.documents.base import Body, Document, Scalar, decode_continuation, encode_continuation

_IDS_PER_QUERY = 400
_LAST_OFFSET = 2**63 - 1
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GET = "SELECT id, etag, body FROM documents WHERE partition = ? AND id IN ({ids})"
_GET_ENTRIES = "SELECT id, offset, body FROM entries WHERE partition = ? AND id IN ({ids})"
_STREAM = "SELECT offset, id, body FROM entries WHERE partition = ? AND offset > ? ORDER BY offset LIMIT ?"
_PAGE = "SELECT id, etag, body FROM documents WHERE {conditions} ORDER BY id {order} LIMIT ?"


def get_many(connection: sqlite3.Connection, partition: str, ids: Sequence[str]) -> dict[str, Document]:
    found: dict[str, Document] = {}
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), _IDS_PER_QUERY):
        some = wanted[start : start + _IDS_PER_QUERY]
        marks = ", ".join("?" * len(some))
        for id, etag, body in connection.execute(_GET.format(ids=marks), (partition, *some)):
            found[id] = Document(id, json.loads(body), etag)
        for id, offset, body in connection.execute(_GET_ENTRIES.format(ids=marks), (partition, *some)):
            found[id] = Document(id, {**json.loads(body), "offset": offset}, str(offset))
    return found


def read_stream(connection: sqlite3.Connection, partition: str, after: int, limit: int) -> list[tuple[int, str, Body]]:
    rows = connection.execute(_STREAM, (partition, min(after, _LAST_OFFSET), limit))
    return [(offset, id, json.loads(body)) for offset, id, body in rows]


@dataclass(frozen=True)
class PageQuery:
    """One page of a partition's documents, before it is read."""

    partition: str
    where: Mapping[str, Scalar]
    between: tuple[str, str] | None
    descending: bool
    continuation: str | None
    limit: int

    def run(self, connection: sqlite3.Connection) -> tuple[list[Document], str | None]:
        sql, values = self._sql()
        # One more than asked for tells whether there is another page.
        rows = connection.execute(sql, (*values, self.limit + 1)).fetchall()
        documents = [Document(id, json.loads(body), etag) for id, etag, body in rows[: self.limit]]
        return documents, encode_continuation(documents[-1].id) if len(rows) > self.limit else None

    def _sql(self) -> tuple[str, list[Scalar]]:
        conditions, values = ["partition = ?"], list[Scalar]([self.partition])
        if self.continuation is not None:
            conditions.append("id < ?" if self.descending else "id > ?")
            values.append(decode_continuation(self.continuation))
        if self.between is not None:
            conditions.append("id >= ? AND id < ?")
            values.extend(self.between)
        for field, wanted in self.where.items():
            condition, condition_values = _equals(field, wanted)
            conditions.append(condition)
            values.extend(condition_values)
        return _PAGE.format(conditions=" AND ".join(conditions), order="DESC" if self.descending else "ASC"), values


def _equals(field: str, wanted: Scalar) -> tuple[str, list[Scalar]]:
    if not _FIELD.fullmatch(field):
        raise ValueError(f"{field!r} is not a field that documents are queried by")
    path = f"$.{field}"
    # SQLite reads JSON true as 1, so the type tells them apart.
    if isinstance(wanted, bool):
        return "json_type(body, ?) = ?", [path, "true" if wanted else "false"]
    kind = "text" if isinstance(wanted, str) else "integer"
    return "json_type(body, ?) = ? AND json_extract(body, ?) = ?", [path, kind, path, wanted]
