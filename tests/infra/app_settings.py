"""The settings that the deployed app finds, gathered from where the Bicep files put them together."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from services.settings import Settings
from services.settings.others import OTHERS
from tests.infra.bicep_reader import BicepFile, Block, Infra, properties, text, variable, walk

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
    "META_AGENTS_STATE_DIR": "nothing is kept on the disk of an instance",
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

OF_HOST_JSON = "AzureFunctionsJobHost__"
CONNECTIONS = {"AzureWebJobsStorage", "AzureSignalRConnectionString", "ServiceBusConnection"}
"""Of the host, each by the identity."""
IN_EVERY_REGION = "sharedSettings"
WHERE_WORK_STARTS = "startSettings"


def app_settings(infra: Infra) -> dict[str, Node]:
    """Every setting and its value; of two with the same name the later."""
    region, main = infra.file("region.bicep"), infra.main
    shared = [_param(_module(main, "regions"), name) for name in (IN_EVERY_REGION, WHERE_WORK_STARTS)]
    own = _param(_module(region, "functionApp"), "appSettings")
    found = [pair for node in shared for pair in _settings(main, node)]
    return dict([*found, *_settings(region, own)])


def standby_settings(infra: Infra) -> dict[str, Node]:
    """Those that only an app that stands by has."""
    value = variable(infra.file("region.bicep"), "standbySettings")
    return properties(value) if value is not None else {}


def problems(infra: Infra) -> list[str]:
    """What is wrong, one line for each."""
    given, read = app_settings(infra), {str(field.alias) for field in Settings.model_fields.values()}
    all_given = {*given, *standby_settings(infra)}
    by_others = {other.name for other in OTHERS}
    lines = [
        f"{name}: nobody reads it, or services/settings/others.py does not say who"
        for name in all_given - read - by_others
    ]
    lines += [f"{name}: is read and not set" for name in read - all_given - set(LEFT_TO_MORE_SETTINGS)]
    lines += [
        f"{name}: is said to be left to its owner, and is not"
        for name in set(LEFT_TO_MORE_SETTINGS) - (read - all_given)
    ]
    lines += [f"{name}: Flex Consumption refuses it" for name in all_given & REFUSED_BY_FLEX]
    lines += [f"{name}: the platform scales by host.json alone" for name in all_given if name.startswith(OF_HOST_JSON)]
    for name in CONNECTIONS:
        by = {text(given[f"{name}__{part}"]) for part in ("credential", "clientId") if f"{name}__{part}" in given}
        if (
            name in given
            or len(by) != 2
            or not by <= {"managedidentity", "identityClientId", "identity.outputs.clientId"}
        ):
            lines.append(f"{name}: is not by the identity")
    return sorted(lines)


def expression(infra: Infra, name: str) -> str:
    """How `name`, a parameter of the modules `functionApp` or `regions`, is put together."""
    for file, symbol in ((infra.file("region.bicep"), "functionApp"), (infra.main, "regions")):
        found = _module(file, symbol).value("params", name)
        if found is not None:
            return text(found)
    raise ValueError(f"no module is given {name}")


def _module(file: BicepFile, symbol: str) -> Block:
    return next(module for module in file.modules if module.symbol == symbol)


def _param(module: Block, name: str) -> Node:
    found = module.value("params", name)
    if found is None:
        raise ValueError(f"{module.symbol} is given no {name}")
    return found


def _settings(file: BicepFile, node: Node) -> Iterator[tuple[str, Node]]:
    for inner in walk(node):
        if inner.type == "object":
            yield from properties(inner).items()
        elif inner.type == "identifier" and (value := variable(file, text(inner))) is not None:
            yield from _settings(file, value)
