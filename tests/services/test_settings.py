from __future__ import annotations

import logging
from decimal import Decimal
from pathlib import Path

import pytest

from services.settings import Settings, SettingsError

SECRETS = {
    "META_AGENTS_TOKEN": "secret-1",
    "OPENAI_API_KEY": "secret-2",
    "AZURE_OPENAI_API_KEY": "secret-3",
    "AzureSignalRConnectionString": "Endpoint=https://x;AccessKey=secret-4;",
    "WEBHOOK_SECRET": "whsec_c2VjcmV0LTUgb2YgYXMgbWFueSBieXRlcyBhcyBpcyBhc2tlZA==",
}


def test_everything_has_a_default() -> None:
    settings = Settings.from_environment({"PATH": "/bin", "UNRELATED": "x"})
    assert settings.state_dir == Path(".local")
    assert settings.provider == "none"
    assert (settings.model_timeout, settings.model_concurrency) == (120, 8)


def test_everything_is_read() -> None:
    settings = Settings.from_environment(
        {
            **SECRETS,
            "META_AGENTS_STATE_DIR": "/state",
            "OPENAI_BASE_URL": "http://127.0.0.1:8080/v1",
            "MODEL_NAME": "m",
            "MODEL_ALIASES": '{"small": "s"}',
            "MODEL_PRICES": '{"m": [0.4, "1.60"]}',
            "MODEL_TIMEOUT": "2.5",
            "MODEL_CONCURRENCY": "3",
            "WEBHOOK_HOSTS": "hooks.example.com, *.Example.org:8443,",
        }
    )
    assert settings.state_dir == Path("/state")
    assert str(settings.openai_base_url) == "http://127.0.0.1:8080/v1"
    assert (settings.model_timeout, settings.model_concurrency) == (2.5, 3)
    assert settings.model_prices == {"m": (Decimal("0.4"), Decimal("1.60"))}
    assert (settings.model_name, settings.model_aliases) == ("m", {"small": "s"})
    assert settings.webhook_hosts is not None
    assert [(entry.host, entry.port, entry.any_below) for entry in settings.webhook_hosts.entries] == [
        ("hooks.example.com", None, False),
        ("example.org", 8443, True),
    ]
    assert settings.token is not None
    assert settings.token.get_secret_value() == "secret-1"


def test_empty_is_unset() -> None:
    settings = Settings.from_environment({"MODEL_TIMEOUT": "", "OPENAI_BASE_URL": " ", "META_AGENTS_TOKEN": ""})
    assert settings == Settings.from_environment({})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MODEL_TIMEOUT", "soon", "valid number"),
        ("MODEL_TIMEOUT", "0", "greater than 0"),
        ("MODEL_CONCURRENCY", "0", "greater than or equal to 1"),
        ("MODEL_CONCURRENCY", "1.5", "integer"),
        ("MODEL_PRICES", "{", "Invalid JSON"),
        ("MODEL_PRICES", '{"m": 1}', "tuple"),
        ("MODEL_PRICES", '{"m": ["a", "b"]}', "decimal"),
        ("MODEL_ALIASES", '["m"]', "dictionary"),
        ("OPENAI_BASE_URL", "localhost:8080", "URL"),
        ("AZURE_OPENAI_ENDPOINT", "my-resource", "URL"),
        ("WEBHOOK_HOSTS", "https://hooks.example.com", "hooks.example.com:8443"),
        ("WEBHOOK_HOSTS", "good.example.com,bad host", "'bad host' is not a host"),
        ("WEBHOOK_HOSTS", "*", "is not a host"),
        ("WEBHOOK_HOSTS", "*.com", "too wide"),
        ("WEBHOOK_HOSTS", "*.0.0.1", "is not a host"),
        ("WEBHOOK_HOSTS", "*.10.0.0.1", "too wide"),
        ("WEBHOOK_HOSTS", "2130706433", "is not a host"),
        ("WEBHOOK_HOSTS", "::1", "is not a host"),
        ("WEBHOOK_HOSTS", "[::1", "is not a host"),
        ("WEBHOOK_HOSTS", "a.example.com:0", "than a port"),
        ("WEBHOOK_SECRET", "c2VjcmV0LTUgb2YgYXMgbWFueSBieXRlcyBhcyBpcyBhc2tlZA==", "whsec_"),
        ("WEBHOOK_SECRET", "whsec_too+short", "24 to 64"),
        ("WEBHOOK_SECRET", "whsec_not base64", "base64"),
        ("WEBHOOK_SECRET", "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/s)", "whsec_"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({name: value, "MODEL_NAME": "m"})
    first, *_ = str(caught.value).splitlines()
    assert first.startswith(name)
    assert says in first


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"MODEL_TIMEOUT": "x", "MODEL_CONCURRENCY": "y"})
    assert [line.split(":")[0] for line in str(caught.value).splitlines()[:2]] == ["MODEL_TIMEOUT", "MODEL_CONCURRENCY"]


def test_each_variable_has_one_line_however_much_is_wrong_with_it() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"MODEL_PRICES": '{"m": ["a", "b"]}', "CALL_LIMITS": '{"tenant": 0, "x": 1}'})
    prices, limits, _ = str(caught.value).splitlines()
    assert prices.startswith("MODEL_PRICES: m: 0: ")
    assert limits.startswith("CALL_LIMITS: tenant: ")


