"""host.json, local.settings.json and which of them wins in the environment."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from devhost.errors import StartupError
from devhost.settings import QueueOptions, apply_environment, read_host_json, read_local_settings, whole_number


def test_defaults(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "logging": {"any": "thing"}}')
    host_json = read_host_json(tmp_path)
    assert host_json.extensions.http.route_prefix == "api"
    assert host_json.extensions.durable_task.hub_name == "DevHub"
    assert read_local_settings(tmp_path).values == {}


def test_options_are_read(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(
        '{"version": "2.0", "extensions": {"http": {"routePrefix": "/v1/"}, '
        '"durableTask": {"hubName": "H", "maxConcurrentActivityFunctions": 3}}}'
    )
    extensions = read_host_json(tmp_path).extensions
    assert (extensions.http.route_prefix, extensions.durable_task.hub_name) == ("v1", "H")
    assert extensions.durable_task.model_dump(by_alias=True)["maxConcurrentActivityFunctions"] == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "is missing"),
        ('{"version": "2.0"} // comment', "is not strict JSON"),
        ('{"version": "1.0"}', "is wrong at 'version'"),
        ('{"version": "2.0", "extensions": {"http": {"routePrefix": 5}}}', "at 'extensions.http.routePrefix'"),
    ],
)
def test_a_bad_host_json_is_one_sentence(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "host.json").write_text(text)
    with pytest.raises(StartupError, match=sentence) as raised:
        read_host_json(tmp_path)
    assert "\n" not in str(raised.value)


def test_the_environment_wins_over_settings_and_they_over_defaults(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    path.write_text('\ufeff{"IsEncrypted": false, "Values": {"A": "file", "B": "file", "N": 5, "T": true}}', "utf-8")
    environ = {"A": "environment"}
    apply_environment(environ, read_local_settings(tmp_path), {"B": "default", "C": "default"})
    assert environ == {"A": "environment", "B": "file", "C": "default", "N": "5", "T": "true"}


def test_encrypted_settings_are_refused(tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text('{"IsEncrypted": true, "Values": {}}')
    with pytest.raises(StartupError, match="func settings decrypt"):
        read_local_settings(tmp_path)


def test_numbers_among_the_settings() -> None:
    assert whole_number({"N": "5"}, "N", 1) == 5
    assert whole_number({"N": ""}, "N", 1) == 1
    assert whole_number({}, "N", None) is None
    for text in ("0", "-1", "many"):
        with pytest.raises(StartupError, match=f"N must be a positive whole number, not '{text}'"):
            whole_number({"N": text}, "N", 1)


def test_the_queues_of_host_json(tmp_path: Path) -> None:
    queues = {
        "batchSize": 5, "maxPollingInterval": "00:00:03", "visibilityTimeout": "00:01:00", "messageEncoding": "None"
    }  # fmt: skip
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"queues": queues}}))
    options = read_host_json(tmp_path).extensions.queues
    assert (options.batch_size, options.threshold, options.max_dequeue_count) == (5, 2, 5)
    assert (options.max_polling_interval, options.visibility_timeout) == (timedelta(seconds=3), timedelta(minutes=1))
    assert options.message_encoding == "none"
    defaults = QueueOptions()
    assert (defaults.batch_size, defaults.threshold, defaults.message_encoding) == (16, 8, "base64")
    assert (defaults.max_polling_interval, defaults.visibility_timeout) == (timedelta(seconds=2), timedelta())


@pytest.mark.parametrize(
    "queues",
    [
        {"batchSize": 33},
        {"batchSize": 0},
        {"maxDequeueCount": 0},
        {"newBatchThreshold": -1},
        {"maxPollingInterval": 2000},
        {"maxPollingInterval": "00:00:00.05"},
        {"visibilityTimeout": "soon"},
        {"messageEncoding": "utf8"},
    ],
)
def test_wrong_queues_are_told(tmp_path: Path, queues: dict[str, object]) -> None:
    (tmp_path / "host.json").write_text(json.dumps({"version": "2.0", "extensions": {"queues": queues}}))
    with pytest.raises(StartupError, match=f"at 'extensions.queues.{next(iter(queues))}'"):
        read_host_json(tmp_path)
