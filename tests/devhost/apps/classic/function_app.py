"""A function app of the classic kind: everything the host serves, each in its smallest form."""

import json
import logging
from datetime import UTC, datetime

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="echo/{name}/{number:int?}")
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().decode(),
        "function": context.function_name,
        "trace": context.trace_context.trace_parent,
    }
    return func.HttpResponse(
        json.dumps(seen), status_code=201, mimetype="application/json", headers={"x-served-by": "f"}
    )


@app.route(route="text")
async def text(req: func.HttpRequest):
    return "plain words"


@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("<p>", mimetype="text/html")
    response.headers.add("Set-Cookie", "a=1; Path=/")
    response.headers.add("Set-Cookie", "b=2; HttpOnly")
    return response


@app.route(route="nothing")
def nothing(req: func.HttpRequest):
    return None


@app.route(route="broken")
def broken(req: func.HttpRequest):
    raise ValueError("this one always fails")


@app.route(route="only-post", methods=["POST"])
def only_post(req: func.HttpRequest):
    return f"{len(req.get_body())} bytes"


@app.route(route="start/{orchestrator}/{id?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    body = req.get_body()
    instance_id = await client.start_new(
        req.route_params["orchestrator"], req.route_params.get("id"), json.loads(body) if body else None
    )
    if "wait" in req.params:
        return await client.wait_for_completion_or_create_check_status_response(req, instance_id, 5000, 50)
    return client.create_check_status_response(req, instance_id)


@app.route(route="client/{operation}/{id}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def operate(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Calls one operation of the SDK's client and tells what came back, or the error it raised."""
    instance_id = req.route_params["id"]
    counter = df.EntityId("counter", instance_id)
    since = datetime(2000, 1, 1, tzinfo=UTC)
    operations = {
        "status": lambda: client.get_status(instance_id, show_input=True, show_history=True, show_history_output=True),
        "all": client.get_status_all,
        "by": lambda: client.get_status_by(since, None, [df.OrchestrationRuntimeStatus.Completed], instance_id),
        "raise": lambda: client.raise_event(instance_id, "go", json.loads(req.get_body())),
        "terminate": lambda: client.terminate(instance_id, "enough of it"),
        "suspend": lambda: client.suspend(instance_id, "a rest"),
        "resume": lambda: client.resume(instance_id, "go on"),
        "rewind": lambda: client.rewind(instance_id, "again"),
        "restart": lambda: client.restart(instance_id),
        "purge": lambda: client.purge_instance_history(instance_id),
        "purge-all": lambda: client.purge_instance_history_by(since),
        "read": lambda: client.read_entity_state(counter),
        "signal": lambda: client.signal_entity(counter, "add", json.loads(req.get_body())),
    }
    try:
        result = await operations[req.route_params["operation"]]()
    except Exception as error:
        return func.HttpResponse(json.dumps({"error": str(error)}), status_code=500, mimetype="application/json")
    return func.HttpResponse(json.dumps(result, default=_plain), mimetype="application/json")


def _plain(value):
    if hasattr(value, "to_json"):
        return value.to_json() | {"events": getattr(value, "historyEvents", None)}
    return {name.strip("_"): item for name, item in vars(value).items()}


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext):
    total = context.get_input() or 0
    for _ in range(3):
        total = yield context.call_activity("add_one", total)
    return total


@app.activity_trigger(input_name="number", activity="add_one")
def increment(number: int) -> int:
    return number + 1


@app.activity_trigger(input_name="name")
async def greet(name: str) -> str:
    return f"Hello {name}!"


@app.activity_trigger(input_name="reason")
def fail(reason: str) -> None:
    raise RuntimeError(reason)


@app.orchestration_trigger(context_name="context", orchestration="Failing")
def failing(context: df.DurableOrchestrationContext):
    yield context.call_activity("fail", "as it was told")


@app.orchestration_trigger(context_name="context")
def waiting(context: df.DurableOrchestrationContext):
    context.set_custom_status("waiting")
    answer = yield context.wait_for_external_event("go")
    return answer


@app.entity_trigger(context_name="context")
def counter(context: df.DurableEntityContext):
    state = context.get_state(lambda: 0)
    if context.operation_name == "add":
        state += context.get_input()
    context.set_state(state)
    context.set_result(state)


@app.route(route="negotiate", methods=["POST"])
@app.generic_input_binding(
    arg_name="connection", type="signalRConnectionInfo", hubName="chat", userId="{headers.x-user-id}"
)
def negotiate(req: func.HttpRequest, connection: str) -> func.HttpResponse:
    return func.HttpResponse(connection, mimetype="application/json")


@app.route(route="push", methods=["POST"])
@app.generic_output_binding(arg_name="signal", type="signalR", hubName="chat")
def push(req: func.HttpRequest, signal: func.Out[str]) -> func.HttpResponse:
    logging.info("pushing what was posted")
    signal.set(req.get_body().decode())
    return func.HttpResponse(status_code=204)


@app.activity_trigger(input_name="text")
@app.generic_output_binding(arg_name="signal", type="signalR", hubName="chat")
def announce(text: str, signal: func.Out[str]) -> str:
    signal.set(json.dumps([{"target": "announced", "arguments": [text]}]))
    return text


@app.orchestration_trigger(context_name="context")
def announcing(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("announce", context.get_input()))


@app.timer_trigger(schedule="0 0 * * * *", arg_name="timer")
def hourly(timer: func.TimerRequest) -> None:
    logging.info("tick")


@app.route(route="queued")
@app.queue_output(arg_name="message", queue_name="q", connection="AzureWebJobsStorage")
def queued(req: func.HttpRequest, message: func.Out[str]) -> None:
    message.set("never sent: the app has no storage")
