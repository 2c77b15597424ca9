"""Resources, properties and values are real ones of Azure."""

from __future__ import annotations

import json

from tests.infra.azure_types import RECORD, recorded, unknown
from tests.infra.bicep_reader import INFRA


def test_everything_that_is_set_was_compared_with_the_types_that_azure_publishes() -> None:
    found = unknown(INFRA.files, recorded())
    assert found == [], "look it up: python -m tests.infra.published_types CLONE (its docstring says of what)"


def test_nothing_is_recorded_that_is_not_used() -> None:
    used = {block.target for file in INFRA.files for block in file.resources}
    assert set(recorded()) == used


def test_the_record_says_where_it_is_from() -> None:
    content = json.loads(RECORD.read_text())
    assert content["source"] == "https://github.com/Azure/bicep-types-az"
    assert len(content["commit"]) == 40


def test_versions_in_preview_are_few_and_known() -> None:
    # Azure has no later version of these settings.
    assert [target for target in recorded() if target.endswith("-preview")] == [
        "Microsoft.Insights/diagnosticSettings@2021-05-01-preview"
    ]


def test_one_kind_of_resource_has_one_version() -> None:
    kinds = [target.partition("@")[0] for target in recorded()]
    assert sorted(kinds) == sorted(set(kinds))
