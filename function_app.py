"""The function app: what each room registers, and one HTTP trigger per resource of the API."""

import azure.durable_functions as df
import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, Response

import activities
import entities
import orchestrators
from api import triggers
from api.carrier import carry
from api.carrier import negotiate as negotiated

SIGNALR = {"hubName": "executions", "connectionStringSetting": "AzureSignalRConnectionString"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All that the host knows: which one a path takes is for the API to say, with a problem and not the host's bare 404."""
ROUTES = {
    "agents": "api/agents/{*path}",
    "datasets": "api/datasets/{*path}",
    "evaluations": "api/evaluations/{*path}",
    "prompts": "api/prompts/{*path}",
    "tools": "api/tools/{*path}",
    "mcp": "api/mcp/{*path}",
    "workflows": "api/workflows/{*path}",
    "models": "api/models/{*path}",
    "validate": "api/validate",
    "executions": "api/executions/{*path}",
    "approvals": "api/approvals/{*path}",
    "library": "api/library/{*path}",
    "retention": "api/retention/{*path}",
    "budgets": "api/budgets/{*path}",
    "usage": "api/usage",
    "schedules": "api/schedules/{*path}",
    "me": "api/me",
    "health": "api/health",
    "openapi": "api/openapi.json",
    "schemas": "api/schemas/{name}",
    "web_page": "{*path}",
}

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)  # the API asks for its own token
for room in (orchestrators, activities, entities, triggers):
    app.register_functions(room.blueprint)


def serve(name: str, route: str) -> None:
    @app.function_name(name)
    @app.route(route=route, methods=METHODS)
    @app.durable_client_input(client_name="client")
    async def function(req: Request, client: df.DurableOrchestrationClient) -> Response:
        return carry(client)


for name, route in ROUTES.items():
    serve(name, route)


@app.route(route="api/negotiate", methods=METHODS)
@app.generic_input_binding(arg_name="connection", type="signalRConnectionInfo", userId="{headers.x-watcher}", **SIGNALR)
@app.generic_output_binding(arg_name="groups", type="signalR", **SIGNALR)
async def negotiate(req: Request, connection: str, groups: func.Out[str]) -> Response:
    response, joining = await negotiated(req, connection)
    if joining is not None:
        groups.set(joining)
    return response
