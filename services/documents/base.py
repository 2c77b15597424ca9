"""The document store: what every maker (SQLite, Cosmos DB) must do, as tests/services/documents/conformance.py proves.

A partition holds documents and one stream of immutable entries. Their ids share one name space. A write is atomic
within its partition and durable when it returns; nothing ever reaches from one partition into another.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from domain.errors import Code, Fault, Problem, ProblemError, invalid_request

Body = dict[str, Any]
"""A JSON object. NaN and infinities are refused."""
Scalar = str | int | bool


@dataclass(frozen=True)
class Document:
    """`etag` changes with every write. A stream entry read by id has its `offset` added to the body."""

    id: str
    body: Body
    etag: str


@dataclass(frozen=True)
class Put:
    """Create or replace; only over that etag with `if_match`, only where nothing is with `if_absent`."""

    id: str
    body: Body
    if_match: str | None = None
    if_absent: bool = False


@dataclass(frozen=True)
class Delete:
    """Remove; without `if_match`, what is not there is not missed."""

    id: str
    if_match: str | None = None


@dataclass(frozen=True)
class Append:
    """Add to the partition's stream; an id that is already in it keeps its first body and offset."""

    id: str
    body: Body


@dataclass(frozen=True)
class Last:
    """A condition, which writes nothing: the stream still ends at this offset (0: it is empty).

    Else the batch is refused with a `Conflict` on `STREAM`. Comes first in its batch, and once. A store that has to
    know where the stream ends in order to append is told, and need not look.
    """

    offset: int


Operation = Put | Delete | Append | Last

STREAM = ""
"""What stands for the stream in a `Conflict`: no document has this id."""


FLAG = "flag:"
"""Documents whose id begins so are few, small, and told of by every write that appends to their partition's stream."""


@dataclass(frozen=True)
class Written:
    """`etags` of the puts, `offsets` of all appends, and which of these ids were new to the stream.

    `flags`, after a batch with an append: ids of the partition's flags, as they stood when it was written.
    """

    etags: dict[str, str]
    offsets: dict[str, int]
    appended: frozenset[str]
    flags: frozenset[str] = frozenset()


class Conflict(Exception):
    """A condition of the operation on `id` was not met; nothing of the batch was written."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id


BATCH_OPERATIONS, BATCH_BYTES = 99, 1_800_000
"""What one write may hold: of Cosmos DB's 100 operations and 2 MB, some are the store's own."""


class DocumentStore(Protocol):
    """Raises `ProblemError` platform_failed when the storage itself fails."""

    is_near: bool
    """Whether a read by key costs next to nothing, as on this machine: else it is saved where a condition will do."""

    async def get(self, partition: str, id: str) -> Document | None: ...

    async def get_many(self, partition: str, ids: Sequence[str]) -> dict[str, Document]:
        """Those that exist, by id."""

    async def query(
        self,
        partition: str,
        *,
        where: Mapping[str, Scalar] | None = None,
        between: tuple[str, str] | None = None,
        descending: bool = False,
        continuation: str | None = None,
        limit: int = 50,
    ) -> tuple[list[Document], str | None]:
        """A page of documents (not stream entries) by id, and where the next begins (None: this was the last).

        `where` is equality on top-level fields of the body. `between`: only ids from the first up to, and without, the
        second; it costs no more than what is found. A continuation that was not given out by this method raises
        `ProblemError` invalid_request.
        """

    async def write(self, partition: str, operations: Sequence[Operation], *, patient: bool = False) -> Written:
        """All or nothing; raises `Conflict`. Later operations see what earlier ones of the batch wrote.

        More than `BATCH_OPERATIONS`, or `BATCH_BYTES` of JSON, raises `ProblemError` too_large.

        `patient`: it may wait some milliseconds for others to share its flush to disk. Writes are done in their order.
        """

    async def read_stream(self, partition: str, after: int, limit: int = 500) -> list[tuple[int, str, Body]]:
        """(offset, id, body) of the entries with an offset above `after`; offsets are 1, 2, 3… without gaps."""

    async def drop(self, partition: str) -> None:
        """Remove the whole partition, documents and stream, in batches of a bounded size; then it is as new.

        Not atomic: a drop that was cut off is completed by being repeated. What others write to the partition meanwhile
        may be there afterwards.
        """

    async def close(self) -> None:
        """Finish what was accepted, then let go of the storage."""


def check_batch(operations: int, size: int) -> None:
    """Raises `ProblemError` too_large. `size`: bytes of all its bodies as JSON."""
    if operations <= BATCH_OPERATIONS and size <= BATCH_BYTES:
        return
    problem = Problem(
        code=Code.TOO_LARGE,
        message=f"{operations} operations with {size} bytes are too much to be written as one.",
        action=f"Write at most {BATCH_OPERATIONS} operations and {BATCH_BYTES} bytes at once; keep large values as "
        "artifacts.",
        fault=Fault.PLATFORM,
    )
    raise ProblemError(problem)


def beginning_with(prefix: str) -> tuple[str, str]:
    """The `between` of all ids that begin with `prefix`."""
    return prefix, prefix + "\U0010ffff"


def encode_continuation(last_id: str) -> str:
    return base64.urlsafe_b64encode(last_id.encode()).decode().rstrip("=")


def decode_continuation(continuation: str) -> str:
    """The id that the page before ended with."""
    try:
        padded = continuation.encode("ascii") + b"=" * (-len(continuation) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        problem = invalid_request(
            "The continuation is not one that this service gave out.",
            "Pass `continuation` exactly as the page before gave it, or leave it out to begin at the first page.",
        )
        raise ProblemError(problem) from error
