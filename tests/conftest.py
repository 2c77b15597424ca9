"""What every test can count on, wherever and however the tests are run."""

from __future__ import annotations

import gc
import os
import signal
from collections import Counter

import pytest
from hypothesis import settings

# A busy machine makes no property false, and a run of the tests that passed passes again. New examples are looked for
# by `make test-long`.
settings.register_profile("quick", deadline=None, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile("quick")

gc.disable()  # while tests are collected: nothing of that is ever garbage


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where files are shared out, those of few tests come first: such tests are long, and the last should be short."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        tests = Counter(item.path for item in items)
        items.sort(key=lambda item: tests[item.path])


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """What was collected stays to the end, and is not looked through each time that garbage is."""
    gc.freeze()
    gc.enable()


if os.environ.get("TEST_STORES"):
    from tests.support import stores

    stores.switch()

    def pytest_unconfigure() -> None:
        stores.end()


def pytest_configure(config: pytest.Config) -> None:
    """Files are shared out in the order below, and not those of many tests first.

    Ctrl-C reaches what tests start, also where a shell has run all of this in the background and so ignores it.
    """
    config.option.loadscopereorder = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
