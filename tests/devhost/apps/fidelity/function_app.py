"""What apps do with the durable SDK beyond the plain patterns, each in its smallest form."""

import asyncio
import json
from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func
from shapes import Point

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
more = df.Blueprint()


@app.route(route="start/{name}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client) -> func.HttpResponse:
    """Starts and waits; `?ms=` is how long, and a body is the input."""
    body = req.get_body()
    instance = await client.start_new(
        req.route_params["name"], req.params.get("id"), json.loads(body) if body else None
    )
    ms = int(req.params.get("ms", 10_000))
    return await client.wait_for_completion_or_create_check_status_response(req, instance, ms, 20)


@app.route(route="slow", methods=["POST"])
@app.durable_client_input(client_name="client")
async def slow(req: func.HttpRequest, client) -> func.HttpResponse:
    """Answers 202 with an address where the end can be asked for."""
    response = client.create_check_status_response(req, await client.start_new("waits"))
    response.headers["Retry-After"] = "1"
    return response


@app.route(route="origin")
@app.durable_client_input(client_name="client")
async def origin(req: func.HttpRequest, client) -> func.HttpResponse:
    """A client that gets a value of ours to start with."""
    return client.create_check_status_response(req, await client.start_new("moves", client_input=Point(1, 2)))


@more.activity_trigger(input_name="point")
def mirror(point: Point) -> Point:
    return Point(point.y, point.x)


@more.activity_trigger(input_name="seconds")
async def sleep(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@app.entity_trigger(context_name="context")
def place(context):
    point = context.get_state(lambda: Point(0, 0))
    if context.operation_name == "put":
        point = context.get_input()
        context.set_state(point)
    context.set_result(point)
    if context.operation_name == "delete":
        context.destruct_on_exit()


@app.orchestration_trigger(context_name="context")
def moves(context):
    """An object through client, activity, entity and sub-orchestration; names in any case, functions for names."""
    point = yield context.call_activity(mirror, context.get_input())
    point = yield context.call_entity(df.EntityId("PLACE", "here"), "put", point)
    return (yield context.call_sub_orchestrator("MIRRORED", point))


@app.orchestration_trigger(context_name="context", orchestration="mirrored")
def other_name(context):
    point = yield context.call_activity("MIRROR", context.get_input())
    return [point.x, point.y]


@app.orchestration_trigger(context_name="context")
def waits(context):
    yield context.call_activity("sleep", 0.1)
    return "late"


@app.orchestration_trigger(context_name="context")
def polls(context):
    """Asks something that is accepted first and done later."""
    response = yield context.call_http("POST", context.get_input())
    return [response["statusCode"], json.loads(response["content"])["output"]]


@app.orchestration_trigger(context_name="context")
def races(context):
    """The loser goes on, and its result can still be had."""
    quick, late = context.call_activity("sleep", 0.0), context.call_activity("sleep", 0.05)
    winner = yield context.task_any([quick, late])
    return [winner is quick, (yield late)]


@app.orchestration_trigger(context_name="context")
def nothing(context):
    """Of no tasks, all are done at once; a custom status that is false is none."""
    context.set_custom_status(0)
    return {"all": (yield context.task_all([]))}


@app.orchestration_trigger(context_name="context")
def knows(context):
    """What the context tells, before and after a turn has ended."""
    before = [context.instance_id, context.parent_instance_id, context.new_guid(), context.current_utc_datetime]
    yield context.call_activity("sleep", 0.0)
    zone = context.current_utc_datetime.utcoffset()
    return [*map(str, before), context.current_utc_datetime >= before[3], str(zone), before[0] == context.instance_id]


@app.orchestration_trigger(context_name="context")
def deadline(context):
    """A month to answer in: one timer, however long, and none left when the answer came."""
    answer = context.wait_for_external_event("answer")
    month = context.create_timer(context.current_utc_datetime + timedelta(days=30))
    if (yield context.task_any([answer, month])) is answer:
        month.cancel()
    return answer.result


@app.orchestration_trigger(context_name="context")
def listens(context):
    """Two of one name, and one that came before it was asked for."""
    first = yield context.wait_for_external_event("word")
    yield context.call_activity("sleep", 0.05)
    second = yield context.wait_for_external_event("word")
    third = yield context.wait_for_external_event("other")
    return [first, second, third]


@app.orchestration_trigger(context_name="context")
def breaks(context):
    raise ValueError("as it was told")


app.register_functions(more)
