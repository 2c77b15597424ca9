"""host.json, the example of local settings and azure.yaml hold what the app needs."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tests.infra.bicep_reader import INFRA, ROOT
from tests.infra.security import setting


def read_json(name: str) -> dict[str, Any]:
    # Strictly: the durable SDK reads host.json with json.loads while it is imported, and comments would break it.
    content: dict[str, Any] = json.loads((ROOT / name).read_text())
    return content


def test_host_json_has_the_extensions_that_durable_python_needs() -> None:
    assert read_json("host.json")["extensionBundle"] == {
        "id": "Microsoft.Azure.Functions.ExtensionBundle",
        "version": "[4.*, 5.0.0)",
    }


def test_routes_carry_their_own_prefix() -> None:
    assert read_json("host.json")["extensions"]["http"]["routePrefix"] == ""


def test_the_hub_name_suits_azure_storage_and_the_scheduler_alike() -> None:
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,44}", read_json("host.json")["extensions"]["durableTask"]["hubName"])


def test_activities_are_bounded_in_number_and_time() -> None:
    host = read_json("host.json")
    assert 1 <= host["extensions"]["durableTask"]["maxConcurrentActivityFunctions"] <= 100
    assert host["functionTimeout"] == "00:10:00"


def test_queue_messages_may_be_plain_and_are_tried_again_after_a_while() -> None:
    assert read_json("host.json")["extensions"]["queues"] == {
        "messageEncoding": "none",
        "visibilityTimeout": "00:00:30",
    }


def test_telemetry_is_opentelemetry_and_sampled_but_for_failures() -> None:
    host = read_json("host.json")
    sampling = host["logging"]["applicationInsights"]["samplingSettings"]
    assert host["telemetryMode"] == "OpenTelemetry"
    assert sampling["isEnabled"]
    assert "Exception" in sampling["excludedTypes"].split(";")


def test_local_settings_are_text_and_point_at_emulators() -> None:
    values = read_json("local.settings.json.example")["Values"]
    assert all(isinstance(value, str) for value in values.values())
    assert values["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"
    assert values["AzureSignalRConnectionString"].startswith("Endpoint=http://localhost;")
    assert values["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert values["PYTHON_ENABLE_INIT_INDEXING"] == "1"
    assert values["META_AGENTS_STATE_DIR"] == ".local"


def test_histories_of_core_tools_are_in_azurite() -> None:
    values = read_json("local.settings.json.example")["Values"]
    backend = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__"
    assert values[f"{backend}type"] == "AzureStorage"
    assert values[f"{backend}connectionStringName"] in values


def test_the_model_of_the_example_is_only_a_place_to_fill_in() -> None:
    values = read_json("local.settings.json.example")["Values"]
    assert all("YOUR-" in values[name] for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "MODEL_NAME"))


def test_azd_finds_the_infrastructure_and_the_app() -> None:
    project = yaml.safe_load((ROOT / "azure.yaml").read_text())
    infra = project["infra"]
    assert (ROOT / infra["path"] / f"{infra['module']}.bicep").is_file()
    assert (ROOT / infra["path"] / f"{infra['module']}.parameters.json").is_file()
    (name,) = project["services"]
    service = project["services"][name]
    assert (service["host"], service["language"], service["project"]) == ("function", "python", ".")
    (regions,) = [module for module in INFRA.main.modules if module.symbol == "regions"]
    assert setting(regions, "params.azdService") == f"i == 0 ? '{name}' : ''"
    tags = setting(INFRA.resource("function-app.bicep", "app"), "tags")
    assert tags == "empty(azdService) ? tags : union(tags, { 'azd-service-name': azdService })"


def test_the_page_is_built_before_packaging_on_every_system() -> None:
    hook = yaml.safe_load((ROOT / "azure.yaml").read_text())["services"]["api"]["hooks"]["prepackage"]
    assert {"posix", "windows"} == set(hook)
    assert all(system["run"] == "npm --prefix web ci && npm --prefix web run build" for system in hook.values())


def test_what_azd_runs_by_itself_is_there() -> None:
    hooks = yaml.safe_load((ROOT / "azure.yaml").read_text())["hooks"]
    modules = {run for hook in hooks.values() for run in re.findall(r"-m (tools[.\w]+)$", hook["posix"]["run"])}
    assert modules == {
        run for hook in hooks.values() for run in re.findall(r"-m (tools[.\w]+)$", hook["windows"]["run"])
    }
    assert [name for name in modules if not (ROOT / f"{name.replace('.', '/')}.py").is_file()] == []
    assert modules
