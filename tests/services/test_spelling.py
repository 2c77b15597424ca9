"""Variables that look like ours: told, with what was probably meant; and never one that is somebody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.settings import Settings, SettingsError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("MODEL_TIMOUT", "MODEL_TIMEOUT"),
        ("EMBEDING_MODEL", "EMBEDDING_MODEL"),
        ("START_QEUE", "START_QUEUE"),
        ("WEBHOOKS_SECRET", "WEBHOOK_SECRET"),
        ("META_AGENT_TOKEN", "META_AGENTS_TOKEN"),
        ("AZURE_OPENAI_KEY", "AZURE_OPENAI_API_KEY"),
        ("model_name", "MODEL_NAME"),
    ],
)
def test_the_nearest_that_is_read_is_named(written: str, meant: str) -> None:
    assert Settings.unread({written: "x"}) == [f"{written}: nothing reads it; was {meant} meant?"]


@pytest.mark.parametrize(
    "name",
    [
        "MODEL_TIMEOUT",  # read by us
        "META_AGENTS_URL",  # read by the command line
        "MODEL_KEY_NAMES",
        "SECRET_HOSTS_KEY",  # of a family
        "AzureSignalRConnectionString__hubName",  # the host's
        "AZURE_CLIENT_SECRET",
        "OPENAI_ORG_ID",
        "SECRETS",
        "TOOLCHAIN",
        "MODEL",
    ],
)
def test_others_are_left_alone(name: str) -> None:
    assert Settings.unread({name: "x"}) == []


def test_it_is_told_together_with_what_cannot_be_used() -> None:
    with pytest.raises(SettingsError, match="MODEL_NAM: nothing reads it; was MODEL_NAME meant"):
        Settings.from_environment({"OPENAI_BASE_URL": "https://x/v1", "MODEL_NAM": "m"})


def test_a_process_logs_it_once(tmp_path: Path) -> None:
    code = "from services.wiring import services; services(); services()"
    environment = {**os.environ, "META_AGENTS_STATE_DIR": str(tmp_path), "MODEL_TIMOUT": "5"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "MODEL_TIMOUT: nothing reads it; was MODEL_TIMEOUT meant?\n"
