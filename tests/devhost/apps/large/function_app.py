"""Large payloads on every way in, and instances that wait."""

from datetime import datetime

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.activity_trigger(input_name="size")
def make(size: int) -> str:
    return "r" * size


@app.orchestration_trigger(context_name="context")
def takes(context: df.DurableOrchestrationContext):
    yield context.create_timer(context.current_utc_datetime)
    return len(context.get_input())


@app.orchestration_trigger(context_name="context")
def makes(context: df.DurableOrchestrationContext):
    return len((yield context.call_activity("make", context.get_input())))


@app.orchestration_trigger(context_name="context")
def hears(context: df.DurableOrchestrationContext):
    return len((yield context.wait_for_external_event("go")))


@app.orchestration_trigger(context_name="context")
def wakes(context: df.DurableOrchestrationContext):
    yield context.create_timer(datetime.fromisoformat(context.get_input()))
    return "awake"
