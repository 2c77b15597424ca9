"""What plays tests has every durable function of the app that is deployed: none is forgotten here when one is added."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast

import azure.durable_functions as df
import pytest

import activities
import entities
import orchestrators
from kit.app import EngineClient, app_over
from services.settings import Settings
from services.wiring import build

KINDS: dict[str, Literal["activity", "orchestrator", "entity"]] = {
    "activityTrigger": "activity",
    "orchestrationTrigger": "orchestrator",
    "entityTrigger": "entity",
}

ELSEWHERE = {"index_document", "index_part"}
"""What executions have nothing to do with."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_every_durable_function_is_there(tmp_path: Path) -> None:
    services = build(Settings.from_environment({"META_AGENTS_STATE_DIR": str(tmp_path)}))
    played = app_over(services, lambda: cast(EngineClient, None))
    app = df.DFApp()
    for room in (orchestrators, activities, entities):
        app.register_functions(room.blueprint)
    durable = [
        (KINDS[trigger.type], function.get_function_name())
        for function in app.get_functions()
        if (trigger := function.get_trigger()) is not None and trigger.type in KINDS
    ]
    assert len(durable) > 10
    assert [name for kind, name in durable if not played.has(kind, name) and name not in ELSEWHERE] == []
    played.close()
    await services.close()
