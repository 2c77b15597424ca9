"""Which roles the app needs, by what its code imports and is bound to, and which the Bicep files assign."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tree_sitter import Node

from tests.infra.bicep_reader import ROOT, BicepFile, Block, Infra, meaningful_children, text, variable, walk

ROOMS = ("domain", "orchestrators", "activities", "entities", "services", "api")
APP, OPERATOR = "identityPrincipalId", "operatorPrincipalId"


@dataclass(frozen=True, order=True)
class Role:
    """A role on the kind of resource that a file gives it on."""

    file: str
    on: str
    id: str
    principal: str = APP


STORAGE = "Microsoft.Storage/storageAccounts"
HOST_BLOBS = Role("storage.bicep", STORAGE, "b7e6dc6d-f1e8-4753-8033-0f276bb0955b")
HOST_QUEUES = Role("storage.bicep", STORAGE, "974c5e8b-45b9-4653-ba55-5f855dd0fb88")
HOST_TABLES = Role("storage.bicep", STORAGE, "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3")
ARTIFACTS = Role("artifacts.bicep", f"{STORAGE}/blobServices/containers", "ba92f5b4-2d11-453d-a403-e96b0029c9fe")
DOCUMENTS = Role("cosmos.bicep", "Microsoft.DocumentDB/databaseAccounts", "00000000-0000-0000-0000-000000000002")
TASK_HUB = Role(
    "durable-task.bicep", "Microsoft.DurableTask/schedulers/taskHubs", "0ad04412-c4d5-4796-b79c-f76d14c8d402"
)
PUSHING = Role("signalr.bicep", "Microsoft.SignalRService/signalR", "7e4f1700-ea5a-4f59-8f37-079cfe29dce3")
MODELS = Role("openai.bicep", "Microsoft.CognitiveServices/accounts", "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd")
OTHERS_MODELS = Role("existing-openai.bicep", MODELS.on, MODELS.id)
TELEMETRY = Role("monitoring.bicep", "Microsoft.Insights/components", "3913510d-42f4-4e42-8a64-420c390055eb")
SECRETS = Role("key-vault.bicep", "Microsoft.KeyVault/vaults", "4633458b-17de-408a-b874-0445c86b69e6")
KEEPS_SECRETS = Role("key-vault.bicep", SECRETS.on, "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", OPERATOR)
MESSAGES = Role(
    "existing-service-bus.bicep", "Microsoft.ServiceBus/namespaces/queues", "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0"
)

NAMES = {
    HOST_BLOBS.id: "Storage Blob Data Owner",
    HOST_QUEUES.id: "Storage Queue Data Contributor",
    HOST_TABLES.id: "Storage Table Data Contributor",
    ARTIFACTS.id: "Storage Blob Data Contributor",
    DOCUMENTS.id: "Cosmos DB Built-in Data Contributor",
    TASK_HUB.id: "Durable Task Data Contributor",
    PUSHING.id: "SignalR Service Owner",
    MODELS.id: "Cognitive Services OpenAI User",
    TELEMETRY.id: "Monitoring Metrics Publisher",
    SECRETS.id: "Key Vault Secrets User",
    KEEPS_SECRETS.id: "Key Vault Secrets Officer",
    MESSAGES.id: "Azure Service Bus Data Receiver",
}

SDKS: dict[str, tuple[Role, ...]] = {
    "azure.core": (),  # failures and connections of the others
    "azure.cosmos": (DOCUMENTS,),
    "azure.durable_functions": (),  # through the bindings
    "azure.functions": (),
    "azure.identity": (),  # tokens, for the scopes below
    "azure.monitor": (TELEMETRY,),
    "azure.storage": (ARTIFACTS,),
    "azurefunctions.extensions": (),
}
"""By the package of Azure that the app imports."""
BINDINGS: dict[str, tuple[Role, ...]] = {
    "activity_trigger": (TASK_HUB,),
    "durable_client_input": (TASK_HUB,),
    "entity_trigger": (TASK_HUB,),
    "orchestration_trigger": (TASK_HUB,),
    "queue_trigger": (HOST_QUEUES,),
    "route": (),
    "service_bus_queue_trigger": (MESSAGES,),
    "signalR": (PUSHING,),
    "signalRConnectionInfo": (PUSHING,),
    "timer_trigger": (HOST_BLOBS,),  # a lease lets one instance of many have it
}
"""By the decorator, or by the type that a generic one is given."""
SCOPES: dict[str, tuple[Role, ...]] = {
    "https://cognitiveservices.azure.com/.default": (MODELS, OTHERS_MODELS),
    "https://signalr.azure.com/.default": (PUSHING,),
}
"""By the scope that the app asks Entra ID for a token of, by itself."""
OF_THE_PLATFORM = {
    HOST_BLOBS: "the host keeps its leases and secrets, and the platform takes the package from there",
    HOST_TABLES: "the host writes what it has to say of itself",
    TELEMETRY: "the host sends its own telemetry",
    SECRETS: "the platform looks up the settings that refer to the Key Vault",
    KEEPS_SECRETS: "whoever deploys reads the token that was made, and changes it",
}
"""Needed by no code of ours."""


def assigned(infra: Infra) -> set[Role]:
    """The roles of all role assignments. Raises `ValueError` for one that cannot be read."""
    found = ((file, block) for file, block in infra.blocks if block.kind.lower().endswith("roleassignments"))
    return {role for file, block in found for role in _roles(file, block)}


def _roles(file: BicepFile, block: Block) -> Iterator[Role]:
    principal = block.value("properties", "principalId")
    # Cosmos DB has assignments of its own, which are parts of the account.
    scope = block.value("scope") or block.value("parent")
    kinds = {resource.symbol: resource.kind for resource in file.resources}
    if principal is None or scope is None or text(scope) not in kinds:
        raise ValueError(f"{file.path.name}: {block.symbol} is on no resource of its file, or for nobody")
    for id in _ids(file, block):
        yield Role(file.path.name, kinds[text(scope)], id, text(principal))


def _ids(file: BicepFile, block: Block) -> Iterator[str]:
    given = block.value("properties", "roleDefinitionId")
    names = [text(node) for node in walk(given) if node.type == "identifier"] if given is not None else []
    loop = block.body.parent
    if loop is not None and loop.type == "for_statement":
        names += [text(node) for node in meaningful_children(loop) if node.type == "identifier"]
    values = [value for name in names if (value := variable(file, name)) is not None]
    found = [id for value in values for id in _role_ids(value)]
    if not found:
        raise ValueError(f"{file.path.name}: {block.symbol} names no role in a variable")
    yield from found


def _role_ids(node: Node) -> Iterator[str]:
    strings = (text(inner) for inner in walk(node) if inner.type == "string")
    yield from (value for value in strings if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value))


@cache
def asked() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The packages of Azure, the bindings and the scopes of tokens that the app's code names."""
    paths = [ROOT / "function_app.py", *(path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))]
    trees = [ast.parse(path.read_text("utf-8")) for path in paths]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return frozenset(_packages(nodes)), frozenset(_bindings(nodes)), frozenset(_scopes(nodes))


