"""Evaluations over HTTP: start one, see what came of it, compare two."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from api.auth import Caller
from api.bodies import read_json
from api.durable import Durable
from api.evaluating import EvaluationRequest, start_evaluation
from api.evaluation_reading import results_of
from api.executions import existing, record_of
from api.paging import page_of
from api.parameters import Continuation, IdempotencyKey, Limit, json_body
from api.shapes import read_shape, request_problem
from api.trying import TryRequest, start_trial
from domain.errors import Detail, ProblemError, not_found
from domain.evaluation_results import CaseResult, Summary, compared
from domain.executions import Execution
from services.identity import Principal
from services.wiring import services

router = APIRouter(prefix="/api/evaluations", tags=["evaluations"])
trials = APIRouter(prefix="/api/prompts/{name}/try", tags=["prompts"])

Kind = Literal["evaluation", "trial"]
Which = Literal["all", "failed", "changed"]


@router.post("", status_code=202, summary="Start an evaluation", openapi_extra=json_body("EvaluationRequest"))
async def start(caller: Caller, client: Durable, request: Request, idempotency_key: IdempotencyKey = None) -> Response:
    asked = read_shape(EvaluationRequest, await read_json(request), request_problem)
    execution = await start_evaluation(services(), client, caller, asked, idempotency_key)
    return started(execution)


@router.get("", summary="List evaluations, newest first")
async def list_evaluations(
    caller: Caller, kind: Kind = "evaluation", limit: Limit = 50, continuation: Continuation = None
) -> Response:
    page, more = await services().executions.list(caller.tenant, evaluates=kind, limit=limit, continuation=continuation)
    return JSONResponse({"items": [_record(execution) for execution in page], "continuation": more})


@router.get("/{id}", summary="What came of an evaluation, as far as it has come: sums, and a page of its cases")
async def read(
    caller: Caller,
    id: str,
    cases: Annotated[
        Which, Query(description="Only those that a grader did not pass, or whose answer changed.")
    ] = "all",
    limit: Limit = 50,
    continuation: Continuation = None,
) -> Response:
    execution = await existing_evaluation(caller, id)
    results, summary = await results_of(services(), execution)
    wanted = [result for result in results if _is_wanted(result, cases)]
    page, more = page_of(wanted, limit, continuation)
    shown = [result.model_dump(mode="json", exclude_none=True) for result in page]
    return JSONResponse(
        {**_record(execution), "summary": _sums(summary), "cases": {"items": shown, "continuation": more}}
    )


@router.get("/{id}/compare/{other}", summary="Two evaluations over the same cases, side by side")
async def compare(caller: Caller, id: str, other: str) -> Response:
    left, right = await existing_evaluation(caller, id), await existing_evaluation(caller, other)
    names = [grader.name for grader in _graders(left) if grader.name in {one.name for one in _graders(right)}]
    before, left_sums = await results_of(services(), left)
    after, right_sums = await results_of(services(), right)
    found = compared(before, after, names)
    if not found.paired:
        message = "the two have no case in common: cases are the same by their `id`, or else by their input"
        raise ProblemError(request_problem((Detail(pointer="/path/other", message=message),)))
    sides = {
        "left": {**_record(left), "summary": _sums(left_sums)},
        "right": {**_record(right), "summary": _sums(right_sums)},
    }
    return JSONResponse({**sides, **found.model_dump(mode="json")})


@trials.post(
    "",
    status_code=202,
    summary="Try the prompt on calls of past executions",
    openapi_extra=json_body("TryRequest"),
)
async def try_prompt(
    caller: Caller,
    client: Durable,
    name: str,
    request: Request,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    asked = read_shape(TryRequest, await read_json(request), request_problem)
    execution, skipped = await start_trial(services(), client, caller, name, asked, idempotency_key)
    left_out = [one._asdict() for one in skipped]
    location = {"Location": f"/api/evaluations/{execution.id}"}
    return JSONResponse({**_record(execution), "skipped": left_out}, 202, location)


async def existing_evaluation(caller: Principal, id: str) -> Execution:
    """Raises `ProblemError` not_found, also for an execution that evaluates nothing."""
    execution = await existing(caller, id)
    if execution.evaluation is None:
        raise ProblemError(not_found("evaluation", id))
    return execution


def started(execution: Execution) -> Response:
    return JSONResponse(_record(execution), 202, {"Location": f"/api/evaluations/{execution.id}"})


def _graders(execution: Execution) -> tuple[Any, ...]:
    return execution.evaluation.graders if execution.evaluation else ()


def _record(execution: Execution) -> dict[str, Any]:
    """The execution's record without its input and output, which are all of the cases."""
    record = record_of(execution)
    return {name: value for name, value in record.items() if name not in ("input", "output")}


def _sums(summary: Summary) -> dict[str, Any]:
    return summary.model_dump(mode="json")


def _is_wanted(result: CaseResult, which: Which) -> bool:
    if which == "failed":
        return result.status == "failed" or any(grade.passed is False for grade in result.grades.values())
    if which == "changed":
        return result.recorded is not None and result.has_ended and result.output != result.recorded.output
    return True
