"""An app whose functions say which they are, what they see, and answer in every way."""

import json
import sys

import azure.functions as func

ROUTES = {  # function: its route and methods
    "literal": ("items/all", []),
    "constrained": ("items/{id:int}", []),
    "plain": ("items/{id}", []),
    "deep": ("items/{id}/parts/{part?}", []),
    "rest": ("items/{*path}", []),
    "index": ("pages", []),
    "page": ("pages/{name?}", []),
    "getter": ("methods", ["GET"]),
    "poster": ("methods", ["POST", "PUT"]),
    "guid": ("typed/{v:guid}", []),
    "ranged": ("typed/{v:range(1,9)}", []),
    "lengthy": ("typed/{v:length(3):alpha}", []),
    "defaulted": ("defaults/{v=none}", []),
    "parts": ("files/{name}.{ext}", []),
    "unnamed": (None, ["GET", "DELETE"]),
    "admins": ("administrators", []),
    "lost": ("/Items/All/", ["GET"]),
}

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

for name, (route, methods) in ROUTES.items():

    def function(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return func.HttpResponse(json.dumps([context.function_name, dict(req.route_params)]))

    function.__name__ = name
    more = {} if route is None else {"route": route}
    app.route(**more, methods=methods or None)(function)


@app.route("see")
def see(req: func.HttpRequest):
    files = {}
    for name, file in req.files.items():
        files[name] = file.read().decode()
        file.close()
    return json.dumps(
        {
            "query": dict(req.params),
            "headers": dict(req.headers),
            "form": dict(req.form),
            "files": files,
            "body": "" if files else req.get_body().decode(),
        }
    )


@app.route("answer/text")
def text(req: func.HttpRequest):
    return "café"


@app.route("answer/html")
def html(req: func.HttpRequest):
    return func.HttpResponse("<p>", mimetype="text/html")


@app.route("answer/raw")
def raw(req: func.HttpRequest):
    return func.HttpResponse(b"\0\xff", mimetype="application/octet-stream")


@app.route("answer/headed")
def headed(req: func.HttpRequest):
    headers = {"X-Pot": "tea", "Content-Type": "application/problem+json", "Content-Length": "99"}
    return func.HttpResponse("{}", status_code=418, headers=headers)


@app.route("answer/none")
def none(req: func.HttpRequest):
    return func.HttpResponse(status_code=204)


@app.route("answer/moved")
def moved(req: func.HttpRequest):
    return func.HttpResponse(status_code=302, headers={"Location": "/elsewhere"})


@app.route("answer/failing")
def failing(req: func.HttpRequest):
    raise ValueError("on purpose")


@app.route("answer/a_dict")
def a_dict(req: func.HttpRequest):
    return {"not": "a response"}


@app.route("answer/exiting")
def exiting(req: func.HttpRequest):
    sys.exit(3)


finished = []


@app.route("slow", methods=["POST"])
async def slow(req: func.HttpRequest):
    finished.append(len(req.get_body()))
    return "done"


@app.route("finished")
def which_finished(req: func.HttpRequest):
    return json.dumps(finished)
