"""What a process has seen of the items, so that most writes need not look first. Being wrong costs a second try."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from typing import TypeVar

from services.documents.cosmos_plan import Knowledge, Seen

K = TypeVar("K")
V = TypeVar("V")
MOST_ITEMS, MOST_STREAMS = 20_000, 2_000
"""Remembered; the earliest are forgotten first."""


class Beliefs:
    def __init__(self) -> None:
        self._items: OrderedDict[tuple[str, str], Seen] = OrderedDict()
        self._streams: OrderedDict[str, tuple[int, bool]] = OrderedDict()

    def of(self, partition: str, ids: Collection[str]) -> Knowledge:
        found = {id: self._items.get((partition, id)) for id in ids}
        last, has_head = self._streams.get(partition, (None, False))
        return Knowledge({id: seen for id, seen in found.items() if seen is not None}, last, has_head)

    def add(self, partition: str, known: Knowledge) -> None:
        for id, seen in known.items.items():
            if seen.etag is None or seen.offset is not None:
                self._items.pop((partition, id), None)
            else:
                _remember(self._items, (partition, id), seen, MOST_ITEMS)
        if known.last is not None:
            _remember(self._streams, partition, (known.last, known.has_head), MOST_STREAMS)

    def forget(self, partition: str) -> None:
        self._streams.pop(partition, None)
        for key in [key for key in self._items if key[0] == partition]:
            del self._items[key]


def _remember(kept: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
