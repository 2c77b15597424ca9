from __future__ import annotations

from services.control import canceled_id
from services.documents.base import BATCH_OPERATIONS, Put, beginning_with
from services.documents.reading import everything
from services.eventlog import partition_of
from services.wiring import Services


async def test_more_marks_than_one_write_has_room_for_are_removed_and_no_others(services: Services) -> None:
    partition, marked = partition_of("t", "e"), [f"m/a[{index}]" for index in range(2 * BATCH_OPERATIONS)]
    for path in ["m", "m2", *marked]:
        await services.documents.write(partition, [Put(canceled_id(path), {"reason": "late", "own": False})])
    last = await services.controls.unmarking("t", "e", "m")
    assert 0 < len(last) < BATCH_OPERATIONS
    await services.documents.write(partition, last)
    left = await everything(services.documents, partition, beginning_with(canceled_id("")))
    assert [mark.id for mark in left] == [canceled_id("m2")]
