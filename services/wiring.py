"""Which maker stands behind each interface: decided here, once per process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from domain.agents import Agent
from domain.datasets import Dataset
from domain.events import Event
from domain.prompt_definitions import PromptDefinition
from domain.tools import Tool
from domain.workflows import Workflow
from services.accounts import LEASE, Accounts
from services.approvals import Approvals
from services.artifacts.base import ArtifactStore
from services.artifacts.folder import FolderArtifacts
from services.budgets import Budgets
from services.control import Controls
from services.definitions import Definitions
from services.documents.base import DocumentStore
from services.documents.sqlite import SqliteDocuments
from services.embeddings.choosing import Embeddings
from services.eventlog import EventLog, Publish
from services.executions import Executions
from services.identity import Principal, TokenAuthenticator
from services.labels import Labels
from services.ledger import Ledger
from services.library.index import PassageIndex
from services.library.library import Library
from services.library.sqlite_index import SqliteIndex
from services.models.cache import AnswerCache
from services.models.client import ModelClient
from services.models.registry import ModelRegistry
from services.plans import Plans
from services.purging import Purges
from services.realtime import LocalBus, Realtime
from services.retention import Retention
from services.schedules import Schedules
from services.settings import Settings, SettingsError
from services.signalr import SignalRPublisher
from services.signalr_endpoint import Endpoint
from services.signals import Signals
from services.telemetry.base import Telemetry
from services.telemetry.choosing import telemetry_of
from services.tenant_budgets import TenantBudgets
from services.tools.client import ToolClient
from services.usage import UsageRows
from services.waits import Waits
from services.webhooks.deliveries import Deliveries
from services.webhooks.pauses import PauseHooks
from services.webhooks.sender import WebhookSender

log = logging.getLogger("meta_agents.settings")

if TYPE_CHECKING:
    from services.cosmos.account import CosmosAccount


@dataclass(frozen=True)
class Services:
    settings: Settings
    documents: DocumentStore
    artifacts: ArtifactStore
    events: EventLog
    ledger: Ledger
    controls: Controls
    waits: Waits
    budgets: Budgets
    accounts: Accounts
    tenant_budgets: TenantBudgets
    usage: UsageRows
    pause_hooks: PauseHooks
    approvals: Approvals
    signals: Signals
    agents: Definitions[Agent]
    prompts: Definitions[PromptDefinition]
    datasets: Definitions[Dataset]
    labels: Labels
    tool_definitions: Definitions[Tool]
    workflows: Definitions[Workflow]
    plans: Plans
    executions: Executions
    retention: Retention
    purges: Purges
    schedules: Schedules
    model_registry: ModelRegistry
    models: ModelClient
    answers: AnswerCache
    embeddings: Embeddings
    library: Library
    tools: ToolClient
    realtime: Realtime
    webhooks: WebhookSender
    deliveries: Deliveries
    telemetry: Telemetry
    authenticate: Callable[[str | None], Principal]
    """Takes the Authorization header; raises `ProblemError` unauthenticated."""

    async def close(self) -> None:
        await self.realtime.close()
        await self.models.close()
        await self.embeddings.close()
        await self.library.close()
        await self.tools.close()
        await self.webhooks.close()
        await self.accounts.close()
        await self.usage.close()
        await self.documents.close()
        await self.artifacts.close()
        await asyncio.to_thread(self.telemetry.close)


_lock = Lock()
_services: Services | None = None


def services() -> Services:
    """Those of this process, made from the environment at the first call. Raises `SettingsError`."""
    global _services  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _services is None:
            for sentence in Settings.unread():
                log.warning("%s", sentence)
            _services = build(Settings.from_environment())
        return _services


def use(services: Services | None) -> None:
    """Put others in their place, as tests do; None: make them anew from the environment when asked."""
    global _services  # noqa: PLW0603 - one per process is the point
    with _lock:
        _services = services


def artifacts_of(settings: Settings) -> ArtifactStore:
    """Raises `SettingsError`."""
    connection = settings.blob_connection_string
    if settings.blob_endpoint is None and connection is None:
        return FolderArtifacts(settings.state_dir / "artifacts")
    from services.artifacts.blob import BlobArtifacts  # noqa: PLC0415 - slow to import, and only some need it

    if connection is None:
        return BlobArtifacts.by_identity(str(settings.blob_endpoint), settings.blob_container)
    try:
        return BlobArtifacts.by_connection_string(connection.get_secret_value(), settings.blob_container)
    except ValueError as error:
        raise SettingsError("BLOB_CONNECTION_STRING: it cannot be read; write UseDevelopmentStorage=true") from error


def cosmos_of(settings: Settings, telemetry: Telemetry) -> CosmosAccount | None:
    """The account that is shared by all that is kept in Cosmos DB, if anything is."""
    if settings.cosmos_endpoint is None:
        return None
    from services.cosmos.account import CosmosAccount  # noqa: PLC0415 - slow to import, and only some need it

    key = settings.cosmos_key.get_secret_value() if settings.cosmos_key else None
    throttled = partial(telemetry.throttled, "cosmos")
    told: dict[str, Any] = {"on_charge": telemetry.charge, "on_throttled": throttled} if telemetry.is_on else {}
    return CosmosAccount(str(settings.cosmos_endpoint), key=key, **told)


def documents_of(settings: Settings, account: CosmosAccount | None) -> DocumentStore:
    if account is None:
        return SqliteDocuments(settings.state_dir / "documents.db")
    from services.documents.cosmos import CosmosDocuments  # noqa: PLC0415 - slow to import, and only some need it

    return CosmosDocuments(account, settings.cosmos_database, settings.cosmos_container)


def index_of(settings: Settings, account: CosmosAccount | None) -> PassageIndex:
    if account is None:
        return SqliteIndex(settings.state_dir / "library.db")
    from services.library.cosmos_index import CosmosIndex  # noqa: PLC0415 - slow to import, and only some need it

    return CosmosIndex(account, settings.cosmos_database, settings.cosmos_library_container)


def build(settings: Settings) -> Services:
    """All services, over the state directory but for what settings put elsewhere."""
    endpoint = Endpoint.of(settings)
    bus = LocalBus()
    telemetry = telemetry_of(settings)
    account = cosmos_of(settings, telemetry)
    artifacts = artifacts_of(settings)
    documents = documents_of(settings, account)
    events = EventLog(documents, artifacts, _publish(bus, telemetry))
    controls = Controls(documents, events)
    embeddings = Embeddings(settings, telemetry=telemetry)
    library = Library(documents, artifacts, embeddings, index_of(settings, account))
    accounts = Accounts(documents, timedelta(seconds=settings.model_timeout) + LEASE)
    retention = Retention(documents)
    model_registry = ModelRegistry(settings, documents)
    return Services(
        settings=settings,
        documents=documents,
        artifacts=artifacts,
        events=events,
        ledger=Ledger(documents, events),
        controls=controls,
        waits=Waits(documents),
        budgets=Budgets(documents, events, controls),
        accounts=accounts,
        tenant_budgets=TenantBudgets(documents, accounts),
        usage=UsageRows(documents, events),
        pause_hooks=PauseHooks(documents),
        approvals=Approvals(documents),
        signals=Signals(documents, events, controls),
        agents=Definitions(documents, "agents", Agent),
        prompts=Definitions(documents, "prompts", PromptDefinition),
        datasets=Definitions(documents, "datasets", Dataset),
        labels=Labels(documents),
        tool_definitions=Definitions(documents, "tools", Tool),
        workflows=Definitions(documents, "workflows", Workflow),
        plans=Plans(artifacts),
        executions=Executions(documents, artifacts, events),
        retention=retention,
        purges=Purges(documents, artifacts, retention),
        schedules=Schedules(documents),
        model_registry=model_registry,
        models=ModelClient(settings, registry=model_registry),
        embeddings=embeddings,
        library=library,
        tools=ToolClient(settings, library=library),
        answers=AnswerCache(documents, model_registry),
        realtime=Realtime(bus, SignalRPublisher(endpoint) if endpoint else None),
        webhooks=WebhookSender(settings),
        deliveries=Deliveries(documents),
        telemetry=telemetry,
        authenticate=TokenAuthenticator(settings),
    )


def _publish(bus: LocalBus, telemetry: Telemetry) -> Publish:
    """Tells of what has just been logged: whoever follows it in this process, and telemetry where that is on."""
    if not telemetry.is_on:
        return bus.publish

    def both(tenant: str, execution: str, events: list[Event]) -> None:
        bus.publish(tenant, execution, events)
        telemetry.observe(tenant, execution, events)

    return both
