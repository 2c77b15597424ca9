"""The settings that the deployed app finds: each is read, and all that the app needs are there."""

from __future__ import annotations

import ast
import json
from typing import Any

from services.settings import Settings
from services.settings.others import OTHERS
from tests.infra.app_settings import app_settings, expression, standby_settings
from tests.infra.bicep_reader import INFRA, ROOT, properties, text, variable, walk
from tests.infra.security import setting

DURABLE = "AzureFunctionsJobHost__extensions__durableTask__"
TIMERS = {"sweep", "purge"}

LEFT_TO_MORE_SETTINGS = {
    "AZURE_OPENAI_API_KEY": "a key, where an identity will do",
    "AZURE_OPENAI_API_VERSION": "the newest is asked for",
    "AzureSignalRConnectionString": "a key, where an identity will do",
    "BLOB_CONNECTION_STRING": "a key, for emulators",
    "BLOB_CONTAINER": "the default is what artifacts.bicep makes",
    "CALL_LIMITS": "of an owner's agreements",
    "COSMOS_CONTAINER": "the default is what cosmos.bicep makes",
    "COSMOS_DATABASE": "the default is what cosmos.bicep makes",
    "COSMOS_KEY": "a key, for emulators",
    "COSMOS_LIBRARY_CONTAINER": "the default is what cosmos.bicep makes",
    "EMBEDDING_BASE_URL": "that of the models",
    "MCP_SERVERS_FILE": "a file that its owner deploys",
    "MODELS_FILE": "a file that its owner deploys",
    "MODEL_ALIASES": "the owner's",
    "MODEL_CONCURRENCY": "the default is right for most",
    "MODEL_CONTEXT_WINDOW": "the default is right for most",
    "MODEL_HOSTS": "the owner's",
    "MODEL_KEY_*": "secrets of other providers, in the Key Vault",
    "MODEL_PRICES": "the owner's, where the list of known prices is not enough",
    "MODEL_TIMEOUT": "the default is right for most",
    "MODEL_TOOL_CALLS": "the default is right for most",
    "OPENAI_API_KEY": "another provider than Azure",
    "OPENAI_BASE_URL": "another provider than Azure",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "a collector, beside Application Insights",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "the default is the only one",
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "off unless its owner wants it",
    "OTEL_LOGS_EXPORTER": "the default is right for most",
    "OTEL_METRICS_EXPORTER": "the default is right for most",
    "OTEL_SDK_DISABLED": "the default is right for most",
    "OTEL_SERVICE_NAME": "the default is right for most",
    "OTEL_TRACES_EXPORTER": "the default is right for most",
    "PROTECTED_LABELS": "the owner's",
    "SECRET_*": "secrets of tools, in the Key Vault",
    "SECRET_HOSTS": "the owner's",
    "SECRET_TENANTS": "the owner's",
    "START_QUEUE_CONNECTION": "the app's own account",
    "SWEEP_CRON": "the default is right for most",
    "TOOL_HOSTS": "the owner's",
    "TOOL_MODULES": "the owner's",
}
NOT_READ_YET = {"COSMOS_LIBRARY_CONTAINER"}
"""What the app reads and Bicep does not set, and why. Anyone may set it, with the parameter `moreSettings`."""
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


def host_json() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
    return content


def read_by_the_app() -> set[str]:
    return {str(field.alias) for field in Settings.model_fields.values()}


def test_every_setting_is_read_by_the_app_or_the_platform() -> None:
    known = read_by_the_app() | {other.name for other in OTHERS}
    assert set(app_settings(INFRA)) <= known, "say in services/settings/others.py who reads it"


def test_every_setting_that_the_app_reads_is_set_or_left_to_its_owner_for_a_reason() -> None:
    left = read_by_the_app() - set(app_settings(INFRA))
    assert set(LEFT_TO_MORE_SETTINGS) - NOT_READ_YET <= left <= set(LEFT_TO_MORE_SETTINGS)


def test_no_setting_is_one_that_flex_consumption_refuses() -> None:
    assert not REFUSED_BY_FLEX & set(app_settings(INFRA))


def test_each_connection_of_the_host_is_by_the_identity() -> None:
    settings = app_settings(INFRA)
    prefixes = {name.rpartition("__")[0] for name in settings if name.endswith("__credential")}
    assert prefixes == {"AzureWebJobsStorage", "AzureSignalRConnectionString", "ServiceBusConnection"}
    assert not prefixes & set(settings)
    for prefix in prefixes:
        assert text(settings[f"{prefix}__credential"]) == "managedidentity"
        assert text(settings[f"{prefix}__clientId"]) in {"identityClientId", "identity.outputs.clientId"}


def test_the_connection_to_the_scheduler_names_the_identity() -> None:
    connection = text(app_settings(INFRA)["DURABLE_TASK_SCHEDULER_CONNECTION_STRING"])
    assert connection.endswith(";Authentication=ManagedIdentity;ClientID=${identityClientId}")


def test_the_scheduler_is_chosen_by_settings_that_refer_to_each_other() -> None:
    settings = app_settings(INFRA)
    assert text(settings[f"{DURABLE}storageProvider__type"]) == "azureManaged"
    assert text(settings[f"{DURABLE}storageProvider__connectionStringName"]) in settings
    assert "storageProvider" not in host_json()["extensions"]["durableTask"]


def test_the_task_hub_has_the_name_that_host_json_gives() -> None:
    value = variable(INFRA.file("durable-task.bicep"), "taskHubName")
    assert value is not None
    assert text(value) == host_json()["extensions"]["durableTask"]["hubName"]


def test_the_token_is_one_for_all_instances() -> None:
    # Unset, each instance would look for a file on a disk of its own.
    assert text(app_settings(INFRA)["META_AGENTS_TOKEN"]) == "keyVault.outputs.tokenReference"


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
    assert {name: text(value) for name, value in standby_settings(INFRA).items()} == switches


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
