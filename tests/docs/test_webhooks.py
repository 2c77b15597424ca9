"""What docs/api.md and docs/configuration.md tell those who receive webhooks: it is run as written there."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from services.webhooks.secrets import secrets_in

DOCS = Path(__file__).parents[2] / "docs"


def test_the_receiver_shown_believes_only_what_is_signed() -> None:
    [snippet] = re.findall(r"```python\n(.*?standardwebhooks.*?)```", (DOCS / "api.md").read_text("utf-8"), re.DOTALL)
    shown: dict[str, Any] = {}
    exec(snippet, shown)  # noqa: S102 - ours
    secret, now, body = new_secret(), datetime.now(UTC), '{"type":"execution.completed","data":{"id":"e"}}'
    signature = Webhook(secret).sign("e-completed", now, body)
    headers = {
        "webhook-id": "e-completed",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    assert shown["receive"](secret, headers, body.encode()) == 204
    assert shown["receive"](secret, headers, body.replace("completed", "failed").encode()) == 401
    assert shown["receive"](new_secret(), headers, body.encode()) == 401


def test_the_secret_that_is_made_as_shown_can_be_used() -> None:
    assert secrets_in(new_secret())


def new_secret() -> str:
    [command] = re.findall(r"^echo .*openssl.*$", (DOCS / "configuration.md").read_text("utf-8"), re.MULTILINE)
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
