"""What a group of writes will do to one partition, thought through before anything is sent. Pure.

Each write is tried on what is believed to be there. What it changes is sent under the condition that it was as
believed, all as one transaction: so when that goes through, every belief that counted was true, and otherwise nothing
has happened, and it is planned anew from what is there. A belief that no sent condition would prove is not relied upon:
its id is `unknown`, to be looked up first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

from services.documents.base import FLAG, STREAM, Append, Conflict, Delete, Last, Operation, Put, Written
from services.documents.cosmos_items import (
    WINDOW,
    Content,
    Item,
    document_item,
    entry_item,
    head_item,
    tombstone,
)

Work = Sequence[tuple[Operation, Content | None]]
"""The operations of one write, each with the content that it puts or appends."""


@dataclass(frozen=True)
class Seen:
    """What was seen of an id. `etag` None: nothing was there; `gone`: a deleted document; `offset`: of an entry."""

    etag: str | None = None
    writes: tuple[str, ...] = ()
    gone: bool = False
    offset: int | None = None

    @property
    def document(self) -> bool:
        return self.etag is not None and not self.gone and self.offset is None


NOTHING = Seen()


@dataclass
class Knowledge:
    """Of a partition: `items` by id, the last offset (None: not known), and ids of flags.

    `has_head`: the stream's end is kept.
    """

    items: dict[str, Seen] = field(default_factory=dict)
    last: int | None = None
    has_head: bool = False
    flags: frozenset[str] = frozenset()


@dataclass
class _Slot:
    """One id: how it is believed to be before the group, and how it is after the writes tried so far."""

    start: Seen
    sure: bool
    document: bool
    etag: str | None
    offset: int | None
    content: Content | None = None
    author: int | None = None
    changed: bool = False


@dataclass
class _Stream:
    start: int
    exists: bool
    sure: bool
    last: int
    flags: frozenset[str] = frozenset()
    used: bool = False


@dataclass(frozen=True)
class Change:
    """One item operation. `if_match`: replaces the item with that etag; else it creates one."""

    id: str
    item: Item
    if_match: str | None


@dataclass(frozen=True)
class HeadChange:
    """The stream's last offset goes from `start` (None: there is none yet, and `item` is it) to `last`.

    `flags`: of those that come (True) and go, the ids.
    """

    start: int | None
    last: int
    flags: dict[str, bool]
    item: Item


class Plan:
    def __init__(self, partition: str, token: str, works: Sequence[Work], facts: Knowledge, beliefs: Knowledge) -> None:
        """`facts` were read just now, `beliefs` some time ago; `token` is told from all other plans' by what it writes.

        The outcomes are there once `unknown` is empty.
        """
        self.partition = partition
        self.token = token
        self.unknown: set[str] = set()
        self.works = works
        self._slots: dict[str, _Slot] = {}
        self._stream: _Stream | None = None
        self._outcomes: list[_Trial | Conflict] = []
        for operation in (operation for work in works for operation, _ in work):
            self._believe(operation, facts, beliefs)
        if not self.unknown:
            for number, work in enumerate(works):
                self._try(number, work)
            self._doubt()

    @property
    def ids(self) -> set[str]:
        """All that it looks at, `STREAM` included."""
        return set(self._slots) | ({STREAM} if self._stream else set())

    def start(self, id: str) -> Seen:
        return self._slots[id].start

    def changes(self) -> list[Change]:
        return [self._change(id, slot) for id, slot in self._slots.items() if slot.changed]

    def head_change(self) -> HeadChange | None:
        stream, flags = self._stream, self._flags()
        if stream is None or not (stream.used or flags) or not any(slot.changed for slot in self._slots.values()):
            return None
        item = head_item(self.partition, stream.last, [id for id, is_there in flags.items() if is_there])
        return HeadChange(stream.start if stream.exists else None, stream.last, flags, item)

    def outcomes(self, etags: Mapping[str, str], flags: frozenset[str] | None = None) -> list[Written | Conflict]:
        """Of each write, once the changes are there with these etags, and these flags if the stream's end is changed.

        What was overwritten has an etag of nothing.
        """
        if flags is None:
            flags = self._stream.flags if self._stream else frozenset()
        return [
            outcome if isinstance(outcome, Conflict) else outcome.written(etags, flags) for outcome in self._outcomes
        ]

    def left(self, etags: Mapping[str, str]) -> Knowledge:
        """What is known once the changes are there."""
        known = Knowledge()
        for id, slot in self._slots.items():
            if slot.changed and slot.offset is None and id in etags:
                known.items[id] = Seen(etags[id], self._writes(slot), gone=not slot.document)
        head = self.head_change()
        if head is not None:
            known.last, known.has_head = head.last, True
        return known

    def _believe(self, operation: Operation, facts: Knowledge, beliefs: Knowledge) -> None:
        on_stream = isinstance(operation, Last | Append) or operation.id.startswith(FLAG)
        if on_stream and self._stream is None:
            self._stream = _stream(operation, facts, beliefs)
            if self._stream is None:
                self.unknown.add(STREAM)
        if isinstance(operation, Last) or operation.id in self._slots:
            return
        fact = facts.items.get(operation.id)
        seen = fact or _first_belief(operation, beliefs.items.get(operation.id))
        if seen is None:
            self.unknown.add(operation.id)
        else:
            self._slots[operation.id] = _Slot(seen, fact is not None, seen.document, seen.etag, seen.offset)

    def _try(self, number: int, work: Work) -> None:
        trial = _Trial(self.token, number, self._slots, self._stream)
        try:
            for operation, content in work:
                trial.do(operation, content)
        except Conflict as conflict:
            self._outcomes.append(conflict)
        else:
            self._slots |= trial.slots
            self._stream = trial.stream
            self._outcomes.append(trial)

    def _doubt(self) -> None:
        self.unknown |= {id for id, slot in self._slots.items() if not slot.sure and not slot.changed}
        if self._stream is not None and not self._stream.sure and self.head_change() is None:
            self.unknown.add(STREAM)

    def _flags(self) -> dict[str, bool]:
        flags = {id: slot for id, slot in self._slots.items() if id.startswith(FLAG) and slot.changed}
        return {id: slot.document for id, slot in flags.items() if slot.document != slot.start.document}

    def _writes(self, slot: _Slot) -> tuple[str, ...]:
        return (*slot.start.writes, self.token)[-WINDOW:]

    def _change(self, id: str, slot: _Slot) -> Change:
        writes = self._writes(slot)
        if slot.content is None:
            item = tombstone(self.partition, id, writes)
        elif slot.offset is not None:
            item = entry_item(self.partition, id, slot.content, slot.offset, self.token)
        else:
            item = document_item(self.partition, id, slot.content, writes)
        return Change(id, item, slot.start.etag)


class _Trial:
    """One write, tried on copies: what fails leaves no trace."""

    def __init__(self, token: str, number: int, slots: dict[str, _Slot], stream: _Stream | None) -> None:
        self._token = token
        self._number = number
        self._before = slots
        self.slots: dict[str, _Slot] = {}
        self.stream = copy(stream)
        self._puts: list[str] = []
        self._offsets: dict[str, int] = {}
        self._appended: set[str] = set()

    def written(self, etags: Mapping[str, str], flags: frozenset[str]) -> Written:
        own = {id: etags[id] for id in self._puts if id in etags and self._before[id].author == self._number}
        # Others of the group wrote over it: an etag that matches nothing.
        lost = {id: f"{self._token}.{self._number}.{place}" for place, id in enumerate(self._puts)}
        told = flags if self._offsets else frozenset[str]()
        return Written(lost | own, self._offsets, frozenset(self._appended), told)

    def do(self, operation: Operation, content: Content | None) -> None:
        match operation:
            case Put():
                self._put(operation, content)
            case Delete():
                self._delete(operation)
            case Append():
                self._append(operation, content)
            case Last():
                assert self.stream is not None  # noqa: S101 - it was believed first
                self.stream.used = True
                if self.stream.last != operation.offset:
                    raise Conflict(STREAM)

    def _put(self, put: Put, content: Content | None) -> None:
        slot = self._slot(put.id)
        unexpected = (put.if_absent and slot.document) or not _matches(put.if_match, slot)
        if unexpected or slot.offset is not None:
            raise Conflict(put.id)
        slot.document, slot.content = True, content
        self._changed(slot)
        self._puts.append(put.id)

    def _delete(self, delete: Delete) -> None:
        slot = self._slot(delete.id)
        if not _matches(delete.if_match, slot) or slot.offset is not None:
            raise Conflict(delete.id)
        if not slot.document:
            return
        slot.document, slot.content = False, None
        self._changed(slot)
        if slot.start.etag is None:
            slot.changed = False  # made and deleted within the group: nothing is sent

    def _append(self, append: Append, content: Content | None) -> None:
        slot = self._slot(append.id)
        if slot.document:
            raise Conflict(append.id)
        if slot.offset is None:
            assert self.stream is not None  # noqa: S101 - it was believed first
            self.stream.used = True
            self.stream.last += 1
            slot.offset, slot.content = self.stream.last, content
            self._changed(slot)
            self._appended.add(append.id)
        self._offsets[append.id] = slot.offset

    def _slot(self, id: str) -> _Slot:
        if id not in self.slots:
            self.slots[id] = copy(self._before[id])
        return self.slots[id]

    def _changed(self, slot: _Slot) -> None:
        slot.changed, slot.etag, slot.author = True, None, self._number


def _matches(if_match: str | None, slot: _Slot) -> bool:
    return if_match is None or (slot.document and slot.etag == if_match)


def _stream(operation: Operation, facts: Knowledge, beliefs: Knowledge) -> _Stream | None:
    if facts.last is not None:
        return _Stream(facts.last, facts.has_head, sure=True, last=facts.last, flags=facts.flags)
    if isinstance(operation, Last):
        return _Stream(operation.offset, operation.offset > 0, sure=False, last=operation.offset)
    if beliefs.last is not None:
        return _Stream(beliefs.last, beliefs.has_head, sure=False, last=beliefs.last)
    return None


def _first_belief(operation: Put | Delete | Append, belief: Seen | None) -> Seen | None:
    """As the operation needs it to be, as far as nothing else is believed. None: it has to be looked up."""
    if isinstance(operation, Put | Delete) and operation.if_match is not None:
        return belief if belief is not None and belief.etag == operation.if_match else None
    if isinstance(operation, Delete):
        return belief
    if isinstance(operation, Put) and not operation.if_absent:
        return belief or NOTHING
    return belief if belief is not None and belief.gone else NOTHING


def was_done(plan: Plan, found: Knowledge) -> bool:
    """Whether the plan's changes were written, however their sending ended."""
    return any(plan.token in found.items[change.id].writes for change in plan.changes() if change.id in found.items)


def is_uncertain(plan: Plan, found: Knowledge) -> bool:
    """Whether so much was written since that nothing found could tell whether the plan's changes were."""
    return all(_forgotten(plan.start(change.id), found.items.get(change.id, NOTHING)) for change in plan.changes())


def _forgotten(start: Seen, found: Seen) -> bool:
    known = start.writes[-1:]
    return len(found.writes) == WINDOW and not (known and known[0] in found.writes)
