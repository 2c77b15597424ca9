"""Orchestrators, entities and the domain they stand on hold nothing that a replay could find changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.orchestrators.determinism import violations

ROOT = Path(__file__).parents[2]
REPLAYED = sorted(path for room in ("orchestrators", "entities", "domain") for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", REPLAYED, ids=lambda path: str(path.relative_to(ROOT)))
def test_replayed_code_is_deterministic(path: Path) -> None:
    assert violations(path.read_text("utf-8")) == []


def test_the_lint_looks_at_every_room() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in REPLAYED} == {"orchestrators", "entities", "domain"}


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("from datetime import datetime\nx = datetime.now()", "datetime.datetime.now"),
        ("from datetime import datetime as moment\nx = moment.utcnow()", "datetime.datetime.utcnow"),
        ("import datetime\nx = datetime.datetime.today()", "datetime.datetime.today"),
        ("import datetime as dt\nx = dt.date.today()", "datetime.date.today"),
        ("from datetime import datetime\nclock = datetime.now", "datetime.datetime.now"),
        ("import time", "time"),
        ("from time import monotonic as now", "time"),
        ("import random", "random"),
        ("from secrets import token_hex", "secrets"),
        ("import os\nx = os.urandom(8)", "os.urandom"),
        ("import uuid\nx = uuid.uuid4()", "uuid.uuid4"),
        ("from uuid import uuid1", "uuid.uuid1"),
        ("import os\nx = os.environ['A']", "os.environ"),
        ("from os import environ", "os.environ"),
        ("import os\nx = os.getenv('A')", "os.getenv"),
        ("x = open('file')", "open"),
        ("x = hash('text')", "hash"),
        ("import socket", "socket"),
        ("import http.client", "http"),
        ("from urllib.request import urlopen", "urllib.request"),
        ("import httpx", "httpx"),
        ("def f():\n    import requests", "requests"),
        ("import asyncio", "asyncio"),
        ("import threading", "threading"),
        ("import concurrent.futures", "concurrent"),
        ("import subprocess", "subprocess"),
        ("async def step(context): ...", "async def step"),
    ],
)
def test_names_that_are_not_deterministic_are_found(source: str, named: str) -> None:
    found = violations(source)
    assert len(found) == 1
    assert f": {named}: " in found[0]


@pytest.mark.parametrize(
    "source",
    [
        "for x in {1, 2}: use(x)",
        "for x in set(names): use(x)",
        "for x in frozenset[str](names): use(x)",
        "for x in {name for name in names}: use(x)",
        "[use(x) for x in set(names)]",
        "{x: 1 for x in set(names)}",
        "tasks = list(call(x) for x in set(names))",
        "for x in first.keys() & second.keys(): use(x)",
        "for x in set(first) | set(second): use(x)",
        "for x in set(first).union(second): use(x)",
        "for x in (set(first) if first else second): use(x)",
        "list({1, 2})",
        "first, *rest = [*{1, 2}]",
        "text = ', '.join(set(names))",
        "text.extend(set(names))",
        "x = set(names).pop()",
        "for i, x in enumerate(set(names)): use(x)",
        "def f(names):\n    wanted = set(names)\n    for x in wanted:\n        use(x)",
        "def f(names):\n    wanted: set[str] = names()\n    yield from wanted",
        "def f(names):\n    wanted = set(names)\n    rest = wanted - {1}\n    return [x for x in rest]",
    ],
)
def test_the_order_of_a_set_is_found(source: str) -> None:
    found = violations(source)
    assert len(found) == 1
    assert "the order of a set" in found[0]


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\nx = datetime.datetime(2026, 1, 1) + datetime.timedelta(1)",
        "import os.path\nx = os.path.join('a', 'b')",
        "import uuid\nx = uuid.uuid5(uuid.NAMESPACE_URL, 'path')",
        "x = context.current_utc_datetime",
        "x = step.time.today",  # somebody else's attributes of the same names
        "def f(open, time):\n    pass",
        "for x in sorted(set(names)): use(x)",
        "found = 1 in {1, 2} and len(set(names)) == 2",
        "found = any(x > 1 for x in set(names))",
        "together = set().union(*(x for x in set(names)))",
        "{x for x in set(names)}",
        "for x in first.keys(): use(x)",
        "for x in {'a': 1, 'b': 2}: use(x)",
        "def f(names):\n    wanted = set(names)\n    return [x for x in names if x in wanted]",
        "def f(names):\n    wanted = set(names)\n\ndef g(wanted):\n    return list(wanted)",
    ],
)
def test_what_is_deterministic_is_left_alone(source: str) -> None:
    assert violations(source) == []


def test_a_finding_names_its_line_and_the_way_out() -> None:
    assert violations("import os\n\nx = os.getenv('A')\ny = os.getenv('B')") == [
        "line 3: os.getenv: settings belong to activities",
        "line 4: os.getenv: settings belong to activities",
    ]
