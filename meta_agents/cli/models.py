"""`model`: what models there are, what they cost, and storing others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from meta_agents.cli.context import AsJson, client_of, console, print_json, print_text, say
from meta_agents.cli.documents import Document, read_documents, to_yaml
from meta_agents.cli.exits import BadInput
from meta_agents.cli.tables import table_of
from meta_agents.errors import ApiError
from meta_agents.live.style import one_line
from meta_agents.results import Json, ModelAlias, Price
from meta_agents.synchronous.client import Client

app = typer.Typer(no_args_is_help=True, help="The models that agents may name.")
Alias = Annotated[str, typer.Argument(metavar="ALIAS", show_default=False)]


@app.command("list")
def list_all(context: typer.Context, as_json: AsJson = False) -> None:
    """List them by alias, with what they cost and who says so."""
    with client_of(context) as client:
        models = client.models.list()
    if as_json:
        print_json([model.as_sent() for model in models])
        return
    table = table_of("NAME", "STANDS FOR", "FROM", "WINDOW", "$ A MILLION, IN / OUT")
    for model in models:
        window = f"{model.context_window:,}" if model.context_window else ""
        table.add_row(model.alias, _meaning(model), model.source, window, _cost(model))
    console().print(table)
    for model in models:
        for mistake in model.mistakes:
            console(error=True).print(f"{model.alias}{mistake.pointer}: {mistake.message}")


@app.command()
def get(context: typer.Context, alias: Alias, as_json: AsJson = False) -> None:
    """Show what an alias stands for, as YAML that `model apply` takes."""
    with client_of(context) as client:
        model = client.models.get(alias)
    if as_json:
        print_json(model.as_sent())
        return
    by = f", by {one_line(model.by)}" if model.by else ""
    say(f"# from {model.source}{by}; {_cost(model) or 'price not known'}")
    print_text(to_yaml({"models": {model.alias: model.model}}))


@app.command()
def apply(
    context: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="YAML or JSON files with `models`.", show_default=False)
    ],
) -> None:
    """Store models from files, for the whole deployment: it takes the role admin."""
    documents = read_documents(files)
    strange = [document.place("") for document in documents if not _has_models(document.content)]
    if strange or not documents:
        hint = "Such a file begins `models:`, with an alias for each; nothing was sent."
        raise BadInput("Not every document holds models." if strange else "The files are empty.", hint, tuple(strange))
    with client_of(context) as client:
        for document in documents:
            # An endpoint before the fallbacks and cascades that name it.
            models = document.content["models"]
            for alias in sorted(models, key=lambda alias: _rank(models[alias])):
                _put(client, document, alias)


@app.command()
def delete(context: typer.Context, alias: Alias) -> None:
    """Take a stored model away; what settings and file give by that alias counts again."""
    with client_of(context) as client:
        client.models.delete(alias)
    say(f"deleted  model     {alias}")


def _put(client: Client, document: Document, alias: str) -> None:
    try:
        client.models.put(alias, document.content["models"][alias])
    except ApiError as error:
        if not error.details:
            raise
        told = ((f"/models/{alias}{detail.pointer}", detail.message) for detail in error.details)
        places = tuple(f"{document.place(at)}: {document.told(at, message)}" for at, message in told)
        raise BadInput(
            f"Model {alias} has mistakes.", "Correct them; those named before it are stored.", places
        ) from error
    say(f"stored     model     {alias}")


def _has_models(content: Json) -> bool:
    return isinstance(content, dict) and isinstance(content.get("models"), dict) and bool(content["models"])


def _rank(model: Json) -> int:
    given = model if isinstance(model, dict) else {}
    return 2 if "cascade" in given else 1 if "fallback" in given else 0


def _meaning(model: ModelAlias) -> str:
    cascade, fallback = model.model.get("cascade"), model.model.get("fallback") or ()
    if isinstance(cascade, dict):
        return f"{cascade.get('first')}, then {cascade.get('then')}"
    rest = f"; if down {', '.join(fallback)}" if fallback else ""
    return f"{model.model.get('model')} ({model.model.get('provider')}){rest}"


def _cost(model: ModelAlias) -> str:
    price: Price | None = model.price
    return "" if price is None else f"{price.input.normalize():f} / {price.output.normalize():f} ({price.source})"
