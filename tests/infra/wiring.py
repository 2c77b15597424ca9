"""What a wrong hand-over would break in Azure alone: names too long, an id for another, doors left open."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.infra.bicep_reader import Block, Infra, properties, text, variable, walk
from tests.infra.security import setting

TOKEN = "x" * 13
"""As long as what `uniqueString` makes."""
NAMES = {
    "artifacts.bicep": r"[a-z0-9]{3,24}",
    "cosmos.bicep": r"[a-z][a-z0-9-]{2,43}",
    "durable-task.bicep": r"[a-z][a-z0-9-]{2,63}",
    # Longer ones are cut where hosts tell each other apart, and two apps could then be taken for one.
    "function-app.bicep": r"[a-z][a-z0-9-]{1,31}",
    "key-vault.bicep": r"[a-z][a-z0-9-]{2,23}",
    "openai.bicep": r"[a-z][a-z0-9-]{1,63}",
    "signalr.bicep": r"[a-z][a-z0-9-]{2,62}",
    "storage.bicep": r"[a-z0-9]{3,24}",
}
"""What a name may be, by the module that it is given to."""
IDENTITY = {
    "identityId": {"identityId", "identity.outputs.id"},
    "identityClientId": {"identityClientId", "identity.outputs.clientId"},
    "identityPrincipalId": {"identityPrincipalId", "identity.outputs.principalId"},
}
"""Three ids of one identity, which look alike; none does in place of another."""
MUST = (
    ("Microsoft.CognitiveServices/accounts", "properties.networkAcls.defaultAction", "privateOnly ? 'Deny' : 'Allow'"),
    ("Microsoft.DocumentDB/databaseAccounts", "properties.enableMultipleWriteLocations", "false"),
    ("Microsoft.KeyVault/vaults", "properties.enablePurgeProtection", "true"),
    ("Microsoft.KeyVault/vaults", "properties.networkAcls.defaultAction", "privateOnly ? 'Deny' : 'Allow'"),
    ("Microsoft.Storage/storageAccounts", "properties.allowBlobPublicAccess", "false"),
    ("Microsoft.Storage/storageAccounts", "properties.networkAcls.defaultAction", "privateOnly ? 'Deny' : 'Allow'"),
    ("Microsoft.Web/sites", "properties.httpsOnly", "true"),
    (
        "Microsoft.Web/sites",
        "properties.siteConfig.ipSecurityRestrictionsDefaultAction",
        "empty(frontDoorId) ? 'Allow' : 'Deny'",
    ),
    (
        "Microsoft.Web/sites",
        "properties.siteConfig.ipSecurityRestrictions",
        "empty(frontDoorId) ? [] : fromFrontDoor",
    ),
)


def problems(infra: Infra) -> list[str]:
    """What is wrong, one line for each."""
    return sorted([*_names(infra), *_ids(infra), *_doors(infra), *_regions(infra)])


def _names(infra: Infra) -> Iterator[str]:
    for file in infra.files:
        for module in file.modules:
            allowed = NAMES.get(module.target.rpartition("/")[2])
            given = module.value("params", "name")
            if allowed is None or given is None:
                continue
            for name in (text(node) for node in walk(variable(file, text(given)) or given) if node.type == "string"):
                if not re.fullmatch(allowed, re.sub(r"\$\{[^}]*\}", TOKEN, name)):
                    yield f"{file.path.name}: {module.symbol} cannot be named {name}"


def _ids(infra: Infra) -> Iterator[str]:
    for file in infra.files:
        for module in file.modules:
            for name, value in _handed_over(module):
                if name in IDENTITY and value not in IDENTITY[name]:
                    yield f"{file.path.name}: {module.symbol}.{name} is {value}"
        for name, value in re.findall(
            r"^\s*(AZURE_CLIENT_ID|\w+__clientId): (\S+)$", file.path.read_text(), re.MULTILINE
        ):
            if value not in IDENTITY["identityClientId"]:
                yield f"{file.path.name}: {name} is {value}"


def _handed_over(module: Block) -> Iterator[tuple[str, str]]:
    params = module.value("params")
    yield from ((name, text(value)) for name, value in (properties(params) if params else {}).items())


def _doors(infra: Infra) -> Iterator[str]:
    for kind, path, wanted in MUST:
        for file, block in infra.blocks:
            if block.kind == kind and not block.is_existing and setting(block, path) != wanted:
                yield f"{file.path.stem}.{block.symbol}: {path} is not {wanted}"
    rule = variable(infra.file("function-app.bicep"), "fromFrontDoor")
    said = re.sub(r"\s+", " ", text(rule)) if rule is not None else ""
    if "ipAddress: 'AzureFrontDoor.Backend'" not in said or "'x-azure-fdid': [ frontDoorId ]" not in said:
        yield "function-app.bicep: any Front Door of anyone could reach the app"


def _regions(infra: Infra) -> Iterator[str]:
    """The active one starts work, writes documents, and is what a new version is brought to."""
    source = infra.main.path.read_text()
    for line in (
        "isActive: region == active\n",
        "priority: region == active ? 1 : i + 2\n",
        "regions: union([ active ], locations)\n",
        "AZURE_ACTIVE_RESOURCE_GROUP string = groupNames[activeIndex]\n",
        "AZURE_ACTIVE_FUNCTION_APP_NAME string = regions[activeIndex].outputs.functionAppName\n",
    ):
        if line not in source:
            yield f"main.bicep: lacks {line.strip()}"
