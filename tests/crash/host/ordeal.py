"""All the work, on a host that dies meanwhile."""

from __future__ import annotations

import contextlib

from tests.crash.host.mortal import Mortal
from tests.crash.host.stub import HttpStub
from tests.crash.host.truth import check
from tests.crash.host.work import Work


def go_through(host: Mortal, stub: HttpStub) -> None:
    """Do the work to its end, stop the host, and check what came of it."""
    with host, contextlib.closing(Work(host)) as work:
        work.do()
        assert host.stop() == 0, host.output()
    check(work, host, stub)