def test_all_that_does_not_fit_together_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({"WEBHOOK_HOSTS": "a.example.com", "OPENAI_BASE_URL": "https://x/v1"})
    model, webhooks, _ = str(caught.value).splitlines()
    assert "MODEL_NAME must say" in model
    assert "WEBHOOK_SECRET must say" in webhooks


def test_only_the_names_of_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_NAME", "of-this-machine")
    assert Settings().model_name is None
    assert Settings.from_environment().model_name == "of-this-machine"
    assert Settings.from_environment({"model_name": "m", "token": "t", "secrets": "s"}) == Settings()


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"])
def test_an_endpoint_needs_a_model(name: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_NAME"):
        Settings.from_environment({name: "https://x"})


def test_hosts_for_webhooks_need_a_secret() -> None:
    with pytest.raises(SettingsError, match="WEBHOOK_SECRET"):
        Settings.from_environment({"WEBHOOK_HOSTS": "hooks.example.com"})
    both = {"WEBHOOK_HOSTS": "hooks.example.com", "WEBHOOK_SECRET": SECRETS["WEBHOOK_SECRET"]}
    assert Settings.from_environment(both).webhook_hosts


def test_a_key_that_happens_to_be_there_sets_up_nothing() -> None:
    assert Settings.from_environment({"OPENAI_API_KEY": "k"}).provider == "none"


def test_secrets_are_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.from_environment({**SECRETS, "MODEL_NAME": "m"})
    logging.getLogger("test").warning("%s %r", settings, settings)
    shown = [caplog.text, settings.model_dump_json()]
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**SECRETS, "AZURE_OPENAI_ENDPOINT": "https://x"})
    text = "".join([*shown, str(caught.value)])
    assert [secret for secret in SECRETS.values() if secret in text] == []


@pytest.mark.parametrize("text", ["0 */5 * * * *", "*/5 * * * *", "0 0 9 * * MON-FRI", "%OTHER%"])
def test_schedules_of_the_host(text: str) -> None:
    assert Settings.from_environment({"SWEEP_CRON": text}).sweep_cron == text


@pytest.mark.parametrize("text", ["every minute", "* *", "0 0 0 0 0 0 0", "0 * * * * ?"])
def test_what_is_no_schedule_is_said_with_one(text: str) -> None:
    with pytest.raises(SettingsError, match=r"SWEEP_CRON: write six fields"):
        Settings.from_environment({"SWEEP_CRON": text})


def test_a_connection_needs_the_queue_it_is_for() -> None:
    with pytest.raises(SettingsError, match="START_QUEUE must name the queue"):
        Settings.from_environment({"START_QUEUE_CONNECTION": "Orders"})
    both = {"START_QUEUE": "orders", "START_QUEUE_CONNECTION": "Orders"}
    assert Settings.from_environment(both).start_queue_connection == "Orders"


@pytest.mark.parametrize(("labels", "kept"), [("-", ("-",)), ("production, live", ("production", "live"))])
def test_protected_labels(labels: str, kept: tuple[str, ...]) -> None:
    assert Settings.from_environment({"PROTECTED_LABELS": labels}).protected_labels == kept


def test_what_cannot_be_a_label_is_not_taken_for_a_protected_one() -> None:
    with pytest.raises(SettingsError, match="'Production' cannot be a label"):
        Settings.from_environment({"PROTECTED_LABELS": "Production"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"COSMOS_KEY": "a2V5"}, "COSMOS_KEY is set without COSMOS_ENDPOINT"),
        ({"COSMOS_ENDPOINT": "http://127.0.0.1:8081"}, "needs https; or COSMOS_KEY"),
        ({"COSMOS_ENDPOINT": "name.documents.azure.com"}, "COSMOS_ENDPOINT"),
        ({"COSMOS_ENDPOINT": "https://name.documents.azure.com/dbs/x"}, "goes on after the host"),
        ({"COSMOS_ENDPOINT": "http://127.0.0.1:8081", "COSMOS_KEY": "a2V"}, "COSMOS_KEY is no base64"),
        ({"BLOB_ENDPOINT": "http://127.0.0.1:10000/devstoreaccount1"}, "BLOB_ENDPOINT"),
        ({"BLOB_ENDPOINT": "https://x", "BLOB_CONNECTION_STRING": "UseDevelopmentStorage=true"}, "so unset one"),
        ({"BLOB_CONTAINER": "Artifacts"}, "BLOB_CONTAINER"),
        ({"BLOB_CONTAINER": "ab"}, "BLOB_CONTAINER"),
    ],
)
def test_stores_that_cannot_be_meant(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Settings.from_environment(given)


def test_cosmos_db_by_identity_and_an_emulator_by_key() -> None:
    by_identity = Settings.from_environment({"COSMOS_ENDPOINT": "https://name.documents.azure.com"})
    assert (by_identity.cosmos_database, by_identity.cosmos_container) == ("meta-agents", "documents")
    emulator = {"COSMOS_ENDPOINT": "http://127.0.0.1:8081", "COSMOS_KEY": "a2V5"}
    assert "a2V5" not in repr(Settings.from_environment(emulator))
