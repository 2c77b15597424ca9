"""The settings that the deployed app finds: each is read, and all that the app needs are there."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from services.artifacts.blob import BlobArtifacts
from services.documents.cosmos import CosmosDocuments
from services.settings import Settings
from services.wiring import build
from tests.infra.app_settings import app_settings, expression, problems, standby_settings
from tests.infra.bicep_reader import INFRA, ROOT, properties, text, variable, walk
from tests.infra.security import setting

TIMERS = {"sweep", "purge"}


def host_json() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
    return content


def test_each_is_read_all_that_is_read_is_set_and_connections_are_by_the_identity() -> None:
    assert problems(INFRA) == []


def test_the_connection_to_the_scheduler_names_the_identity() -> None:
    connection = text(app_settings(INFRA)["DURABLE_TASK_SCHEDULER_CONNECTION_STRING"])
    assert connection.endswith(";Authentication=ManagedIdentity;ClientID=${identityClientId}")


def test_the_scheduler_is_chosen_where_the_platform_looks_when_it_scales() -> None:
    backend = host_json()["extensions"]["durableTask"]["storageProvider"]
    assert backend["type"] == "azureManaged"
    assert backend["connectionStringName"] in app_settings(INFRA)


def test_the_task_hub_has_the_name_that_host_json_gives() -> None:
    value = variable(INFRA.file("durable-task.bicep"), "taskHubName")
    assert value is not None
    assert text(value) == host_json()["extensions"]["durableTask"]["hubName"]


def test_the_token_is_one_for_all_instances() -> None:
    # Unset, each instance would look for a file on a disk of its own.
    assert text(app_settings(INFRA)["META_AGENTS_TOKEN"]) == "keyVault.outputs.tokenReference"


async def test_nothing_is_kept_on_the_disk_of_an_instance(tmp_path: Path) -> None:
    stores = {"COSMOS_ENDPOINT": "https://x.documents.azure.com", "BLOB_ENDPOINT": "https://x.blob.core.windows.net"}
    given = {**stores, "META_AGENTS_TOKEN": "a-token"}
    assert set(given) <= set(app_settings(INFRA))
    services = build(Settings.from_environment({**given, "META_AGENTS_STATE_DIR": str(tmp_path / "state")}))
    try:
        assert services.authenticate("Bearer a-token").name
    finally:
        await services.close()
    kept = {type(services.documents), type(services.artifacts)}
    assert kept == {CosmosDocuments, BlobArtifacts}
    assert not (tmp_path / "state").exists()


def test_artifacts_have_the_container_that_the_app_looks_for() -> None:
    name = variable(INFRA.file("artifacts.bicep"), "containerName")
    assert name is not None
    assert text(name) == Settings().blob_container


def test_secrets_are_references_that_the_app_s_identity_looks_up() -> None:
    vault = INFRA.file("key-vault.bicep")
    references = [text(node) for node in walk(vault.root) if text(node).startswith("@Microsoft.KeyVault(")]
    assert len({reference for reference in references if reference.endswith(")")}) == 2
    site = INFRA.resource("function-app.bicep", "app")
    assert setting(site, "properties.keyVaultReferenceIdentity") == "identityId"


def test_webhooks_have_hosts_and_a_reference_to_their_secret_or_neither() -> None:
    value = variable(INFRA.main, "webhookSettings")
    assert value is not None
    objects = [set(properties(node)) for node in walk(value) if node.type == "object"]
    assert objects == [set(), {"WEBHOOK_HOSTS", "WEBHOOK_SECRET"}]


def test_nothing_of_the_app_is_lost_to_settings_that_are_added() -> None:
    # Of two with the same name the later counts.
    shared, own = expression(INFRA, "sharedSettings"), expression(INFRA, "appSettings")
    assert shared.index("moreSettings") < shared.index("AZURE_CLIENT_ID")
    assert own.index("sharedSettings") < own.index("AzureWebJobsStorage__accountName")


def test_each_queue_that_starts_executions_is_set_up_whole_or_not_at_all() -> None:
    queue, bus = variable(INFRA.main, "queueSettings"), variable(INFRA.main, "busSettings")
    assert queue is not None
    assert text(queue) == "empty(startQueue) ? {} : { START_QUEUE: startQueue }"
    assert setting(INFRA.resource("storage.bicep", "starts"), "name") == "startQueue"
    assert bus is not None
    assert text(bus).startswith("empty(startServiceBusQueue) ? {} : {")
    assert {name for node in walk(bus) for name in properties(node)} == {
        "START_SERVICE_BUS_QUEUE",
        *(f"ServiceBusConnection__{part}" for part in ("fullyQualifiedNamespace", "credential", "clientId")),
    }


def test_only_the_active_region_starts_work_by_itself() -> None:
    assert "isActive ? startSettings : standbySettings" in expression(INFRA, "appSettings")
    switches = {f"AzureWebJobs.{name}.Disabled": "true" for name in TIMERS}
    assert {name: text(value) for name, value in standby_settings(INFRA).items()} == {**switches, "STANDBY": "true"}


def test_the_timers_that_are_switched_off_are_all_that_there_are() -> None:
    tree = ast.parse((ROOT / "api" / "triggers.py").read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    timers = {node.name for node in functions if any("timer_trigger" in ast.dump(each) for each in node.decorator_list)}
    assert timers == TIMERS


def test_signalr_is_serverless() -> None:
    features = INFRA.resource("signalr.bicep", "service").value("properties", "features")
    assert features is not None
    assert {key: text(value) for key, value in properties(features.named_children[0]).items()} == {
        "flag": "ServiceMode",
        "value": "Serverless",
    }
