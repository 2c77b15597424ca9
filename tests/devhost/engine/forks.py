"""Processes forked off one that has the slow imports behind it: a life of the host then begins in a tenth of a second.

There is one such server for the whole test run, so what it imports is all said here.
"""

from __future__ import annotations

import multiprocessing

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.devhost.engine.crash_child", "tests.crash.host.mortal"])
