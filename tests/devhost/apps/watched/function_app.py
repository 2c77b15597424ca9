"""A small shop whose orders give the page at /devhost something to show."""

from datetime import timedelta

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

failed_once = set()


@app.route(route="orders/{id?}", methods=["POST"])
@app.durable_client_input(client_name="client")
async def order(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    """Starts an order."""
    instance_id = await client.start_new("fulfil", req.route_params.get("id"), req.get_json())
    return client.create_check_status_response(req, instance_id)


@app.orchestration_trigger(context_name="context")
def fulfil(context: df.DurableOrchestrationContext):
    wanted = context.get_input()
    context.set_custom_status({"stage": "reserving", "items": len(wanted["items"])})
    retry = df.RetryOptions(wanted.get("delay", 50), 3)
    reserved = yield context.task_all([context.call_activity("reserve", item) for item in wanted["items"]])
    price = yield context.call_activity_with_retry("price", retry, wanted["id"])
    yield context.call_entity(df.EntityId("stock", "main"), "take", len(reserved))
    yield context.create_timer(context.current_utc_datetime + timedelta(milliseconds=wanted.get("delay", 50)))
    refused = None
    try:
        yield context.call_activity("notify", wanted["id"])
    except Exception as error:
        refused = str(error)
    parcel = yield context.call_sub_orchestrator("ship", {"items": reserved}, f"{context.instance_id}:parcel")
    context.set_custom_status({"stage": "waiting for approval"})
    approval = context.wait_for_external_event("approve")
    deadline = context.create_timer(context.current_utc_datetime + timedelta(days=3))
    yield context.task_any([approval, deadline])
    if not deadline.is_completed:
        deadline.cancel()
    context.signal_entity(df.EntityId("stock", "main"), "count")
    return {"price": price, "parcel": parcel, "approved": approval.result, "refused": refused}


@app.orchestration_trigger(context_name="context")
def ship(context: df.DurableOrchestrationContext):
    label = yield context.call_activity("label", context.get_input())
    return label


@app.orchestration_trigger(context_name="context")
def many(context: df.DurableOrchestrationContext):
    """Fans out as wide as its input says."""
    yield context.task_all([context.call_activity("reserve", number) for number in range(context.get_input())])
    yield context.wait_for_external_event("done")


@app.orchestration_trigger(context_name="context")
def broken(context: df.DurableOrchestrationContext):
    yield context.call_activity("notify", "nobody")


@app.activity_trigger(input_name="item")
def reserve(item: object) -> str:
    return f"{item} is reserved"


@app.activity_trigger(input_name="order")
def price(order: str) -> float:
    if order not in failed_once:
        failed_once.add(order)
        raise RuntimeError("the price list is being printed")
    return 12.50


@app.activity_trigger(input_name="order")
def notify(order: str) -> None:
    raise ValueError(f"<img src=x onerror=alert(1)> no address for {order}")


@app.activity_trigger(input_name="parcel")
def label(parcel: dict) -> dict:
    return {"to": "Zoë", "items": parcel["items"]}


@app.entity_trigger(context_name="context")
def stock(context: df.DurableEntityContext):
    state = context.get_state(lambda: {"left": 100, "taken": 0})
    if context.operation_name == "take":
        taken = context.get_input()
        state = {"left": state["left"] - taken, "taken": state["taken"] + taken}
    context.set_state(state)
    context.set_result(state["left"])


@app.timer_trigger(schedule="0 0 3 1 1 *", arg_name="timer")
@app.durable_client_input(client_name="client")
async def yearly(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:
    """Takes stock once a year."""
    await client.signal_entity(df.EntityId("stock", "yearly"), "take", 1)


@app.route(route="hubbed")
@app.event_hub_output(arg_name="event", event_hub_name="hub", connection="EventHubs")
def hubbed(req: func.HttpRequest, event: func.Out[str]) -> None:
    event.set("never sent by this version")
