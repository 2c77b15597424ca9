"""What the service answers when it refuses."""

from __future__ import annotations


class CosmosError(Exception):
    """A refusal as the wire carries it. `sub_status` tells refusals with the same status apart."""

    def __init__(self, status: int, message: str, sub_status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.sub_status = sub_status

    @property
    def code(self) -> str:
        return CODES.get(self.status, "InternalServerError")


CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "RequestTimeout",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    424: "FailedDependency",
    429: "TooManyRequests",
    449: "RetryWith",
    503: "ServiceUnavailable",
}
CROSS_PARTITION_NOT_SERVABLE = 1004
"""The client is to ask for a plan of the query, and to join what each part of it gives."""
OWNER_NOT_FOUND = 1003
"""What was asked for would lie in something that is not there."""
READ_SESSION_NOT_AVAILABLE = 1002
"""The client has seen a later state than this replica holds."""


def bad_request(message: str, sub_status: int = 0) -> CosmosError:
    return CosmosError(400, message, sub_status)


def missing(what: str, *, owner: bool = False) -> CosmosError:
    """`owner`: what was asked for would lie in it."""
    return CosmosError(404, f"{what} does not exist in the system.", OWNER_NOT_FOUND if owner else 0)


def not_met() -> CosmosError:
    return CosmosError(412, "One of the specified pre-condition is not met.")
