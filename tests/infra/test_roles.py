"""Every role that the code needs is assigned, and every assigned role is needed."""

from __future__ import annotations

from tests.infra.bicep_reader import INFRA
from tests.infra.roles import BINDINGS, NAMES, SCOPES, SDKS, asked, assigned, needed, problems


def test_what_is_needed_is_assigned_and_nothing_else() -> None:
    assert problems(INFRA) == []


def test_whatever_the_code_asks_for_is_in_the_tables() -> None:
    packages, bindings, scopes = asked()
    assert packages <= set(SDKS)
    assert bindings <= set(BINDINGS), "which role does the host need for that binding?"
    assert scopes <= set(SCOPES), "which role does the app need there?"


def test_the_tables_have_no_bindings_or_scopes_that_nobody_asks_for() -> None:
    _, bindings, scopes = asked()
    assert set(BINDINGS) == set(bindings)
    assert set(SCOPES) == set(scopes)


def test_every_role_has_a_name() -> None:
    assert {role.id for role in needed() | assigned(INFRA)} == set(NAMES)


def test_each_role_reaches_one_resource_and_not_the_whole_group() -> None:
    assert not {role.on for role in assigned(INFRA)} & {"Microsoft.Resources/resourceGroups", ""}
