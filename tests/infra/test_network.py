"""Whatever is shut to the internet has a private endpoint with a name; Front Door asks a page that there is."""

from __future__ import annotations

import ast

from tests.infra.bicep_reader import INFRA, ROOT, properties, text, variable, walk
from tests.infra.security import PUBLIC_ACCESS, setting

GROUPS = {
    "Microsoft.CognitiveServices/accounts": {"account"},
    "Microsoft.DocumentDB/databaseAccounts": {"Sql"},
    "Microsoft.DurableTask/schedulers": {"scheduler"},
    "Microsoft.KeyVault/vaults": {"vault"},
    "Microsoft.SignalRService/signalR": {"signalr"},
    "Microsoft.Storage/storageAccounts": {"blob", "queue", "table"},
}
"""What Azure calls the parts of each kind of resource that a private endpoint can lead to."""


def targets() -> list[dict[str, str]]:
    """What private endpoints are made for, in whichever file it is listed."""
    nodes = [node for file in (INFRA.main, INFRA.file("region.bicep")) for node in walk(file.root)]
    objects = [properties(node) for node in nodes if node.type == "object"]
    return [
        {name: text(value) for name, value in each.items()}
        for each in objects
        if set(each) == {"name", "id", "group", "zone"}
    ]


def zones() -> list[str]:
    values = [variable(INFRA.file("region.bicep"), name) for name in ("storageZones", "otherZones")]
    return [text(node) for value in values if value is not None for node in walk(value) if node.type == "string"]


def test_everything_that_can_be_shut_is_reached_otherwise() -> None:
    assert set(GROUPS) == set(PUBLIC_ACCESS)
    assert {target["group"] for target in targets()} == set().union(*GROUPS.values())


def test_both_accounts_of_storage_are_reached() -> None:
    blobs = {target["id"] for target in targets() if target["group"] == "blob"}
    assert blobs == {"storage.outputs.id", "artifacts.outputs.id"}


def test_each_endpoint_has_its_name_in_a_zone_that_is_made_and_no_zone_is_idle() -> None:
    # By name, or by their place in the list of those of storage.
    named = {f"storageZones[{place}]": zone for place, zone in enumerate(zones())}
    used = {named.get(target["zone"], target["zone"]) for target in targets()}
    assert used == set(zones())


def test_names_of_endpoints_differ() -> None:
    names = [target["name"] for target in targets()]
    assert sorted(names) == sorted(set(names))


def test_the_app_sends_from_a_subnet_of_its_own() -> None:
    source = INFRA.file("network.bicep").path.read_text()
    assert "serviceName: 'Microsoft.App/environments'" in source  # what Flex Consumption runs on
    assert setting(INFRA.resource("function-app.bicep", "app"), "properties.virtualNetworkSubnetId") == (
        "empty(subnetId) ? null : subnetId"
    )


def test_front_door_probes_the_health_of_the_app() -> None:
    tree = ast.parse((ROOT / "function_app.py").read_text("utf-8"))
    paths = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    probed = setting(INFRA.resource("front-door.bicep", "apps"), "properties.healthProbeSettings.probePath")
    assert probed is not None
    assert probed.lstrip("/") in paths
