"""No keys anywhere, one identity, and only the roles that it needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.infra.bicep_reader import BicepFile, Block, properties, text

INFRA = Path(__file__).resolve().parents[2] / "infra" / "bicep"
FILES = [BicepFile(path) for path in sorted(INFRA.rglob("*.bicep"))]
BLOCKS = [(file, block) for file in FILES for block in file.resources]

# How each kind of resource that could be entered by a key or a password is told not to be.
LOCAL_ACCESS_OFF = {
    "Microsoft.DocumentDB/databaseAccounts": ("properties.disableLocalAuth", "true"),
    "Microsoft.Insights/components": ("properties.DisableLocalAuth", "true"),
    "Microsoft.OperationalInsights/workspaces": ("properties.features.disableLocalAuth", "true"),
    "Microsoft.SignalRService/signalR": ("properties.disableLocalAuth", "true"),
    "Microsoft.Storage/storageAccounts": ("properties.allowSharedKeyAccess", "false"),
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": ("properties.allow", "false"),
}
HAS_NO_LOCAL_ACCESS = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
    "Microsoft.DurableTask/schedulers",
    "Microsoft.DurableTask/schedulers/taskHubs",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Storage/storageAccounts/queueServices",
    "Microsoft.Storage/storageAccounts/queueServices/queues",
    "Microsoft.Web/serverfarms",
    "Microsoft.Web/sites",
    "Microsoft.Web/sites/config",
}
ROLES = {
    "00000000-0000-0000-0000-000000000002": "Cosmos DB Built-in Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "0ad04412-c4d5-4796-b79c-f76d14c8d402": "Durable Task Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "7e4f1700-ea5a-4f59-8f37-079cfe29dce3": "SignalR Service Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
}
ROLE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECRETS = re.compile(
    r"list(?:Account)?(?:Keys|Sas|ConnectionStrings)\s*\(|AccessKey|AccountKey|SharedAccess|primaryKey|@secure|password",
    re.IGNORECASE,
)

each_block = pytest.mark.parametrize(
    ("file", "block"), BLOCKS, ids=[f"{file.path.stem}.{block.symbol}" for file, block in BLOCKS]
)


def setting(block: Block, path: str) -> str | None:
    node = block.value(*path.split("."))
    return text(node) if node else None


@pytest.mark.parametrize("path", [file.path for file in FILES], ids=lambda path: path.name)
def test_no_file_reads_a_key_or_holds_a_secret(path: Path) -> None:
    assert SECRETS.findall(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "var a = storage.listKeys().keys[0].value",
        "'Endpoint=https://x;AccessKey=abc;Version=1.0;'",
        "'AccountName=x;AccountKey=abc'",
        "@secure()\nparam p string",
    ],
)
def test_a_secret_would_be_found(source: str) -> None:
    assert SECRETS.search(source)


@each_block
def test_local_access_is_off(file: BicepFile, block: Block) -> None:
    assert (block.kind in LOCAL_ACCESS_OFF) != (block.kind in HAS_NO_LOCAL_ACCESS), (
        f"{block.kind} is new here: can it be entered by a key? Say so in this test."
    )
    if block.kind in LOCAL_ACCESS_OFF:
        path, expected = LOCAL_ACCESS_OFF[block.kind]
        assert setting(block, path) == expected


def test_publishing_by_password_is_off_in_both_ways() -> None:
    policies = [block for _, block in BLOCKS if block.kind.endswith("basicPublishingCredentialsPolicies")]
    assert {setting(block, "name") for block in policies} == {"ftp", "scm"}


def test_there_is_one_identity_and_every_resource_with_an_identity_uses_it() -> None:
    made = [block for _, block in BLOCKS if block.kind == "Microsoft.ManagedIdentity/userAssignedIdentities"]
    users = [block for _, block in BLOCKS if block.value("identity")]
    assert len(made) == 1
    assert [block.kind for block in users] == ["Microsoft.Web/sites"]
    assert setting(users[0], "identity.type") == "UserAssigned"
    identities = users[0].value("identity", "userAssignedIdentities")
    assert identities is not None
    assert list(properties(identities)) == ["${identityId}"]
    storage = "properties.functionAppConfig.deployment.storage.authentication"
    assert setting(users[0], f"{storage}.type") == "UserAssignedIdentity"
    assert setting(users[0], f"{storage}.userAssignedIdentityResourceId") == "identityId"


def test_every_role_is_given_to_the_one_identity() -> None:
    main = next(file for file in FILES if file.path.name == "main.bicep")
    passed = {setting(module, "params.identityPrincipalId") for module in main.modules}
    assert passed == {"identity.outputs.principalId", None}
    assignments = [block for _, block in BLOCKS if block.kind.lower().endswith("roleassignments")]
    assert {setting(block, "properties.principalId") for block in assignments} == {"identityPrincipalId"}


def test_each_role_reaches_one_resource_and_not_the_whole_group() -> None:
    for file, block in BLOCKS:
        if block.kind == "Microsoft.Authorization/roleAssignments":
            assert setting(block, "scope") in {resource.symbol for resource in file.resources}


def test_the_roles_are_those_needed_and_no_more() -> None:
    used = {role for file in FILES for role in ROLE_ID.findall(file.path.read_text())}
    assert used == set(ROLES)
