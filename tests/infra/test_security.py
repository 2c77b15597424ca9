"""No keys anywhere, one identity, and doors that can be shut."""

from __future__ import annotations

import pytest

from tests.infra.bicep_reader import INFRA
from tests.infra.security import keys_in, problems, setting


def test_there_is_nothing_to_enter_with_but_the_identity() -> None:
    assert problems(INFRA) == []


@pytest.mark.parametrize(
    "source",
    [
        "var a = storage.listKeys().keys[0].value",
        "'Endpoint=https://x;AccessKey=abc;Version=1.0;'",
        "'AccountName=x;AccountKey=abc'",
    ],
)
def test_a_key_would_be_found(source: str) -> None:
    assert keys_in(source)


def test_publishing_by_password_is_off_in_both_ways() -> None:
    policies = [block for _, block in INFRA.blocks if block.kind.endswith("basicPublishingCredentialsPolicies")]
    assert {setting(block, "name") for block in policies} == {"ftp", "scm"}


def test_the_package_is_taken_by_the_identity() -> None:
    app = INFRA.resource("function-app.bicep", "app")
    storage = "properties.functionAppConfig.deployment.storage.authentication"
    assert setting(app, f"{storage}.type") == "UserAssignedIdentity"
    assert setting(app, f"{storage}.userAssignedIdentityResourceId") == "identityId"


def test_every_module_is_given_the_one_identity() -> None:
    modules = [module for file in INFRA.files for module in file.modules]
    passed = {setting(module, "params.identityPrincipalId") for module in modules}
    assert passed == {"identity.outputs.principalId", "identityPrincipalId", None}


def test_the_vault_keeps_what_is_deleted() -> None:
    vault = INFRA.resource("key-vault.bicep", "vault")
    assert setting(vault, "properties.enablePurgeProtection") == "true"
    assert setting(vault, "properties.enableSoftDelete") == "true"


def test_only_our_front_door_may_be_before_the_app() -> None:
    site = INFRA.resource("function-app.bicep", "app")
    assert setting(site, "properties.siteConfig.ipSecurityRestrictions") == "empty(frontDoorId) ? [] : fromFrontDoor"
    default = setting(site, "properties.siteConfig.ipSecurityRestrictionsDefaultAction")
    assert default == "empty(frontDoorId) ? 'Allow' : 'Deny'"
