"""Secrets by reference: whose they are, where they may go, and that they come back nowhere."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from domain.errors import Code, Fault, ProblemError
from domain.secrets import SecretReference
from domain.webhooks import Target
from services.secrets import GONE, Secrets
from services.settings import Settings, SettingsError

VALUE = "s3cr3t/+\"value' 1"
CRM = Target.of("https://crm.example.com/x")
REFERENCE = SecretReference(secret="CRM_KEY", prefix="Bearer ")


def secrets(**more: str) -> Secrets:
    hosts = {"CRM_KEY": ["crm.example.com", "*.crm.example.com:8443"]}
    return Secrets.of(
        Settings.from_environment({"SECRET_CRM_KEY": f"{VALUE}\n", "SECRET_HOSTS": json.dumps(hosts), **more})
    )


def refused(made: Secrets, reference: SecretReference, tenant: str, target: Target) -> str:
    with pytest.raises(ProblemError) as caught:
        made.for_host(reference, tenant, target)
    problem = caught.value.problem
    assert (problem.code, problem.fault) == (Code.SECRET_UNAVAILABLE, Fault.PLATFORM)
    assert reference.secret in problem.message
    assert VALUE not in problem.message + problem.action
    return problem.message


def test_it_is_looked_up_by_its_name() -> None:
    assert secrets().for_host(REFERENCE, "one", CRM) == f"Bearer {VALUE}"


def test_one_that_is_missing_is_named() -> None:
    assert "no secret `OTHER`" in refused(secrets(), SecretReference(secret="OTHER"), "one", CRM)


def test_a_reference_that_azure_could_not_look_up_is_not_sent() -> None:
    made = secrets(SECRET_CRM_KEY="@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)")
    assert "no secret `CRM_KEY`" in refused(made, REFERENCE, "one", CRM)


def test_another_tenants_looks_like_none() -> None:
    walled = secrets(SECRET_TENANTS='{"CRM_KEY": ["one"]}')
    assert walled.for_host(REFERENCE, "one", CRM)
    said = refused(walled, REFERENCE, "two", CRM)
    missing = refused(secrets(), SecretReference(secret="CRM_KEYS"), "two", CRM)
    assert said == missing.replace("CRM_KEYS", "CRM_KEY")
    refused(walled, REFERENCE, "", CRM)
    with pytest.raises(ProblemError):
        walled.local(REFERENCE, "two")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "https://crm.example.com.evil.com/",
        "https://crm.example.com:8443/",
        "http://crm.example.com/",
        "https://crm.example.com:80/",
    ],
)
def test_it_is_sent_to_its_hosts_only(url: str) -> None:
    assert "may not be sent" in refused(secrets(), REFERENCE, "one", Target.of(url))


def test_without_hosts_it_is_sent_nowhere() -> None:
    made = Secrets.of(Settings.from_environment({"SECRET_CRM_KEY": VALUE}))
    assert "may not be sent" in refused(made, REFERENCE, "one", CRM)


@pytest.mark.parametrize(
    "said",
    [
        VALUE,
        quote(VALUE, safe=""),
        json.dumps(VALUE),
        base64.b64encode(VALUE.encode()).decode(),
        f"before {VALUE} and {VALUE} after",
    ],
)
def test_however_it_is_said_back_it_is_taken_out(said: str) -> None:
    made = secrets(SECRET_LONGER=f"{VALUE}-and-more")
    found = json.dumps(made.scrubbed({"echo": [said, {said: 1}], "n": 5}))
    assert found.count(GONE) >= 2
    for shape in (VALUE, quote(VALUE, safe=""), base64.b64encode(VALUE.encode()).decode().rstrip("=")):
        assert shape not in found
    assert made.scrubbed(f"x{VALUE}-and-more") == f"x{GONE}"


def test_nothing_else_is_touched() -> None:
    value = {"a": ["harmless", 1, None, True]}
    assert secrets().scrubbed(value) == value
    assert Secrets({}, {}, {}).scrubbed(VALUE) == VALUE


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SECRET_A": "short"}, "SECRET_A is shorter"),
        ({"SECRET_A": "two\nlines of it"}, "SECRET_A has something else"),
        ({"SECRET_HOSTS": '{"A": ["example.com"]}'}, "so SECRET_A must hold its value"),
        ({"SECRET_TENANTS": '{"A": ["t"]}'}, "so SECRET_A must hold its value"),
        ({"SECRET_A": "long enough", "SECRET_HOSTS": '{"A": ["*.com"]}'}, "too wide"),
    ],
)
def test_what_cannot_be_used_is_said_at_once(environment: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says) as caught:
        Settings.from_environment(environment)
    assert "two\nlines" not in str(caught.value)


def test_settings_do_not_show_them() -> None:
    settings = Settings.from_environment({"SECRET_CRM_KEY": VALUE})
    assert VALUE not in repr(settings) + str(settings.model_dump())
    assert json.dumps(VALUE)[1:-1] not in settings.model_dump_json()
