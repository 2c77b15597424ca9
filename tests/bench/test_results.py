"""Ratios, tables, and the way to JSON and back."""

from pathlib import Path

import pytest

from bench.growth import Growth, Line
from bench.killing import Killed
from bench.measure import Measurement
from bench.report import sheets
from bench.results import Results
from bench.starting import Started


@pytest.fixture
def results() -> Results:
    ours = Measurement("ours", "W1", 0.0, 0, 10, 1, wall_ms=[1.0, 2.0, 3.0], cpu_ms=[1.0], syncs=0.5, bytes=2_048)
    other = Measurement("langgraph", "W1", 0.0, 0, 10, 1, wall_ms=[4.0], cpu_ms=[4.0])
    failed = Measurement("dbos", "W1", 0.0, 0, 10, 1, error="ProcessFailed: no such package\nmore")
    return Results(
        {"commit": "c"},
        [ours, other, failed],
        [Killed("ours", "W5", [0], [0.5], [0.1])],
        [Started("ours", [0.5], [0.9], [60.0], [70.0], [400.0])],
        Growth([ours], [Line("ours", {"ms": [(25.0, 1.0)]})]),
    )


def test_the_ratio_is_our_median_over_theirs(results: Results) -> None:
    ours, other, failed = results.measured
    assert (results.ratio(ours), results.ratio(other), results.ratio(failed)) == (None, 0.5, None)
    assert results.cpu_ratio(other) == 0.25


def test_one_placement_is_not_compared_with_another(results: Results) -> None:
    results.measured[1].cores = 1
    assert results.ratio(results.measured[1]) is None


def test_a_failure_has_a_row_that_says_so_and_fails_the_whole(results: Results) -> None:
    row = sheets(results)[0].rows[2]
    assert row[:3] == ("W1", "dbos", "FAILED: ProcessFailed: no such package more")
    assert results.failed


def test_every_row_is_as_wide_as_its_headings(results: Results) -> None:
    for sheet in sheets(results):
        assert {len(row) for row in sheet.rows} == {len(sheet.headings)}
        assert len(sheet.markdown().splitlines()) == 4 + len(sheet.rows)


def test_rates_follow_from_the_time_of_a_step(results: Results) -> None:
    assert results.measured[0].executions_per_second == 50


def test_what_is_written_is_read_again(results: Results, tmp_path: Path) -> None:
    results.write(tmp_path / "results.json")
    again = Results.read(tmp_path / "results.json")
    assert again.measured == results.measured
    assert again.killed == results.killed
    assert again.started == results.started
    assert again.growth.steps == results.growth.steps
    assert [line.side for line in again.growth.history] == ["ours"]
