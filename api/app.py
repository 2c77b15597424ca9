"""The FastAPI app: every resource's router, every failure a problem."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from api import (
    VERSION,
    about,
    approvals,
    budgets,
    bundles,
    citations,
    diffs,
    evaluations,
    events,
    executions,
    labels,
    library,
    mcp,
    models,
    negotiation,
    prompt_diffs,
    raising,
    retention,
    scheduling,
    toolbench,
    usage,
    validating,
    webhooks,
)
from api.definitions import definitions_router
from api.evaluating import EvaluationRequest
from api.forking import ForkRequest, ReplayRequest
from api.kinds import KINDS
from api.pages import DIST, Pages
from api.problems import MEDIA_TYPE, ProblemDocument, install
from api.recovery import RecoverOnce
from api.starting import StartRequest
from api.tracing import Traced
from api.trying import TryRequest
from api.uses import uses_router
from domain.agents import Agent
from domain.approvals import Decision
from domain.bundles import Bundle
from domain.datasets import Dataset
from domain.library import LibrarySearch
from domain.models import ModelAlias
from domain.prompt_definitions import PromptDefinition
from domain.retention import RetentionPolicy
from domain.schedules import Schedule
from domain.tenant_budgets import TenantBudget
from domain.tools import Tool
from domain.workflows import Workflow

_UNSEEN = (
    Agent,
    PromptDefinition,
    Dataset,
    EvaluationRequest,
    TryRequest,
    Tool,
    Workflow,
    Schedule,
    ModelAlias,
    validating.ValidateRequest,
    StartRequest,
    ForkRequest,
    ReplayRequest,
    Decision,
    Bundle,
    LibrarySearch,
    retention.HoldRequest,
    labels.LabelRequest,
    RetentionPolicy,
    TenantBudget,
    raising.RaiseRequest,
    negotiation.NegotiateRequest,
    toolbench.CallRequest,
    ProblemDocument,
)


_PROBLEM_SCHEMA = {"$ref": "#/components/schemas/ProblemDocument"}


def create_app(dist: Path = DIST) -> FastAPI:
    """A new app over `services.wiring.services()`; `dist` is the folder of the built web page."""
    app = _App(
        title="Meta-Agents",
        version=VERSION,
        summary="Durable multi-agent workflows.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={"default": {"description": "A problem", "content": {MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA}}}},
    )
    for router in (
        validating.router,
        toolbench.router,
        mcp.router,
        *(definitions_router(kind) for kind in KINDS),
        *(uses_router(kind) for kind in KINDS),
        prompt_diffs.router,
        labels.router,
        models.router,
        evaluations.router,
        evaluations.trials,
        executions.router,
        raising.router,
        budgets.router,
        usage.router,
        approvals.router,
        scheduling.router,
        events.router,
        diffs.router,
        bundles.router,
        retention.router,
        webhooks.router,
        library.router,
        citations.router,
        negotiation.router,
        about.router,
    ):
        app.include_router(router)
    app.router.default = _Otherwise(Pages(dist))
    app.add_middleware(RecoverOnce)
    install(app)
    app.add_middleware(Traced)
    return app


@lru_cache(maxsize=1)
def the_app() -> FastAPI:
    """The one of this process."""
    return create_app()


class _Otherwise:
    """What no route takes: a file of the web page, unless it is the API that was meant."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/api/") or scope["path"] == "/api":
            raise HTTPException(404)
        await self._pages(scope, receive, send)


class _App(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """With the shapes that FastAPI does not see: bodies that are read by hand, and problems."""
        if self.openapi_schema is None:
            schema = get_openapi(title=self.title, version=self.version, summary=self.summary, routes=self.routes)
            _, shapes = models_json_schema(
                [(model, "validation") for model in _UNSEEN], ref_template="#/components/schemas/{model}"
            )
            schema["components"].setdefault("schemas", {}).update(shapes["$defs"])
            self.openapi_schema = schema
        return self.openapi_schema
