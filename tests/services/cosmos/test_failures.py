from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.cosmos.exceptions import CosmosBatchOperationError, CosmosClientTimeoutError, CosmosHttpResponseError

from domain.errors import Code, Fault
from services.cosmos.failures import ROLE, Absent, CosmosFailure, Unmet, outcome_of


def answered(status: int, text: str = "what it said", **headers: str) -> CosmosHttpResponseError:
    response: Any = SimpleNamespace(status_code=status, headers=headers, reason="", body=lambda: b"")
    return CosmosHttpResponseError(status_code=status, message=text, response=response)


def of_batch(status: int, sub_status: int, **more: int) -> CosmosBatchOperationError:
    """Of the second of its operations."""
    responses = [{"statusCode": 424}, {"statusCode": status, "subStatusCode": sub_status, **more}]
    return CosmosBatchOperationError(1, {}, status, "no", operation_responses=responses)


def failed(error: AzureError) -> CosmosFailure:
    outcome = outcome_of(error)
    assert isinstance(outcome, CosmosFailure)
    assert outcome.problem.fault is Fault.PLATFORM
    return outcome


@pytest.mark.parametrize("status", [409, 412])
def test_an_unmet_condition_is_no_failure(status: int) -> None:
    assert isinstance(outcome_of(answered(status)), Unmet)
    assert isinstance(outcome_of(CosmosBatchOperationError(0, {}, status, "no")), Unmet)


def test_an_item_that_is_not_there() -> None:
    assert isinstance(outcome_of(answered(404)), Absent)
    assert isinstance(outcome_of(CosmosBatchOperationError(0, {}, 404, "no")), Unmet)


def test_a_container_that_is_not_there_is_another_thing() -> None:
    found = failed(answered(404, **{"x-ms-substatus": "1003"}))
    assert (found.problem.code, found.problem.retryable, found.passing) == (Code.PLATFORM_FAILED, True, False)
    assert "infra/bicep" in found.problem.action


@pytest.mark.parametrize("sub_status", [1002, 1013])
def test_a_replica_that_is_late_does_not_mean_that_nothing_is_there(sub_status: int) -> None:
    assert failed(answered(404, **{"x-ms-substatus": str(sub_status)})).passing
    assert failed(of_batch(404, sub_status)).passing


@pytest.mark.parametrize("sub_status", [3, 1008])
def test_while_regions_change_places_nobody_lacks_a_role(sub_status: int) -> None:
    found = failed(answered(403, **{"x-ms-substatus": str(sub_status)}))
    assert found.passing
    assert ROLE not in found.problem.action


def test_a_full_partition_is_told_from_a_missing_role() -> None:
    for error in (answered(403, **{"x-ms-substatus": "1014"}), of_batch(403, 1014)):
        assert "full" in failed(error).problem.message
        assert not failed(error).passing


def test_an_operation_of_a_batch_that_is_throttled_says_how_long() -> None:
    assert failed(of_batch(429, 3200, retryAfterMilliseconds=1500)).problem.retry_after == 1.5


@pytest.mark.parametrize("status", [408, 410, 429, 449, 500, 502, 503])
def test_what_may_go_well_after_a_moment(status: int) -> None:
    for error in (answered(status), CosmosBatchOperationError(0, {}, status, "no")):
        found = failed(error)
        assert found.passing
        assert (found.problem.code, found.problem.retryable) == (Code.PLATFORM_FAILED, True)


def test_a_throttled_account_says_how_long() -> None:
    assert failed(answered(429, **{"x-ms-retry-after-ms": "1500"})).problem.retry_after == 1.5
    assert failed(answered(429)).problem.retry_after is None


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (401, True), (403, True), (413, False)])
def test_what_stays_refused_until_somebody_acts(status: int, retryable: bool) -> None:
    found = failed(answered(status))
    assert not found.passing
    assert found.problem.retryable == retryable


def test_whoever_may_not_is_told_the_role() -> None:
    assert ROLE in failed(answered(403)).problem.action
    assert "COSMOS_KEY" in failed(answered(401)).problem.action


def test_what_is_too_large_is_called_so() -> None:
    assert failed(answered(413)).problem.code is Code.TOO_LARGE


@pytest.mark.parametrize(
    ("error", "passing", "said"),
    [
        (ServiceRequestError("Name or service not known"), True, "could not be reached"),
        (ServiceResponseError("Server disconnected"), True, "no answer: Server disconnected"),
        (CosmosClientTimeoutError(), True, "no answer"),
        (DecodeError("not JSON"), True, "no answer"),
        (ClientAuthenticationError("No identity here."), False, "no token for Cosmos DB: No identity here."),
    ],
)
def test_no_answer(error: AzureError, passing: bool, said: str) -> None:
    found = failed(error)
    assert (found.passing, found.problem.retryable) == (passing, True)
    assert said in found.problem.message


def test_what_is_said_is_one_short_line() -> None:
    message = failed(answered(400, "a\n" * 1_000)).problem.message
    assert "\n" not in message
    assert len(message) < 400
