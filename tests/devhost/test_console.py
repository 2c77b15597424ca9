"""What a developer sees: the table, and lines that say no more than they must."""

from __future__ import annotations

import io
import logging
import re
import time
from datetime import UTC, datetime

import pytest

from devhost.console import LineFormatter, Paint, table
from devhost.functions import Binding, Function, JsonValue
from devhost.reporting import report


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def function(
    name: str, trigger: str, unserved: str | None = None, disabled: str | None = None, **more: JsonValue
) -> Function:
    return Function(name, lambda: None, Binding("x", trigger, "in", more), unserved=unserved, disabled=disabled)


def shown(record: logging.LogRecord, *, coloured: bool = False) -> str:
    """The line without its time, which it must begin with."""
    text = LineFormatter(Paint(Terminal() if coloured else io.StringIO(), {})).format(record)
    found = re.match(r"(\x1b\[2m)?\d\d:\d\d:\d\d(\x1b\[0m)?  ", text)
    assert found is not None
    return text[found.end() :]


@pytest.mark.parametrize(
    ("stream", "environ", "is_on"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
    ],
)
def test_colour_is_for_terminals_whose_user_wants_it(stream: io.StringIO, environ: dict[str, str], is_on: bool) -> None:
    assert Paint(stream, environ)("text", "1") == ("\x1b[1mtext\x1b[0m" if is_on else "text")


def test_an_invocation_is_one_line_whose_outcome_has_a_colour(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    now = time.perf_counter()
    report("ok", now, "greet", "4f2c91aa")
    report("404", now, "-", "GET /api/typo")
    report("failed", now - 75, "slow", failure="Traceback\nValueError: no")
    plain = [re.sub(r" \d+ ms", " 0 ms", shown(line)) for line in caplog.records]
    assert plain == [
        "ok        0 ms  greet  4f2c91aa",
        "404       0 ms  -  GET /api/typo",
        "failed  75.0 s  slow\nTraceback\nValueError: no",
    ]
    assert [line.levelname for line in caplog.records] == ["INFO", "INFO", "ERROR"]
    colours = [shown(line, coloured=True)[:5] for line in caplog.records]
    assert colours == ["\x1b[32m", "\x1b[33m", "\x1b[31m"]


def test_a_level_and_a_name_are_shown_where_they_say_something(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger().info("what the app logs: %s", 5)
    logging.getLogger("devhost.engine").warning("careful")
    logging.getLogger("library").error("broken", exc_info=ValueError("why"))
    assert [shown(line) for line in caplog.records] == [
        "what the app logs: 5",
        "WARNING careful",
        "ERROR library: broken\nValueError: why",
    ]
    assert shown(caplog.records[1], coloured=True) == "\x1b[33mWARNING \x1b[0mcareful"


def test_nothing_is_made_of_lines_nobody_wants(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    report("ok", time.perf_counter(), "greet")
    assert caplog.records == []


def test_the_table_has_a_section_for_each_kind() -> None:
    functions = [
        function("hello", "httpTrigger", methods=["GET", "POST"]),
        function("any", "httpTrigger"),
        function("hourly", "timerTrigger", schedule="0 0 * * * *"),
        function("orders", "queueTrigger", queueName="q"),
        function("chain", "orchestrationTrigger"),
        function("b", "activityTrigger", activity="Zeta"),
        function("alpha", "activityTrigger"),
        function("cosmos", "cosmosDBTrigger", unserved="cosmosDBTrigger is not served by this version"),
        function("off", "httpTrigger", disabled="disabled by its trigger", unserved="and more"),
    ]
    urls = {name: f"http://host/api/{name}" for name in ("hello", "any", "off")}
    due = {"hourly": datetime(2026, 1, 2, 3, tzinfo=UTC)}
    assert "\n".join(table(functions, urls, due, Paint(io.StringIO(), {}))) == (
        "HTTP\n"
        "  hello  GET,POST  http://host/api/hello\n"
        "  any    ANY       http://host/api/any\n"
        "\n"
        "Triggers\n"
        "  hourly  timerTrigger '0 0 * * * *', next 2026-01-02 03:00:00 UTC\n"
        "  orders  queueTrigger queueName=q\n"
        "\n"
        "Durable\n"
        "  orchestrators  chain\n"
        "  activities     alpha, Zeta\n"
        "\n"
        "Not served\n"
        "  cosmos  WARNING: cosmosDBTrigger is not served by this version\n"
        "\n"
        "Disabled\n"
        "  off  disabled by its trigger\n"
    )
