"""Orders: over HTTP into a queue, from there into blobs. What queue functions saw is read through HTTP."""

import asyncio
import json

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
seen = asyncio.Queue()


@app.route("seen")
async def next_seen(req: func.HttpRequest):
    return json.dumps(await seen.get())


@app.route("orders/{id}", methods=["POST"])
@app.queue_output("order", "%PREFIX%-orders", "Storage")
def place(req: func.HttpRequest, order: func.Out[str]):
    if req.get_body():
        order.set(json.dumps({"id": req.route_params["id"], "of": {"text": req.get_body().decode()}}))
    return "placed"


@app.queue_trigger("order", "%PREFIX%-orders", "Storage")
@app.blob_output("receipt", "%PREFIX%/receipts/{id}.txt", "Storage")
async def fulfil(order: func.QueueMessage, receipt: func.Out[str]):
    if "fail" in order.get_json():
        seen.put_nowait(["failing", order.dequeue_count])
        raise ValueError("as asked")
    receipt.set(f"{order.get_json()['of']['text']}, done")
    facts = [order.insertion_time, order.expiration_time, order.time_next_visible]
    seen.put_nowait([order.id, order.dequeue_count, bool(order.pop_receipt), *(time.isoformat() for time in facts)])


@app.queue_trigger("order", "%PREFIX%-orders-poison", "AzureWebJobsStorage")
async def bury(order: str):
    seen.put_nowait(["poison", order])


@app.route("receipts/{id}")
@app.blob_input("receipt", "%PREFIX%/receipts/{id}.txt", "Storage")
def look_up(req: func.HttpRequest, receipt: func.InputStream):
    return "none" if receipt is None else receipt.read().decode()


@app.generic_trigger("req", "httpTrigger", route="generic/{id}", methods=["GET"])
@app.generic_output_binding("$return", "http")
@app.generic_input_binding("receipt", "blob", path="%PREFIX%/receipts/{id}.txt", connection="Storage")
@app.generic_output_binding("copies", "queue", queue_name="%PREFIX%-copies", connection="Storage")
def generic(req, receipt, copies: func.Out[str]):
    copies.set(["one", "two"])
    return receipt.read().decode()


@app.generic_trigger("copy", "queueTrigger", queue_name="%PREFIX%-copies", connection="Storage")
@app.generic_output_binding("$return", "blob", path="%PREFIX%/copies/{queueTrigger}", connection="Storage")
async def copy(copy):
    seen.put_nowait(["copy", copy.get_body().decode()])
    return copy.get_body()
