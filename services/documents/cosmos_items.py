"""How documents, stream entries and the end of the stream are kept as items of Cosmos DB.

All items of a partition share one logical partition. A document has a `key`, an entry has its offset in `at`, the
stream's end is one item of its own; so each kind is found by a field that only it has.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.cosmos.account import Container
from services.documents.base import Body, Document

Item = dict[str, Any]

HEAD = "~head"
"""Id of the item that holds the last offset, and which flags there are: each is a document too, written with it.

No id of a document or an entry is encoded to it.
"""
WINDOW = 8
"""How many of its last writes a document remembers, to tell who has asked twice whether the first try was done."""
TOMBSTONE_SECONDS = 600
"""How long a deleted document's writes are remembered: longer than anyone tries again."""

SELECTED = ("evaluates", "execution", "kind", "name", "role", "state", "status", "workflow")
"""Fields of bodies that have an index. `where` takes others too, at the price of looking at all that is between."""

_LONGEST_ID = 255
_DEEPEST = 100
_EXACT = 2**53
_ESCAPE = "\ufdd0"
_ODD_TEXT = re.compile("[\0\ufdd0\ud800-\udfff]")
_ODD_JSON = re.compile(r"\\u0000|[\ufdd0\ud800-\udfff]|(?<=[:\[,])-?\d{16,}(?![\d.eE])")


def container(name: str) -> Container:
    """The container of the documents. infra/bicep/modules/cosmos.bicep says the same."""
    paths = ["/tenant/?", "/partition/?", "/key/?", "/at/?", *(f"/body/{field}/?" for field in SELECTED)]
    return Container(
        name,
        partition_key=("/tenant", "/partition"),
        indexing_policy={
            "indexingMode": "consistent",
            "automatic": True,
            "includedPaths": [{"path": path} for path in paths],
            "excludedPaths": [{"path": "/*"}],
        },
    )


def key_of(partition: str) -> list[str]:
    """The hierarchical partition key: the tenant, and the partition within it."""
    return [partition.partition("/")[0], partition]


def item_id(id: str) -> str:
    """What may be in a URL and in an item's id, and short enough; different for different ids."""
    text = re.sub(rb"[^A-Za-z0-9_:-]", lambda found: b"~%02X" % found[0][0], _bytes(id)).decode() or "~"
    return text if len(text) <= _LONGEST_ID else f"{text[:180]}~~{hashlib.sha256(text.encode()).hexdigest()}"


def sort_key(id: str) -> str:
    """In ASCII, in the order that SQLite has ids in (by code point), whatever order Cosmos DB has for other text."""
    return re.sub(
        rb"[^\x22-\x7d]", lambda found: (b"!" if found[0][0] < 0x22 else b"~") + b"%02x" % found[0][0], _bytes(id)
    ).decode()


def id_of(key: str) -> str:
    """The id whose `sort_key` this is."""
    found = re.sub(rb"[!~]([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), key.encode())
    return found.decode("utf-8", "surrogatepass")


def _bytes(id: str) -> bytes:
    return id.encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Content:
    """A body as it is kept: as JSON within the item; or as text, where Cosmos DB would change or refuse it.

    It has no whole numbers of more than 15 digits, no text without UTF-8, and no deeper nesting than 128. The fields of
    such a body that documents are selected by are there all the same.
    """

    body: Body
    text: str | None
    size: int

    @classmethod
    def of(cls, body: Body) -> Content:
        """Raises `ValueError` for what JSON cannot say."""
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        if _ODD_JSON.search(text) is None and not _deep(body, text):
            return cls(json.loads(text), None, len(text.encode()))
        text = json.dumps(body, separators=(",", ":"))
        size = len(json.dumps(text))  # within the item it is escaped once more
        fields = {name: value for name, value in body.items() if not _ODD_TEXT.search(name) and _selectable(value)}
        return cls({name: plain(value) for name, value in fields.items()}, text, size)

    def of_document(self) -> Item:
        return {"body": self.body, **({} if self.text is None else {"text": self.text})}

    def of_entry(self) -> Item:
        return {"entry": self.body} if self.text is None else {"text": self.text}


def _deep(body: Body, text: str) -> bool:
    return text.count("{") + text.count("[") > _DEEPEST and _depth(body) > _DEEPEST


def _depth(value: object) -> int:
    """Levels of nesting. Not recursive: it is about values that may be nested very deeply."""
    levels, level = 0, [value]
    while level:
        inner: list[object] = []
        for one in level:
            inner += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        level = inner
        levels += 1
    return levels


def _selectable(value: object) -> bool:
    return isinstance(value, str | bool) or (isinstance(value, int) and abs(value) < _EXACT)


def plain(value: Any) -> Any:
    """Text in a form that Cosmos DB keeps; different for different text."""
    odd = isinstance(value, str) and _ODD_TEXT.search(value)
    return _ESCAPE + json.dumps(value) if odd else value


def body_of(item: Item) -> Body:
    """The body of a document or an entry, as it was given."""
    if item.get("text") is not None:
        body: Body = json.loads(item["text"])
        return body
    kept: Body = item["body"] if "key" in item else item["entry"]
    return kept


def document_of(item: Item) -> Document | None:
    """What `get` shows of an item: of an entry with its offset, of what was deleted nothing."""
    if "key" in item:
        return Document(id_of(item["key"]), body_of(item), bare(item["_etag"]))
    if "at" in item:
        return Document(id_of(item["name"]), {**body_of(item), "offset": item["at"]}, str(item["at"]))
    return None


def bare(etag: str) -> str:
    """Without the quotation marks that Cosmos DB has around it."""
    return etag.strip('"')


def quoted(etag: str) -> str:
    return f'"{etag}"'


def document_item(partition: str, id: str, content: Content, writes: tuple[str, ...]) -> Item:
    return {**_base(partition, item_id(id), writes), "key": sort_key(id), **content.of_document()}


def entry_item(partition: str, id: str, content: Content, offset: int, token: str) -> Item:
    return {**_base(partition, item_id(id), (token,)), "name": sort_key(id), "at": offset, **content.of_entry()}


def tombstone(partition: str, id: str, writes: tuple[str, ...]) -> Item:
    return {**_base(partition, item_id(id), writes), "gone": True, "ttl": TOMBSTONE_SECONDS}


def head_item(partition: str, last: int, flags: Iterable[str]) -> Item:
    return {**_base(partition, HEAD, ()), "last": last, "flags": {flag_name(id): sort_key(id) for id in flags}}


def flag_name(id: str) -> str:
    """What the stream's end has a flag under: letters and digits, as patches have paths."""
    return "f" + hashlib.sha256(_bytes(id)).hexdigest()[:24]


def flags_of(head: Item) -> frozenset[str]:
    return frozenset(map(id_of, head["flags"].values()))


def _base(partition: str, id: str, writes: tuple[str, ...]) -> Item:
    tenant, whole = key_of(partition)
    return {"id": id, "tenant": tenant, "partition": whole, "writes": list(writes)}
