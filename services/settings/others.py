"""Variables that the host, libraries and tools read, and the app does not: so that they are documented and known."""

from __future__ import annotations

from dataclasses import dataclass

from services.settings.places import Differs

_BACKEND = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__"
_NOWHERE = Differs()
_IDENTITY = "the app's identity"


@dataclass(frozen=True)
class Other:
    name: str
    description: str
    differs: Differs = _NOWHERE


def _by_identity(connection: str, what: str, place: str) -> tuple[Other, ...]:
    """The variables of a connection of the host that is made by a user-assigned identity."""
    return (
        Other(f"{connection}__{place}", f"{what}, by identity.", Differs(azure="its name or address")),
        Other(f"{connection}__credential", "How the host authenticates there.", Differs(azure="`managedidentity`")),
        Other(f"{connection}__clientId", "Client id of the identity for it.", Differs(azure=_IDENTITY)),
    )


OTHERS = (
    Other(
        "AZURE_CLIENT_ID",
        "Client id of the user-assigned identity of the process, where it has several.",
        Differs(azure=_IDENTITY),
    ),
    Other(
        "AzureWebJobsStorage",
        "The host's own storage account, by key; histories too, under Core Tools.",
        Differs(core_tools="`UseDevelopmentStorage=true`: Azurite"),
    ),
    *_by_identity("AzureWebJobsStorage", "The host's own storage account", "accountName"),
    Other(
        "AzureSignalRConnectionString__credential",
        "How the host authenticates at Azure SignalR Service.",
        Differs(azure="`managedidentity`"),
    ),
    Other("ServiceBusConnection", "The namespace of START_SERVICE_BUS_QUEUE, by key."),
    *_by_identity("ServiceBusConnection", "The namespace of START_SERVICE_BUS_QUEUE", "fullyQualifiedNamespace"),
    Other(
        "DURABLE_TASK_SCHEDULER_CONNECTION_STRING",
        "Where the Durable Task Scheduler is, and who we are there.",
        Differs(azure="its endpoint, by identity"),
    ),
    Other(
        f"{_BACKEND}type",
        "The backend of Durable Functions, where it is not the `azureManaged` of `host.json`. Never on Azure.",
        Differs(core_tools="`AzureStorage`"),
    ),
    Other(
        f"{_BACKEND}connectionStringName",
        "Which variable says where that is. Never on Azure.",
        Differs(core_tools="`AzureWebJobsStorage`"),
    ),
    Other("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "How the host authenticates there.", Differs(azure=_IDENTITY)),
    Other(
        "FUNCTIONS_WORKER_RUNTIME",
        "The language of the app; on Flex Consumption no variable, but the app's own configuration.",
        Differs(local="`python`", core_tools="`python`"),
    ),
    Other(
        "PYTHON_ENABLE_INIT_INDEXING",
        "Streaming HTTP on the workers of Python 3.11 and 3.12 needs `1`.",
        Differs(core_tools="`1`", azure="`1`"),
    ),
    Other(
        "AzureWebJobsDisableHomepage",
        "`true`: our own page is served at `/`.",
        Differs(core_tools="`true`", azure="`true`"),
    ),
    *(
        Other(f"AzureWebJobs.{name}.Disabled", f"`true`: {what} is not done here.", Differs(azure="`true` in standbys"))
        for name, what in (("sweep", "looking at schedules"), ("purge", "removing what is kept no longer"))
    ),
    Other(
        "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
        "`true`: the exporter for Application Insights does not report on itself to Microsoft.",
    ),
    Other(
        "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY",
        "Leave it unset: the worker would send everything to Application Insights once more.",
    ),
    Other("OTEL_EXPORTER_OTLP_HEADERS", "What the collector is sent beside, such as a key: `name=value,…`."),
    Other("OTEL_RESOURCE_ATTRIBUTES", "What all telemetry says of this deployment: `name=value,…`."),
    Other("OTEL_TRACES_SAMPLER", "Which traces are kept; unset: those that their caller keeps, and all others."),
    Other("OTEL_TRACES_SAMPLER_ARG", "How many, for the samplers that take a share."),
    Other("OTEL_METRIC_EXPORT_INTERVAL", "Milliseconds between two exports of the metrics; unset: a minute."),
    Other("OTEL_BSP_SCHEDULE_DELAY", "Milliseconds that a span waits for others at most; unset: five seconds."),
    Other("SSL_CERT_FILE", "A file of certificate authorities, in place of the system's."),
    Other("MODEL_GGUF", "A file of weights for the local model, of `make start` alone."),
    Other("META_AGENTS_URL", "Where the command line and the client find the service."),
)
"""In the order of the documentation. An Azure setting that is not in here or among ours fails a test."""
