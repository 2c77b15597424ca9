"""The page and its plots."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.docs import BEGIN, END, PAGE, inserted, write_docs
from bench.growth import Growth
from bench.measure import Measurement
from bench.results import Results
from bench.svg import chart


def test_only_what_is_between_the_markers_is_replaced() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert inserted(page, "new") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="bench"):
        inserted("text", "new")


def test_our_page_has_its_markers() -> None:
    assert inserted(PAGE.read_text(), "new")


def test_the_page_shows_the_plots_that_were_measured(tmp_path: Path) -> None:
    machine = {"commit": "c" * 40, "cores": 2, "processor": "P", "python": "3", "sqlite": "3", "load_average": [0.1]}
    steps = [Measurement("ours", f"chat-{n}", 0, 0, n, 1, wall_ms=[1.0], bytes=n * 1_024) for n in (10, 100)]
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}{END}")
    write_docs(Results(machine, growth=Growth(steps)), page, tmp_path)
    assert {path.name for path in tmp_path.glob("*.svg")} == {
        "performance-steps-time.svg",
        "performance-steps-bytes.svg",
    }
    assert "![Stored per step against the steps of a chat](images/performance-steps-bytes.svg)" in page.read_text()


def test_a_chart_is_well_formed_and_keeps_every_point_inside() -> None:
    svg = chart("A < B", "x", "y", {"one & two": [(1, 0.5), (1_000, 90)], "three": [(10, 3)]})
    root = ElementTree.fromstring(svg)  # noqa: S314
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 3
    assert all(70 <= float(circle.attrib["cx"]) <= 490 for circle in circles)
    assert all(40 <= float(circle.attrib["cy"]) <= 310 for circle in circles)