def _packages(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.ImportFrom(module=str(module), level=0, names=names):
                # `from azure import identity` names a package as well.
                full = [f"{module}.{name.name}" for name in names]
            case ast.Import(names=names):
                full = [name.name for name in names]
            case _:
                continue
        parts = (name.split(".") for name in full)
        yield from (".".join(part[:2]) for part in parts if part[0] in {"azure", "azurefunctions"})


def _bindings(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        for decorator in getattr(node, "decorator_list", ()):
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute):
                name = decorator.func.attr
                kinds = [word.value for word in decorator.keywords if word.arg == "type"]
                if name.startswith("generic_"):
                    yield from (str(kind.value) for kind in kinds if isinstance(kind, ast.Constant))
                elif name in {"route"} or name.endswith(("_trigger", "_input", "_output")):
                    yield name


def _scopes(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith("/.default"):
            yield node.value


def needed() -> set[Role]:
    """The roles of everything that the code asks for, and of the platform. Raises `KeyError` for what is new."""
    packages, bindings, scopes = asked()
    tables = ((SDKS, packages), (BINDINGS, bindings), (SCOPES, scopes))
    return {role for table, names in tables for name in names for role in table[name]} | set(OF_THE_PLATFORM)


def problems(infra: Infra) -> list[str]:
    """Roles that are needed and not assigned, and the other way round."""
    try:
        there = assigned(infra)
    except ValueError as error:
        return [str(error)]
    lines = [f"needed: {_told(role)}" for role in needed() - there]
    return sorted(lines + [f"not needed: {_told(role)}" for role in there - needed()])


def _told(role: Role) -> str:
    return f"{NAMES.get(role.id, role.id)} on {role.on} for {role.principal} ({role.file})"
