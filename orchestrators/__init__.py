"""Durable and deterministic: the interpreter and one file per pattern.

Belongs here: what decides which durable action comes next. It may read only recorded values and the context's clock.
Does not belong here: I/O, the wall clock, randomness, environment variables, or imports of anything but `domain`.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from orchestrators.calling import agent_turn as _agent_turn
from orchestrators.group_chat import group_chat as _group_chat
from orchestrators.indexing import index_document as _index_document
from orchestrators.interpreter import run_step
from orchestrators.looping import loop_rounds as _loop_rounds
from orchestrators.mapping import map_slice as _map_slice
from orchestrators.workflow import workflow as _workflow
from orchestrators.workflow_step import sub_workflow as _sub_workflow

blueprint = df.Blueprint()


@blueprint.orchestration_trigger(context_name="context")
def workflow(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return _workflow(context, run_step)


@blueprint.orchestration_trigger(context_name="context")
def group_chat(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return _group_chat(context)


@blueprint.orchestration_trigger(context_name="context")
def map_slice(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return _map_slice(context, run_step)


@blueprint.orchestration_trigger(context_name="context")
def loop_rounds(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return _loop_rounds(context, run_step)


@blueprint.orchestration_trigger(context_name="context")
def sub_workflow(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return _sub_workflow(context, run_step)


@blueprint.orchestration_trigger(context_name="context")
def agent_turn(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return _agent_turn(context)


@blueprint.orchestration_trigger(context_name="context")
def index_document(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Any]:
    return _index_document(context)
