"""The command that runs samples tells those that went as they must from the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compat import samples
from tests.compat.sample_apps import ANY, Ask, Sample, Start, get, post

APPS = Path(__file__).parents[1] / "devhost"


def test_what_went_otherwise_is_told_and_fails_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = (
        Start(post("/api/slow"), "late"),
        Start(post("/api/slow"), "early"),
        Start(post("/api/slow"), ANY, status="Terminated", then=(post("/api/nowhere"),)),
        Ask(get("/admin/host/status"), {"state": "Running"}),
    )
    tried = (
        Sample("apps", "fidelity", steps),
        Sample("apps", "nobody"),
        Sample("durable", ".", refused="host.json is missing"),
    )
    monkeypatch.setattr(samples, "SAMPLES", tried)
    assert samples.main([str(APPS)]) == 1
    table = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in table if line.startswith("  ")] == ["ok", "ok", "BAD", "BAD", "ok", "BAD", "ok"]


@pytest.mark.parametrize(
    ("expected", "seen", "alike"),
    [
        ({"a": ANY}, {"a": 1, "b": 2}, True),
        ({"a": ANY}, {"b": 2}, False),
        ({"a": {"b": [1]}}, {"a": {"b": [1], "c": 2}}, True),
        ([1, 2], [1], False),
        (ANY, None, True),
    ],
)
def test_what_counts_as_expected(expected: object, seen: object, alike: bool) -> None:
    assert samples.like(expected, seen) is alike
