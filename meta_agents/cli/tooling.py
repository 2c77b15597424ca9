"""`tool` and what follows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import httpx
import typer

from meta_agents.cli.context import AsJson, client_of, console, print_json, print_text, say
from meta_agents.cli.documents import parse, read_text, to_yaml
from meta_agents.cli.exits import BadInput, ExitCode
from meta_agents.cli.inputs import read_input
from meta_agents.live.style import counted
from meta_agents.results import Json, StoredDefinition
from meta_agents.synchronous.client import Client
from meta_agents.tool_results import McpTool, ToolCall

app = typer.Typer(help="Try tools, and make them of what is there.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
FETCH_SECONDS = 30.0
MOST_BYTES = 8_388_608


@app.command()
def call(
    context: typer.Context,
    name: Name,
    arguments: Annotated[
        str | None, typer.Option("--args", metavar="JSON|@FILE|-", help="The arguments; - reads standard input.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE|KEY=@FILE", help="One argument; may be repeated."),
    ] = None,
    version: Annotated[int | None, typer.Option(metavar="N", help="Another version than the latest.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(metavar="KEY", help="Sent along to the tool.")] = None,
    as_json: AsJson = False,
) -> None:
    """Call a tool once, for real, and show what it gives and how long it took. Nothing is recorded."""
    given = read_input(arguments, settings or (), "--args")
    if not isinstance(given, dict):
        raise BadInput("The arguments of a tool are an object.", 'Give one: --args \'{"key": "value"}\'.')
    with client_of(context) as client:
        done = client.tools.call(name, given, version=version, idempotency_key=idempotency_key)
    if as_json:
        print_json(done.as_sent())
    else:
        _show(done)
    if done.error is not None:
        raise typer.Exit(ExitCode.EXECUTION_FAILED)


@app.command()
def check(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Default: all.", show_default=False)
    ] = None,
    make: Annotated[
        bool, typer.Option("--call", help="Also call each `idempotent` tool with its examples, for real.")
    ] = False,
) -> None:
    """Check stored tools: their definitions, and their examples against their schemas."""
    failures = 0
    with client_of(context) as client:
        stored = [client.tools.get(name) for name in names or [row.name for row in client.tools.list()]]
        results = client.validate([("tools", one.definition) for one in stored])
        for one, result in zip(stored, results, strict=True):
            said = [f"{error.pointer}: {error.message}" for error in result.errors]
            if make and not said:
                said = [complaint for complaint in _made(client, one) if complaint]
            _verdict(one, said, [f"{warning.pointer}: {warning.message}" for warning in result.warnings])
            failures += bool(said)
    say(f"{counted(len(stored), 'tool')}, {failures} with mistakes")
    if failures:
        raise typer.Exit(ExitCode.BAD_INPUT)


@app.command("import")
def import_openapi(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="An OpenAPI document, YAML or JSON.", show_default=False)
    ],
    operation: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="An operation to import; may be repeated.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Import all operations.")] = False,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Where the API is, if the document does not say it.")
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(metavar="SCHEME=NAME", help="The deployment's secret for a security scheme; may be repeated."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the definitions as YAML and keep none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make tools of the operations of an OpenAPI document, which this command reads; the app never fetches it."""
    if every == bool(operation):
        raise BadInput("Say which operations.", "Give --operation ID (again for more), or --all.")
    document = _document(source)
    if source.startswith(("http://", "https://")):
        server = server or source
    with client_of(context) as client:
        done = client.tools.import_openapi(
            document, only=operation or None, server=server, secrets=_pairs(secret or ()), keep=not show
        )
    if as_json:
        print_json(done.as_sent())
    for item in () if as_json else done.items:
        if show:
            print_text("---\n" + to_yaml(item.definition))
        else:
            say(f"{item.change:<9}  tool      {item.name}  version {item.version}")
    for left in () if as_json else (*done.notes, *done.left):
        console(error=True).print(f"{left.operation}: {left.reason}", soft_wrap=True)
    if not done.items:
        raise typer.Exit(ExitCode.BAD_INPUT)


