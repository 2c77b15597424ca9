"""A bundle in a zip: one file, deflated. What is taken in is unpacked no further than a bundle may be large."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from api.bodies import Unreadable, too_large
from domain.bundles import MAX_BYTES

NAME = "bundle.json"
MEDIA_TYPE = "application/zip"
TOO_LARGE = "Read what you need of it where it is, through `GET /api/executions/{id}/events`."

_ENTRY = b"PK\x01\x02"
_MOST_ENTRIES = 16
"""Reading the list of a zip's files takes memory for each; some bytes may look like one by chance."""


def zipped(pieces: Iterable[bytes]) -> bytes:
    """The same pieces give the same zip."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        entry = ZipInfo(NAME)  # dated 1980, whenever it is made
        entry.compress_type = ZIP_DEFLATED
        with archive.open(entry, "w") as file:
            for piece in pieces:
                file.write(piece)
    return content.getvalue()


def unzipped(content: bytes) -> bytes:
    """What the one file in the zip holds. Raises `Unreadable`, or `ProblemError` too_large."""
    if content.count(_ENTRY) > _MOST_ENTRIES:
        raise _not_one_file()
    try:
        with ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            if [entry.filename for entry in entries] != [NAME]:
                raise _not_one_file()
            if entries[0].compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                raise Unreadable(f"`{NAME}` in the zip is neither stored nor deflated.")
            with archive.open(entries[0]) as file:
                found = file.read(MAX_BYTES + 1)
    except (BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise Unreadable(f"Not a zip that can be read: {str(error)[:200] or type(error).__name__}.") from error
    if len(found) > MAX_BYTES:
        raise too_large(f"The bundle in the zip is larger than {MAX_BYTES} bytes.", TOO_LARGE)
    return found


def _not_one_file() -> Unreadable:
    return Unreadable(f"The zip must hold one file, `{NAME}`.")
