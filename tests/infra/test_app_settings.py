"""The settings that the deployed app finds, against host.json and what the platform allows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tree_sitter import Node

from tests.infra.bicep_reader import BicepFile, Block, lookup, properties, text, walk

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "infra" / "bicep" / "modules"
MAIN = BicepFile(ROOT / "infra" / "bicep" / "main.bicep")
DURABLE = "AzureFunctionsJobHost__extensions__durableTask__"

NEEDED = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_CLIENT_ID",
    "AzureWebJobsDisableHomepage",
    "BLOB_ENDPOINT",
    "COSMOS_ENDPOINT",
    "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
    "META_AGENTS_STATE_DIR",
    "PYTHON_ENABLE_INIT_INDEXING",
}
# Flex Consumption takes these from functionAppConfig and refuses them as settings.
REFUSED_BY_FLEX = {
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
}


def app_settings() -> dict[str, Node]:
    module = next(module for module in MAIN.modules if module.symbol == "functionApp")
    given = module.value("params", "appSettings")
    assert given is not None
    objects = [node for node in walk(given) if node.type == "object"]
    return {name: value for settings in objects for name, value in properties(settings).items()}


def resource(module: str, kind: str) -> Block:
    return next(block for block in BicepFile(MODULES / module).resources if block.kind == kind)


def site_value(name: str) -> Node:
    found = resource("function-app.bicep", "Microsoft.Web/sites").value("properties", name)
    assert found is not None
    return found


def host_json() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
    return content


def test_the_app_finds_what_it_needs() -> None:
    assert set(app_settings()) >= NEEDED


def test_no_setting_is_one_that_flex_consumption_refuses() -> None:
    assert not REFUSED_BY_FLEX & set(app_settings())


def test_each_connection_of_the_host_is_by_the_identity() -> None:
    settings = app_settings()
    prefixes = {name.rpartition("__")[0] for name in settings if name.endswith("__credential")}
    assert prefixes == {"AzureWebJobsStorage", "AzureSignalRConnectionString", "ServiceBusConnection"}
    assert not prefixes & set(settings)
    for prefix in prefixes:
        assert text(settings[f"{prefix}__credential"]) == "managedidentity"
        assert text(settings[f"{prefix}__clientId"]) == "identity.outputs.clientId"


def test_the_connection_to_the_scheduler_names_the_identity() -> None:
    connection = text(app_settings()["DURABLE_TASK_SCHEDULER_CONNECTION_STRING"])
    assert connection.endswith(";Authentication=ManagedIdentity;ClientID=${identity.outputs.clientId}")


def test_the_scheduler_is_chosen_by_settings_that_refer_to_each_other() -> None:
    settings = app_settings()
    assert text(settings[f"{DURABLE}storageProvider__type"]) == "azureManaged"
    assert text(settings[f"{DURABLE}storageProvider__connectionStringName"]) in settings
    assert "storageProvider" not in host_json()["extensions"]["durableTask"]


def test_the_task_hub_has_the_name_that_host_json_gives() -> None:
    source = (MODULES / "durable-task.bicep").read_text()
    assert f"var taskHubName = '{host_json()['extensions']['durableTask']['hubName']}'\n" in source


def test_a_model_has_both_its_settings_or_neither() -> None:
    declaration = next(node for node in MAIN.root.named_children if text(node).startswith("var modelSettings"))
    objects = [node for node in walk(declaration) if node.type == "object"]
    assert [set(properties(node)) for node in objects] == [set(), {"AZURE_OPENAI_ENDPOINT", "MODEL_NAME"}]


def test_webhooks_have_hosts_and_a_reference_to_their_secret_or_neither() -> None:
    declaration = next(node for node in MAIN.root.named_children if text(node).startswith("var webhookSettings"))
    objects = [properties(node) for node in walk(declaration) if node.type == "object"]
    assert [set(settings) for settings in objects] == [set(), {"WEBHOOK_HOSTS", "WEBHOOK_SECRET"}]
    assert text(objects[1]["WEBHOOK_SECRET"]) == "@Microsoft.KeyVault(SecretUri=${webhookSecretUri})"
    assert text(site_value("keyVaultReferenceIdentity")) == "identityId"


def test_settings_of_tools_are_added_and_nothing_of_the_app_is_lost_to_them() -> None:
    module = next(module for module in MAIN.modules if module.symbol == "functionApp")
    given = module.value("params", "appSettings")
    assert given is not None
    words = text(given)
    # Of two with the same name the later counts.
    assert words.index("moreSettings") < words.index("AzureWebJobsStorage__accountName")


def test_each_queue_that_starts_executions_is_set_up_whole_or_not_at_all() -> None:
    queue = next(node for node in MAIN.root.named_children if text(node).startswith("var queueSettings"))
    assert text(queue) == "var queueSettings = empty(startQueue) ? {} : { START_QUEUE: startQueue }"
    storage = BicepFile(MODULES / "storage.bicep")
    [made] = [block for block in storage.resources if block.kind.endswith("queueServices/queues")]
    name = made.value("name")
    assert name is not None
    assert text(name) == "startQueue"
    module = next(module for module in MAIN.modules if module.symbol == "functionApp")
    given = module.value("params", "appSettings")
    assert given is not None
    [bus] = [node for node in walk(given) if text(node).startswith("empty(startServiceBusQueue) ? {} : {")]
    assert set(properties(bus.named_children[-1])) == {
        "START_SERVICE_BUS_QUEUE",
        *(f"ServiceBusConnection__{part}" for part in ("fullyQualifiedNamespace", "credential", "clientId")),
    }


def test_documents_are_partitioned_and_may_expire() -> None:
    container = resource("cosmos.bicep", "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers")
    definition = container.value("properties", "resource")
    assert definition is not None
    paths = lookup(definition, "partitionKey", "paths")
    ttl = lookup(definition, "defaultTtl")
    assert paths is not None
    assert ttl is not None
    assert [text(path) for path in paths.named_children] == ["/partition"]
    assert text(ttl) == "-1"


def test_signalr_is_serverless() -> None:
    features = resource("signalr.bicep", "Microsoft.SignalRService/signalR").value("properties", "features")
    assert features is not None
    assert {key: text(value) for key, value in properties(features.named_children[0]).items()} == {
        "flag": "ServiceMode",
        "value": "Serverless",
    }
