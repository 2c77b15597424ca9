"""The queries of alerts and workbook, read by Kusto's own language service; and that what they ask for is sent."""

from __future__ import annotations

import json
import re
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.bicep_reader import BicepFile, properties, text, walk

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra" / "bicep"
SCHEMA = json.loads(Path(__file__).with_name("insights_schema.json").read_text("utf-8"))
ALERTS = BicepFile(INFRA / "modules" / "alerts.bicep")
WORKBOOK = json.loads((INFRA / "workbook.json").read_text("utf-8"))


def of_alerts() -> dict[str, str]:
    return {f"alert {path.stem}": path.read_text("utf-8") for path in sorted((INFRA / "queries").glob("*.kql"))}


def of_workbook() -> dict[str, str]:
    tiles = (item for item in WORKBOOK["items"] if item["type"] == 3)
    # The workbook fills its parameters in before it asks.
    return {f"tile {tile['name']}": tile["content"]["query"].replace("{TimeRange:grain}", "5m") for tile in tiles}


QUERIES = of_alerts() | of_workbook()


def understood(queries: dict[str, str], schema: Any = SCHEMA) -> dict[str, dict[str, list[str]]]:
    """What the language service says of each: its problems, and the columns of its result."""
    asked = json.dumps({"schema": schema, "queries": queries})
    command = ["node", str(ROOT / "tests" / "js" / "kql.mjs")]
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, list[str]]] = json.loads(done.stdout)
    return found


@lru_cache
def all_understood() -> dict[str, dict[str, list[str]]]:
    return understood(QUERIES)


@pytest.mark.parametrize("name", QUERIES)
def test_each_query_is_sound(name: str) -> None:
    assert all_understood()[name]["problems"] == []


def test_a_wrong_query_is_seen() -> None:
    wrong = {
        "table": "customMetric | count",
        "column": "customMetrics | project sum",
        "operator": "customMetrics | wher name == 'a'",
        "function": "customMetrics | summarize total(value)",
    }
    assert [name for name, found in understood(wrong).items() if not found["problems"]] == []


def rules() -> list[dict[str, str]]:
    """The rules of the alerts, as their file gives them."""
    declaration = next(node for node in ALERTS.root.named_children if text(node).startswith("var rules"))
    objects = [properties(node) for node in walk(declaration) if node.type == "object"]
    return [{key: text(value) for key, value in rule.items()} for rule in objects]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["name"])
def test_a_rule_measures_and_splits_by_columns_that_its_query_gives(rule: dict[str, str]) -> None:
    assert rule["query"] == f"loadTextContent('../queries/{rule['name']}.kql')"
    columns = all_understood()[f"alert {rule['name']}"]["columns"]
    assert {rule["column"], *filter(None, [rule["splitBy"]])} == set(columns)


def test_every_query_has_a_rule() -> None:
    assert {f"alert {rule['name']}" for rule in rules()} == of_alerts().keys()


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["name"])
def test_a_rule_looks_as_often_and_as_far_as_azure_allows(rule: dict[str, str]) -> None:
    minutes = {"PT5M": 5, "PT15M": 15, "PT30M": 30, "PT1H": 60}
    assert minutes[rule["frequency"]] <= minutes[rule["window"]]
    assert rule["severity"] in "01234"


def sent() -> set[str]:
    """Every name that the app's telemetry gives to something; what gauges show is measured by the sweep."""
    paths = [*(ROOT / "services" / "telemetry").rglob("*.py"), ROOT / "api" / "measuring.py"]
    sources = "".join(path.read_text("utf-8") for path in paths)
    return set(re.findall(r'"([a-z][\w.]*)"', sources))


@pytest.mark.parametrize("name", QUERIES)
def test_metrics_and_attributes_that_are_asked_for_are_sent(name: str) -> None:
    query = QUERIES[name]
    asked = set(re.findall(r"'((?:meta_agents|gen_ai)\.[\w.]+)'", query))
    asked |= set(re.findall(r"customDimensions\['([^']+)'\]", query))
    assert asked - sent() == set()


def test_what_is_counted_is_shown_somewhere() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "services" / "telemetry").glob("instruments.py"))
    metrics = set(re.findall(r'"((?:meta_agents|gen_ai\.client)\.[\w.]+)"', sources))
    assert metrics
    assert {name for name in metrics if not any(name in query for query in QUERIES.values())} == set()


def test_the_workbook_reads_one_resource_and_has_one_time() -> None:
    assert WORKBOOK["fallbackResourceIds"] == ["INSIGHTS-ID"]
    tiles = [item["content"] for item in WORKBOOK["items"] if item["type"] == 3]
    assert {tile["timeContextFromParameter"] for tile in tiles} == {"TimeRange"}
    names = [item["name"] for item in WORKBOOK["items"]]
    assert len(names) == len(set(names))
    module = (INFRA / "modules" / "workbook.bicep").read_text("utf-8")
    assert "replace(loadTextContent('../workbook.json'), 'INSIGHTS-ID', insightsId)" in module
