"""`POST /api/workflows/validate`: everything wrong with a workflow, without storing it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel

from api.auth import Caller
from api.bodies import Unreadable, read_definition
from api.definitions import request_body
from api.resolving import resolve
from api.shapes import definition_problem, read_shape
from domain.errors import Detail, ProblemError
from domain.validation import estimate_model_calls
from domain.workflows import Workflow
from services.wiring import services

router = APIRouter(tags=["workflows"])


class Estimate(BaseModel):
    """`model_calls`: the most there can be, failures aside; null when the input decides."""

    model_calls: int | None = None


class Validation(BaseModel):
    valid: bool
    errors: tuple[Detail, ...] = ()
    estimate: Estimate = Estimate()


@router.post(
    "/api/workflows/validate",
    summary="Say everything that is wrong with a workflow",
    openapi_extra={"requestBody": request_body("Workflow")},
)
async def validate(caller: Caller, request: Request) -> Validation:
    try:
        written = await read_definition(request)
        workflow = read_shape(Workflow, written, definition_problem)
    except Unreadable as error:
        return Validation(valid=False, errors=(Detail(pointer="", message=str(error)),))
    except ProblemError as error:
        if not error.problem.details:
            raise
        return Validation(valid=False, errors=error.problem.details)
    details = (await resolve(services(), caller.tenant, workflow, written)).details
    if details:
        return Validation(valid=False, errors=details)
    return Validation(valid=True, estimate=Estimate(model_calls=estimate_model_calls(workflow)))
