"""From a message of a queue to a running execution. A message that comes again starts nothing more."""

from __future__ import annotations

import base64
import binascii
import logging

from pydantic import Field

from api.bodies import Unreadable, parse_json
from api.durable import DurableClient
from api.shapes import read_shape, request_problem
from api.starting import StartRequest, start_execution, start_once
from domain.errors import ProblemError
from domain.executions import Execution
from domain.values import Json
from services.identity import TENANT, Principal
from services.wiring import Services

log = logging.getLogger("meta_agents.api")


class StartMessage(StartRequest):
    """A message that starts an execution: what `POST /api/executions` takes, and its key."""

    idempotency_key: str | None = Field(default=None, description="Default: the message's own id.")


async def receive(services: Services, client: DurableClient, source: str, id: str | None, content: bytes) -> Execution:
    """The execution that the message `id` of the queue `source` starts, or has started before.

    A message without id or key starts one whenever it comes.
    Raises `Unreadable` or `ProblemError`: the platform then delivers it again, and at last puts it aside.
    """
    try:
        execution = await _start(services, client, source, id, content)
    except Unreadable as error:
        log.error("The message %s of %s starts nothing, however often it comes: %s", id, source, error)
        raise
    except ProblemError as error:
        problem = error.problem
        often = "yet" if problem.retryable else "however often it comes"
        wrong = "".join(f" {detail.pointer or '/'}: {detail.message};" for detail in problem.details)
        log.error("The message %s of %s starts nothing, %s: %s%s", id, source, often, problem.message, wrong)
        raise
    log.info("The message %s of %s started execution %s", id, source, execution.id)
    return execution


async def _start(services: Services, client: DurableClient, source: str, id: str | None, content: bytes) -> Execution:
    message = read_shape(StartMessage, _json(content), request_problem)
    request = StartRequest.model_validate(message.model_dump(exclude={"idempotency_key"}))
    sender = Principal(tenant=TENANT, name=source, roles=())
    if message.idempotency_key is not None:
        return await start_execution(services, client, sender, request, message.idempotency_key)
    idempotency = (f"message {source} {id}", request.fingerprint) if id else None
    return await start_once(services, client, sender, request, idempotency)


def _json(content: bytes) -> Json:
    """The JSON object of a message, be it as it is or in base64, as many senders write it."""
    if not content.lstrip().startswith(b"{"):
        try:
            content = base64.b64decode(b"".join(content.split()), validate=True)
        except binascii.Error as error:
            raise Unreadable("It is neither a JSON object nor one in base64.") from error
    return parse_json(content)