@app.command()
def discover(
    context: typer.Context,
    server: Annotated[
        str | None, typer.Argument(metavar="SERVER", help="Default: list the servers.", show_default=False)
    ] = None,
    tool: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this tool of the server; may be repeated.")
    ] = None,
    keep: Annotated[bool, typer.Option("--import", help="Keep the definitions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the tools of an MCP server as the definitions that would be kept: read them before you do."""
    with client_of(context) as client:
        if server is None:
            if tool or keep:
                raise BadInput("Say of which server.", "`meta-agents tool discover` lists them.")
            _show_servers(client, as_json)
            return
        offered = client.tools.discover(server)
        missing = sorted(set(tool or ()) - {one.tool for one in offered})
        if missing:
            names = ", ".join(one.tool for one in offered) or "none"
            raise BadInput(f"{server} offers no tool {missing[0]!r}.", f"Its tools: {names}.")
        chosen = [one for one in offered if not tool or one.tool in tool]
        if as_json:
            print_json([one.as_sent() for one in chosen])
        for one in chosen:
            _keep_or_show(client, one, keep, quiet=as_json)


def _show_servers(client: Client, as_json: bool) -> None:
    servers = client.tools.mcp_servers()
    if as_json:
        print_json([one.as_sent() for one in servers])
        return
    for one in servers:
        say(f"{one.name}  {one.transport}")


def _keep_or_show(client: Client, found: McpTool, keep: bool, quiet: bool) -> None:
    for note in () if quiet else found.notes:
        console(error=True).print(f"{found.tool}: {note}", soft_wrap=True)
    if found.definition is None:
        return
    if keep:
        stored = client.tools.put(found.definition)
        if not quiet:
            say(f"kept       tool      {stored.definition['name']}  version {stored.version}")
    elif not quiet:
        print_text("---\n" + to_yaml(found.definition))


@app.command()
def functions(context: typer.Context, as_json: AsJson = False) -> None:
    """List the Python functions of the deployment that tools can be made of."""
    with client_of(context) as client:
        found = client.tools.functions()
    if as_json:
        print_json([one.as_sent() for one in found])
        return
    for one in found:
        taken = ", ".join(one.input.get("properties", {}))
        say(f"{one.name}({taken})  {one.description.partition(chr(10))[0]}".rstrip())


def _show(done: ToolCall) -> None:
    if done.error is not None:
        console(error=True).print(f"{done.error.code}: {done.error.message}\n{done.error.action}", soft_wrap=True)
    elif isinstance(done.result, str):
        say(done.result)
    else:
        print_json(done.result)
    say(f"{done.seconds:.3f} s, version {done.version}", error=True)


def _verdict(stored: StoredDefinition, complaints: Sequence[str], warnings: Sequence[str]) -> None:
    name = stored.definition["name"]
    examples = len(stored.definition.get("examples", ()))
    if not complaints:
        say(f"ok       {name}  version {stored.version}, {counted(examples, 'example')}")
    for complaint in complaints:
        say(f"mistake  {name}  {complaint}")
    for warning in warnings:
        say(f"warning  {name}  {warning}")


def _made(client: Client, stored: StoredDefinition) -> Iterable[str]:
    """What is wrong with what each example gives; nothing is called that might do harm twice."""
    if stored.definition.get("delivery") != "idempotent":
        return
    for number, example in enumerate(stored.definition.get("examples", ())):
        done = client.tools.call(stored.definition["name"], example["arguments"], version=stored.version)
        if done.error is not None:
            yield f"/examples/{number}: {done.error.code}: {done.error.message}"
        elif "result" in example and done.result != example["result"]:
            yield f"/examples/{number}/result: it gives another result"


def _document(source: str) -> dict[str, Json]:
    if source.startswith(("http://", "https://")):
        text, path = _fetched(source), Path(httpx.URL(source).path or "openapi.json")
        path = path if path.suffix in (".yaml", ".yml") or not text.lstrip().startswith("{") else Path("openapi.json")
    else:
        path = Path(source)
        text = read_text(path)
    documents = parse(text, path)
    if len(documents) != 1 or not isinstance(documents[0].content, dict):
        raise BadInput(f"{source} is no OpenAPI document.", "Name a file or an address with one, in YAML or JSON.")
    return documents[0].content


def _fetched(url: str) -> str:
    try:
        response = httpx.get(url, timeout=FETCH_SECONDS, follow_redirects=True)
        response.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise BadInput(
            f"{url} cannot be read: {error}.", "Check the address, or save the document to a file."
        ) from error
    if len(response.content) > MOST_BYTES:
        raise BadInput(f"{url} is larger than {MOST_BYTES} bytes.", "Save the part that you need to a file.")
    return response.text


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if any(not scheme or not name for scheme, _, name in pairs):
        raise BadInput("--secret is not understood.", "Write it as --secret SCHEME=NAME.")
    return {scheme: name for scheme, _, name in pairs}
