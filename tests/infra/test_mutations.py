"""Each check sees what it is there for: a file is broken in some way, and the check that should say so does."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra import app_settings, kinds, parameters, roles, security, wiring
from tests.infra.azure_types import recorded, unknown
from tests.infra.bicep_reader import (
    INFRA,
    Infra,
    module_problems,
    syntax_errors,
    undeclared_names,
    unused_modules,
    unused_names,
    unused_outputs,
)

Check = Callable[[Infra], list[str]]


def syntax(infra: Infra) -> list[str]:
    return [line for file in infra.files for line in syntax_errors(file)]


def names(infra: Infra) -> list[str]:
    return [line for file in infra.files for line in (*undeclared_names(file), *unused_names(file), *file.undescribed)]


def modules(infra: Infra) -> list[str]:
    return [*(line for file in infra.files for line in module_problems(file)), *unused_modules(infra)]


def types(infra: Infra) -> list[str]:
    return unknown(infra.files, recorded())


MUTATIONS: dict[Check, list[tuple[str, str, str]]] = {
    syntax: [
        ("main.bicep", "var active = ", "var active "),
        ("modules/cosmos.bicep", "      id: databaseName\n    }", "      id: databaseName\n"),
    ],
    names: [
        ("main.bicep", "location: location", "location: locaton"),
        ("main.bicep", "toLower(", "toLover("),
        ("modules/signalr.bicep", "capacity: units", "capacity: 1"),
        ("modules/storage.bicep", "@description('Region of the account.')\n", ""),
        ("modules/network.bicep", "dnsZones[i]", "dnsZones[j]"),
    ],
    modules: [
        ("main.bicep", "    backupTier: cosmosBackupTier\n", ""),
        ("modules/region.bicep", "    sku: signalRSku\n", "    tier: signalRSku\n"),
        ("main.bicep", "./modules/cosmos.bicep", "./modules/kosmos.bicep"),
        ("main.bicep", "cosmos.outputs.endpoint", "cosmos.outputs.address"),
        ("main.bicep", "regions[0].outputs.signalRName", "regions[0].outputs.signalrName"),
    ],
    unused_outputs: [("main.bicep", "BLOB_ENDPOINT: artifacts.outputs.blobEndpoint", "BLOB_ENDPOINT: ''")],
    types: [
        ("modules/cosmos.bicep", "disableKeyBasedMetadataWriteAccess", "disableKeyBasedMetaDataWriteAccess"),
        ("modules/cosmos.bicep", "kind: 'MultiHash'", "kind: 'Multihash'"),
        ("modules/durable-task.bicep", "schedulers@2026-02-01", "schedulers@2026-02-30"),
        ("modules/front-door.bicep", "probePath:", "path:"),
        ("modules/function-app.bicep", "tag: 'ServiceTag'", "tag: 'Service'"),
        ("modules/key-vault.bicep", "createMode: recover ? 'recover' :", "createMode: recover ? 'restore' :"),
    ],
    kinds.problems: [
        ("main.bicep", "zoneRedundant: zoneRedundant", "zoneRedundant: location"),
        ("modules/region.bicep", "capacity: durableTaskCapacity", "capacity: '1'"),
        ("modules/region.bicep", "zones: concat(storageZones, otherZones)", "zones: toLower(location)"),
        ("modules/cosmos.bicep", "string = account.properties.documentEndpoint", "string = regions"),
        ("main.bicep", "  name: 'cosmos'\n", "  name: 'cosmos-${identity.outputs.clientId}'\n"),
        ("main.bicep", "hasFrontDoor ? frontDoor.outputs.frontDoorId : ''", "frontDoor.outputs.frontDoorId"),
        ("main.bicep", "if (hasFrontDoor) {", "if (empty(keyVault.outputs.name)) {"),
        (
            "main.bicep",
            "var groupNames = [for (region, i) in locations:",
            "var groupNames = [for (region, i) in cosmos.outputs.name:",
        ),
        ("modules/front-door.bicep", "[for origin in origins:", "[for origin in profile.properties.all:"),
    ],
    security.problems: [
        ("modules/cosmos.bicep", "disableLocalAuth: true", "disableLocalAuth: false"),
        ("modules/storage.bicep", "    allowSharedKeyAccess: false\n", ""),
        ("modules/artifacts.bicep", "minimumTlsVersion: 'TLS1_2'", "minimumTlsVersion: 'TLS1_0'"),
        ("modules/openai.bicep", "privateOnly ? 'Disabled' : 'Enabled'", "'Enabled'"),
        ("modules/function-app.bicep", "type: 'UserAssigned'\n", "type: 'SystemAssigned, UserAssigned'\n"),
        (
            "modules/storage.bicep",
            "output name string = account.name",
            "output name string = account.listKeys().keys[0].value",
        ),
        ("modules/region.bicep", "@description('The region.')\n", "@secure()\n@description('The region.')\n"),
        ("modules/first-secrets.bicep", "@onlyIfNotExists()\nresource token", "resource token"),
        ("modules/first-secrets.bicep", " = '${newGuid()}${newGuid()}'", ""),
        ("modules/first-secrets.bicep", "secrets/${token.name}'", "secrets/${newToken}'"),
        (
            "modules/key-vault.bicep",
            "    vaultName: vault.name\n",
            "    vaultName: vault.name\n    newToken: 'known'\n",
        ),
        ("modules/signalr.bicep", "Microsoft.SignalRService/signalR@", "Microsoft.SignalRService/webPubSub@"),
    ],
    roles.problems: [
        ("modules/storage.bicep", "  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3' // Storage Table Data Contributor\n", ""),
        ("modules/artifacts.bicep", "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"),
        ("modules/artifacts.bicep", "  scope: artifacts\n", "  scope: account\n"),
        ("modules/key-vault.bicep", "principalId: operatorPrincipalId", "principalId: identityPrincipalId"),
        ("modules/cosmos.bicep", "-000000000002'", "-000000000001'"),
        (
            "modules/monitoring.bicep",
            "'Microsoft.Authorization/roleAssignments@2022-04-01' =",
            "'Microsoft.Other/x@1' =",
        ),
    ],
    wiring.problems: [
        ("main.bicep", "name: 'sta${tokens[0]}'", "name: 'stmetaagentsartifacts${tokens[0]}'"),
        ("main.bicep", "name: 'kv-${tokens[0]}'", "name: 'kv-meta-agents-${tokens[0]}'"),
        ("modules/region.bicep", "name: 'st${token}'", "name: 'st-${token}'"),
        ("modules/region.bicep", "'func-${token}'", "'func-meta-agents-orchestrator-${token}'"),
        ("main.bicep", "AZURE_CLIENT_ID: identity.outputs.clientId", "AZURE_CLIENT_ID: identity.outputs.principalId"),
        ("main.bicep", "identityClientId: identity.outputs.clientId", "identityClientId: identity.outputs.principalId"),
        (
            "modules/region.bicep",
            "AzureWebJobsStorage__clientId: identityClientId",
            "AzureWebJobsStorage__clientId: identityId",
        ),
        ("modules/storage.bicep", "defaultAction: privateOnly ? 'Deny' : 'Allow'", "defaultAction: 'Allow'"),
        ("modules/artifacts.bicep", "allowBlobPublicAccess: false", "allowBlobPublicAccess: true"),
        ("modules/key-vault.bicep", "    enablePurgeProtection: true\n", ""),
        ("modules/cosmos.bicep", "enableMultipleWriteLocations: false", "enableMultipleWriteLocations: true"),
        ("modules/function-app.bicep", "httpsOnly: true", "httpsOnly: false"),
        ("modules/function-app.bicep", "empty(frontDoorId) ? 'Allow' : 'Deny'", "'Allow'"),
        ("modules/function-app.bicep", "      'x-azure-fdid': [\n        frontDoorId\n      ]\n", ""),
        ("main.bicep", "isActive: region == active", "isActive: region != active"),
        ("main.bicep", "regions[activeIndex].outputs.functionAppName", "regions[0].outputs.functionAppName"),
    ],
    parameters.problems: [
        ("main.parameters.json", '"modelName"', '"modelname"'),
        ("main.dev.parameters.json", '"location": { "value": "${AZURE_LOCATION}" },\n', ""),
        ("main.prod.parameters.json", '"Premium_P1"', '"Premium_P2"'),
        ("main.prod.parameters.json", '"Premium_P1"', '"Free_F1"'),
        ("main.prod.parameters.json", '"value": 10000', '"value": 10500'),
        ("main.prod.parameters.json", '"value": 10000', '"value": "10000"'),
        ("main.prod.parameters.json", '"durableTaskCapacity": { "value": 3 }', '"durableTaskCapacity": { "value": 4 }'),
        ("main.prod.parameters.json", '"standbyLocations": { "value": [] }', '"standbyLocations": { "value": ["x"] }'),
        ("main.prod.parameters.json", '["${ALERT_EMAIL}"]', "[]"),
        ("main.dev.parameters.json", '"modelName": { "value": "chat" }', '"modelName": { "value": "talk" }'),
        ("main.dev.parameters.json", '"sku": "GlobalStandard", "capacity"', '"tier": "GlobalStandard", "capacity"'),
    ],
    app_settings.problems: [
        ("main.bicep", "COSMOS_ENDPOINT:", "COSMOS_ADDRESS:"),
        ("main.bicep", "      META_AGENTS_TOKEN: keyVault.outputs.tokenReference\n", ""),
        ("main.bicep", "{ EMBEDDING_MODEL: embeddingModel }", "{}"),
        ("modules/region.bicep", "'AzureWebJobs.sweep.Disabled'", "'AzureWebJobs.swept.Disabled'"),
        ("modules/region.bicep", "      AzureWebJobsStorage__clientId: identityClientId\n", ""),
        (
            "modules/region.bicep",
            "AzureWebJobsStorage__accountName:",
            "AzureWebJobsStorage: 'x'\n      AzureWebJobsStorage__accountName:",
        ),
        ("modules/region.bicep", "PYTHON_ENABLE_INIT_INDEXING:", "WEBSITE_RUN_FROM_PACKAGE:"),
        (
            "modules/region.bicep",
            "      PYTHON_ENABLE_INIT_INDEXING: '1'\n",
            "      PYTHON_ENABLE_INIT_INDEXING: '1'\n"
            "      AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'\n",
        ),
    ],
}
CASES = [
    pytest.param(check, *change, id=f"{check.__module__}.{check.__name__}: {change[1][:40]!r}")
    for check, changes in MUTATIONS.items()
    for change in changes
]


@pytest.mark.parametrize(("check", "file", "old", "new"), CASES)
def test_a_broken_file_is_found(check: Check, file: str, old: str, new: str, tmp_path: Path) -> None:
    folder = tmp_path / "bicep"
    shutil.copytree(INFRA.folder, folder)
    source = (folder / file).read_text()
    assert old in source
    (folder / file).write_text(source.replace(old, new, 1))
    assert check(Infra(folder)) != []


@pytest.mark.parametrize("check", MUTATIONS)
def test_files_as_they_are_pass(check: Check) -> None:
    assert check(INFRA) == []
