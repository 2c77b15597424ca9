"""Killing the host while it tells a webhook of an end: the receiver is told, and knows it for the same message."""

from __future__ import annotations

import threading
from pathlib import Path

from starlette.responses import Response

from tests.crash.system import SECONDS, System, wait_until
from tests.support.receiver import Receiver

WORKFLOW = {"name": "one", "steps": [{"id": "say", "agent": "writer", "input": "Say ${input.word}."}]}


def test_a_kill_before_the_answer_is_noted_tells_the_same_again(tmp_path: Path) -> None:
    with Receiver() as receiver, System(tmp_path, latency=0, environment=receiver.environment) as system:
        killed = threading.Event()

        def die() -> Response:
            system.host.kill()
            killed.set()
            return Response(status_code=204)

        system.agents("writer")
        receiver.answers.append(die)
        executions = system.client.executions
        id = executions.start(WORKFLOW, {"word": "once"}, webhook=receiver.url).id
        assert killed.wait(SECONDS)  # that it runs no more is not enough: the kill has to be over before another start
        system.host.start()
        wait_until(lambda: executions.webhook(id).state == "delivered", "the second call")
        [attempt] = executions.webhook(id).attempts
    first, second = receiver.received
    assert first.id == second.id == f"{id}-completed"
    assert first.body == second.body
    assert second.verified()["data"]["id"] == id
    assert (attempt.number, attempt.status) == (1, 204)
