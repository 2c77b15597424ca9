"""The value of a `durableClient` binding, from which the SDK builds its client."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from devhost.expressions import ExpressionError, resolve_settings
from devhost.settings import DurableOptions

log = logging.getLogger("devhost")

API_PATH = "/runtime/webhooks/durabletask"
EXTENSION = "durabletask"
_NO_KEY = "devhost"  # while keys are not asked for: apps that hide the real one in logs should have one to hide


def task_hub(name: str, environ: Mapping[str, str]) -> str:
    """The task hub that host.json names. It parts nothing here, so an unset setting need not stop the app."""
    try:
        return str(resolve_settings(name, environ))
    except ExpressionError as error:
        hub = DurableOptions().hub_name
        log.warning("host.json: %s, so the task hub is called %s", error, hub)
        return hub


@dataclass(frozen=True)
class DurableUrls:
    """The URLs of one task hub. `origin` is where callers reach the host, `rpc_origin` where the app itself does.

    `key` is the system key that callers need.
    """

    origin: str
    rpc_origin: str
    hub: str
    key: str = _NO_KEY

    @property
    def _query(self) -> str:
        return f"taskHub={self.hub}&connection=Storage&{self._code}"

    @property
    def _code(self) -> str:
        return f"code={self.key}"

    def management(self, instance_id: str) -> dict[str, str]:
        """The check-status payload of an instance: its id and the URL of each operation on it."""
        instance = f"{self.origin}{API_PATH}/instances/{instance_id}"
        return {
            "id": instance_id,
            "statusQueryGetUri": f"{instance}?{self._query}",
            "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{self._query}",
            "terminatePostUri": f"{instance}/terminate?reason={{text}}&{self._query}",
            "rewindPostUri": f"{instance}/rewind?reason={{text}}&{self._query}",
            "purgeHistoryDeleteUri": f"{instance}?{self._query}",
            "restartPostUri": f"{instance}/restart?{self._query}",
            "suspendPostUri": f"{instance}/suspend?reason={{text}}&{self._query}",
            "resumePostUri": f"{instance}/resume?reason={{text}}&{self._query}",
        }

    def binding_json(self) -> str:
        """The JSON text that the SDK's `DurableOrchestrationClient` is made from."""
        start = f"{self.origin}{API_PATH}/orchestrators/{{functionName}}[/{{instanceId}}]"
        wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
        return json.dumps(
            {
                "taskHubName": self.hub,
                "creationUrls": {
                    "createNewInstancePostUri": f"{start}?{self._code}",
                    "createAndWaitOnNewInstancePostUri": f"{start}?{wait}&{self._code}",
                },
                "managementUrls": self.management("INSTANCEID"),
                "baseUrl": f"{self.origin}{API_PATH}",
                "requiredQueryStringParameters": self._code,
                "rpcBaseUrl": f"{self.rpc_origin}{API_PATH}/",
            }
        )
