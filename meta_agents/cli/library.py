"""`library`: sending documents, looking at them, searching them, taking them away."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from meta_agents.cli.context import AsJson, client_of, console, print_json, say
from meta_agents.cli.exits import BadInput, ExitCode
from meta_agents.cli.tables import table_of
from meta_agents.library_results import LibraryDocument, Passage
from meta_agents.live.style import counted
from meta_agents.synchronous.client import Client

app = typer.Typer(no_args_is_help=True, help="Documents that agents search.")

LOOK_SECONDS = 0.5
INDEXING = "indexing"


class Mode(StrEnum):
    HYBRID = "hybrid"
    TEXT = "text"
    VECTOR = "vector"


Collection = Annotated[
    str, typer.Argument(metavar="COLLECTION", help="A collection of documents, by its name.", show_default=False)
]


@app.command("add")
def add(
    context: typer.Context,
    collection: Collection,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Text, Markdown, HTML or PDF.", show_default=False, exists=True, dir_okay=False
        ),
    ],
    name: Annotated[
        str | None, typer.Option(help="What it is called there, for a single file; else as the file.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="For a single file; else what the document says itself.")] = None,
    wait: Annotated[bool, typer.Option(help="Until they can be searched.")] = True,
    as_json: AsJson = False,
) -> None:
    """Send files to a collection, each in place of the document of its name: text, Markdown, HTML or PDF."""
    if len(files) > 1 and (name or title):
        raise BadInput("--name and --title are for a single file.", "Send the files one by one, or leave them out.")
    with client_of(context) as client:
        sent = [
            client.library.put(collection, name or document_name(file), file.read_bytes(), title=title)
            for file in files
        ]
        if wait:
            sent = _indexed(client, sent)
    if as_json:
        print_json([document.as_sent() for document in sent])
    for document in () if as_json else sent:
        say(_line(document))
    if any(document.status == "failed" for document in sent):
        raise typer.Exit(ExitCode.EXECUTION_FAILED)


@app.command("list")
def list_all(
    context: typer.Context,
    collection: Annotated[
        str | None, typer.Argument(metavar="COLLECTION", help="Default: list the collections.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The collections, or the documents of one."""
    with client_of(context) as client:
        if collection is None:
            _show_collections(client, as_json)
            return
        documents = list(client.library.list(collection))
    if as_json:
        print_json([document.as_sent() for document in documents])
        return
    table = table_of("NAME", "STATUS", "PASSAGES", "BYTES", "TITLE")
    for document in documents:
        status = f"{document.status} ({document.error.message})" if document.error else document.status
        cells = (document.name, status, str(document.passages), str(document.bytes), document.title or "")
        table.add_row(*cells)
    console().print(table)


@app.command("search")
def search(
    context: typer.Context,
    collection: Collection,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question, or words.", show_default=False)],
    *,
    top: Annotated[int, typer.Option(min=1, max=50, help="Most passages.")] = 5,
    mode: Annotated[Mode, typer.Option(help="By words and meaning together, or by one alone.")] = Mode.HYBRID,
    document: Annotated[list[str] | None, typer.Option(help="Only in this; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Search a collection."""
    with client_of(context) as client:
        found = client.library.search(collection, query, top=top, mode=mode.value, documents=document or ())
    if as_json:
        print_json(found.as_sent())
        return
    shown = console()
    for passage in found.items:
        _show(shown, passage)
    if not found.items:
        console(error=True).print("Nothing was found.")


@app.command("delete")
def delete(
    context: typer.Context,
    collection: Collection,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Documents of the collection.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="The whole collection.")] = False,
    vectors: Annotated[bool, typer.Option(help="With --all: forget also the vectors that are kept for reuse.")] = False,
) -> None:
    """Take documents away, or with --all a whole collection."""
    if everything == bool(names) or (vectors and not everything):
        raise BadInput("It is not clear what to delete.", "Name documents, or say --all (then --vectors may follow).")
    with client_of(context) as client:
        for name in names or ():
            client.library.delete(collection, name)
            say(f"deleted  document  {name}")
        if everything:
            gone = client.library.delete_collection(collection, vectors=vectors)
            told = f", {counted(gone.vectors, 'vector')} forgotten" if vectors else ""
            say(f"deleted  collection  {collection}: {counted(gone.documents, 'document')}{told}")


def document_name(file: Path) -> str:
    """What a file is called in the library: its name, with hyphens for what is not allowed there."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.name).lstrip("._-")[:128]
    if not name:
        raise BadInput(f"{file.name} makes no name for a document.", "Give one with --name.")
    return name


def _indexed(client: Client, sent: Sequence[LibraryDocument]) -> list[LibraryDocument]:
    """As they are once they are ready, or have failed."""
    documents, progress = list(sent), console(error=True)
    with progress.status("indexing") as status:
        while waiting := [place for place, document in enumerate(documents) if document.status == INDEXING]:
            time.sleep(LOOK_SECONDS)
            for place in waiting:
                documents[place] = client.library.get(documents[place].collection, documents[place].name)
            done = sum(document.embedded for document in documents)
            status.update(f"indexing: {done} of {sum(document.passages for document in documents)} passages")
    return documents


def _line(document: LibraryDocument) -> str:
    told = document.error.message if document.error else counted(document.passages, "passage")
    return f"{document.name}  {document.status}" + ("" if document.status == INDEXING else f"  {told}")


def _show_collections(client: Client, as_json: bool) -> None:
    collections = client.library.collections()
    if as_json:
        print_json([one.as_sent() for one in collections])
        return
    table = table_of("NAME", "DOCUMENTS", "READY", "PASSAGES", "BYTES")
    for one in collections:
        table.add_row(one.name, *(str(count) for count in (one.documents, one.ready, one.passages, one.bytes)))
    console().print(table)


def _show(shown: Console, passage: Passage) -> None:
    page = f", page {passage.page}" if passage.page else ""
    head = Text(f"[{passage.document}#{passage.number}]", "bold")
    head.append(f"  {passage.title}{page}", "bright_black")
    shown.print(head, soft_wrap=True)
    shown.print(Text(passage.text), soft_wrap=True)
    shown.print()
