"""Work that lasts: for what happens when the host is stopped or killed in the middle of it."""

import os
import time
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
NOTES = Path(os.environ["NOTES"])  # from local.settings.json or the environment


@app.orchestration_trigger(context_name="context")
def steps(context: df.DurableOrchestrationContext):
    done = []
    for name in ("one", "two", "three"):
        done.append((yield context.call_activity("note", name)))
    answer = yield context.wait_for_external_event("go")
    return [*done, answer]


@app.activity_trigger(input_name="name")
def note(name: str) -> str:
    """Writes a line when it starts, then waits until a file of its name is there."""
    with NOTES.open("a") as file:
        file.write(f"{name}\n")
    while not (NOTES.parent / name).exists():
        time.sleep(0.01)
    return name


@app.route(route="stuck")
def stuck(req: func.HttpRequest) -> str:
    time.sleep(3600)
    return "never"


@app.route(route="negotiate")
@app.generic_input_binding(arg_name="info", type="signalRConnectionInfo", hubName="chat", userId="ann")
def negotiate(req: func.HttpRequest, info: str) -> str:
    return info
