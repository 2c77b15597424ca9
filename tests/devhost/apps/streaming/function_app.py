"""A function app on the FastAPI extension: live requests, streamed responses, a FastAPI app behind one trigger."""

import asyncio
from typing import Annotated

import azure.durable_functions as df
import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, Response, StreamingResponse
from fastapi import Depends, FastAPI, HTTPException
from fastapi import Request as PlainRequest
from pydantic import BaseModel
from starlette.responses import Response as StarletteResponse

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
gate = asyncio.Event()
ended: list[str] = []


@app.route(route="ticks/{count:int}", methods=["GET"])
async def ticks(req: Request) -> StreamingResponse:
    async def body():
        for number in range(int(req.path_params["count"])):
            yield f"data: {number}\n\n"
            await gate.wait()
            gate.clear()

    return StreamingResponse(body(), media_type="text/event-stream")


@app.route(route="endless", methods=["GET"])
async def endless(req: Request) -> StreamingResponse:
    async def body():
        try:
            yield "data: first\n\n"
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    return StreamingResponse(body(), media_type="text/event-stream")


@app.route(route="breaking", methods=["GET"])
async def breaking(req: Request) -> StreamingResponse:
    async def body():
        yield "data: first\n\n"
        raise ValueError("in the middle")

    return StreamingResponse(body(), media_type="text/event-stream")


@app.route(route="next", methods=["POST"])
async def next_tick(req: Request) -> Response:
    gate.set()
    return Response(status_code=204)


@app.route(route="ended", methods=["GET"])
def which_ended(req: Request) -> JSONResponse:
    return JSONResponse(ended)


@app.route(route="plain", methods=["GET"])
async def plain(req: Request):
    return {"kind": "dict"}


@app.route(route="teapot", methods=["GET"])
async def teapot(req: Request):
    raise HTTPException(418, "short and stout", {"x-pot": "tea"})


@app.route(route="broken", methods=["GET"])
async def broken(req: Request):
    raise ValueError("this one always fails")


@app.route(route="upload", methods=["POST"])
async def upload(req: Request) -> Response:
    total = 0
    async for chunk in req.stream():
        total += len(chunk)
    return Response(str(total))


class Order(BaseModel):
    product: str


web = FastAPI()


def durable(request: PlainRequest) -> df.DurableOrchestrationClient:
    return request.scope["durable"]


@web.post("/api/orders", status_code=202)
async def order(body: Order, client: Annotated[object, Depends(durable)]):
    return {"product": body.product, "id": await client.start_new("double", None, 21)}


@web.get("/api/orders/{id}/events")
async def events(id: str):
    async def lines():
        for number in range(2):
            yield f"id: {number}\ndata: {id}\n\n"
            await gate.wait()
            gate.clear()

    return StreamingResponse(lines(), media_type="text/event-stream")


class AppResponse(StarletteResponse):
    """Carries the FastAPI app's own answer out of the function."""

    def __init__(self, client):
        super().__init__()
        self.client = client

    async def __call__(self, scope, receive, send):
        await web({**scope, "durable": self.client, "path_params": {}}, receive, send)


@app.function_name("orders")
@app.route(route="orders/{*path}", methods=["GET", "POST"])
@app.durable_client_input(client_name="client")
async def orders(req: Request, client) -> Response:
    return AppResponse(client)


@app.route(route="pushed", methods=["GET"])
@app.generic_output_binding(arg_name="signal", type="signalR", hubName="chat")
async def pushed(req: Request, signal: func.Out[str]) -> StreamingResponse:
    """Its message is sent when the function returns, long before its response has ended."""
    signal.set('{"target": "opened", "arguments": []}')

    async def body():
        yield "data: open\n\n"
        await gate.wait()
        gate.clear()

    return StreamingResponse(body(), media_type="text/event-stream")


@app.orchestration_trigger(context_name="context")
def double(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("twice", context.get_input()))


@app.activity_trigger(input_name="number")
async def twice(number: int) -> int:
    return number * 2
