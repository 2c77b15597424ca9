"""No keys anywhere, one identity, and doors that can be shut."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.infra.bicep_reader import Block, Infra, properties, text

# How each kind of resource that could be entered by a key or a password is told not to be.
LOCAL_ACCESS_OFF = {
    "Microsoft.CognitiveServices/accounts": ("properties.disableLocalAuth", "true"),
    "Microsoft.DocumentDB/databaseAccounts": ("properties.disableLocalAuth", "true"),
    "Microsoft.Insights/components": ("properties.DisableLocalAuth", "true"),
    "Microsoft.KeyVault/vaults": ("properties.enableRbacAuthorization", "true"),
    "Microsoft.OperationalInsights/workspaces": ("properties.features.disableLocalAuth", "true"),
    "Microsoft.SignalRService/signalR": ("properties.disableLocalAuth", "true"),
    "Microsoft.Storage/storageAccounts": ("properties.allowSharedKeyAccess", "false"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": ("properties.allow", "false"),
}
HAS_NO_LOCAL_ACCESS = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Cdn/profiles",
    "Microsoft.Cdn/profiles/afdEndpoints",
    "Microsoft.Cdn/profiles/afdEndpoints/routes",
    "Microsoft.Cdn/profiles/originGroups",
    "Microsoft.Cdn/profiles/originGroups/origins",
    "Microsoft.CognitiveServices/accounts/deployments",
    "Microsoft.Consumption/budgets",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
    "Microsoft.DurableTask/schedulers",
    "Microsoft.DurableTask/schedulers/taskHubs",
    "Microsoft.Insights/actionGroups",
    "Microsoft.Insights/diagnosticSettings",
    "Microsoft.Insights/scheduledQueryRules",
    "Microsoft.Insights/metricAlerts",
    "Microsoft.Insights/workbooks",
    "Microsoft.KeyVault/vaults/secrets",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/networkSecurityGroups",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Storage/storageAccounts/managementPolicies",
    "Microsoft.Storage/storageAccounts/queueServices",
    "Microsoft.Storage/storageAccounts/queueServices/queues",
    "Microsoft.Web/serverfarms",
    "Microsoft.Web/sites",
    "Microsoft.Web/sites/config",
}
TLS = {
    "Microsoft.DocumentDB/databaseAccounts": ("properties.minimalTlsVersion", "Tls12"),
    "Microsoft.Storage/storageAccounts": ("properties.minimumTlsVersion", "TLS1_2"),
    "Microsoft.Web/sites": ("properties.siteConfig.minTlsVersion", "1.2"),
}
"""Kinds of resources that may be asked for older versions. The others take 1.2 and later only."""
CLOSED = "privateOnly ? 'Disabled' : 'Enabled'"
PUBLIC_ACCESS = {
    "Microsoft.CognitiveServices/accounts": CLOSED,
    "Microsoft.DocumentDB/databaseAccounts": CLOSED,
    "Microsoft.DurableTask/schedulers": CLOSED,
    "Microsoft.KeyVault/vaults": CLOSED,
    "Microsoft.SignalRService/signalR": "Enabled",
    "Microsoft.Storage/storageAccounts": CLOSED,
}
"""What is shut when there are private endpoints. Browsers are outside, so SignalR is open, to them alone."""
KEYS = re.compile(
    r"list(?:Account)?(?:Keys|Sas|ConnectionStrings)\s*\(|AccessKey|AccountKey|SharedAccess|primaryKey|password",
    re.IGNORECASE,
)
MAKES_SECRETS = "first-secrets.bicep"
"""The one file that handles secrets; nobody gives it any, and it gives none away."""


def problems(infra: Infra) -> list[str]:
    """What is wrong, one line for each."""
    lines = [*_keys(infra), *_settings(infra), *_identity(infra), *_secrets(infra)]
    return sorted(lines)


def keys_in(source: str) -> list[str]:
    return KEYS.findall(source)


def setting(block: Block, path: str) -> str | None:
    node = block.value(*path.split("."))
    return text(node) if node else None


def _keys(infra: Infra) -> Iterator[str]:
    for file in infra.files:
        source = file.path.read_text()
        yield from (f"{file.path.name}: a key: {found}" for found in keys_in(source))
        if "@secure" in source and file.path.name != MAKES_SECRETS:
            yield f"{file.path.name}: a secret is handed in"


def _settings(infra: Infra) -> Iterator[str]:
    for file, block in infra.blocks:
        at = f"{file.path.stem}.{block.symbol}"
        if (block.kind in LOCAL_ACCESS_OFF) == (block.kind in HAS_NO_LOCAL_ACCESS):
            yield f"{at}: can {block.kind} be entered by a key? Say so in security.py"
        for wanted in (LOCAL_ACCESS_OFF, TLS):
            if (pair := wanted.get(block.kind)) and setting(block, pair[0]) != pair[1]:
                yield f"{at}: {pair[0]} is not {pair[1]}"
        public = PUBLIC_ACCESS.get(block.kind)
        if public and setting(block, "properties.publicNetworkAccess") != public:
            yield f"{at}: properties.publicNetworkAccess is not {public}"


def _identity(infra: Infra) -> Iterator[str]:
    made = [
        block.symbol for _, block in infra.blocks if block.kind == "Microsoft.ManagedIdentity/userAssignedIdentities"
    ]
    if made != ["identity"]:
        yield f"there is not one identity, but {made}"
    for file, block in infra.blocks:
        identity = block.value("identity")
        if identity is None:
            continue
        users = block.value("identity", "userAssignedIdentities")
        if setting(block, "identity.type") != "UserAssigned" or list(properties(users or identity)) != [
            "${identityId}"
        ]:
            yield f"{file.path.stem}.{block.symbol}: has another identity than the one that there is"


def _secrets(infra: Infra) -> Iterator[str]:
    file = infra.file(MAKES_SECRETS)
    yield from (
        f"{MAKES_SECRETS}: {name} has to be given"
        for name, needed in file.parameters.items()
        if needed and name != "vaultName"
    )
    source = file.path.read_text()
    for block in file.resources:
        if not block.is_existing and f"@onlyIfNotExists()\nresource {block.symbol} " not in source:
            yield f"{MAKES_SECRETS}: {block.symbol} would be made anew by each deployment"
    for node in file.root.named_children:
        if node.type == "output_declaration" and ("Token}" in text(node) or ".value" in text(node)):
            yield f"{MAKES_SECRETS}: a secret is put out"
    given = {
        name
        for other in infra.files
        for module in other.modules
        if module.target.endswith(MAKES_SECRETS)
        for name in properties(module.value("params") or module.body)
    }
    yield from (f"{name} is given to {MAKES_SECRETS}" for name in sorted(given - {"vaultName"}))
