"""Tables in terminals of several widths."""

from __future__ import annotations

import io

from rich.console import Console

from meta_agents.cli.tables import table_of

ID = "01a21e57b94e8efa35d57f596ef45460"


def shown(width: int) -> list[str]:
    table = table_of("ID", "STATUS", "WORKFLOW", "CREATED", "TOOK", "MODEL CALLS", "COST")
    table.add_row(ID, "paused (budget)", "weekly-report-of-all@12", "2026-11-27 18:49:55Z", "41.9 s", "2", "$0.0031")
    console = Console(width=width, file=io.StringIO())
    console.print(table)
    file = console.file
    assert isinstance(file, io.StringIO)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_all_is_shown_where_it_fits() -> None:
    heading, row = shown(140)
    assert heading.split("  ")[-1] == "COST"
    assert "MODEL CALLS" in heading
    assert "weekly-report-of-all@12  2026-11-27 18:49:55Z  41.9 s" in row


def test_in_a_narrow_terminal_numbers_and_ids_stay_whole_and_what_is_left_out_is_said() -> None:
    lines = shown(80)
    assert all(len(line) <= 80 for line in lines)
    row = next(line for line in lines if ID in line)
    assert "weekly-re" in row
    assert "…" in row
    for column, value in (("TOOK", "41.9 s"), ("CREATED", "2026-11-27 18:49:55Z"), ("COST", "$0.0031")):
        assert (value in row) != (column in lines[-1])
    assert lines[-1].startswith("A wider terminal also shows TOOK")


def test_headings_are_broken_before_columns_are_left_out() -> None:
    lines = shown(112)
    assert "MODEL" in lines[0]
    assert "CALLS" in lines[1]
    assert "41.9 s" in lines[2]
    assert len(lines) == 3
