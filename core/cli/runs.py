"""`runs`: list, show, cancel, resume, rename, export, delete and restore runs."""

from pathlib import Path
from typing import Annotated

import typer

from core import api
from core.cli import show
from core.cli.doing import Json, tell

app = typer.Typer(help="List, show, cancel, resume, rename, export, delete and restore runs.", rich_markup_mode=None)
RunId = Annotated[str, typer.Argument(help="id of a run, as `runs` lists them")]


@app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    text: Annotated[str, typer.Option(help="words that must occur in name or settings")] = "",
    limit: Annotated[int, typer.Option(help="newest runs to list")] = 50,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    if context.invoked_subcommand is None:
        found = api.runs(text=text, limit=limit, damaged=True)
        typer.echo(show.as_json([show.record(r) for r in found]) if as_json else show.listing(found))


@app.command("show")
def show_run(run_id: RunId, as_json: Json = False) -> None:
    """Everything the store knows of one run."""
    record = api.get(run_id)
    typer.echo(show.as_json(show.record(record)) if as_json else show.result(record))


@app.command()
def cancel(run_id: RunId) -> None:
    """Stop a queued or running run."""
    api.cancel(run_id)


@app.command()
def resume(run_id: RunId, as_json: Json = False) -> None:
    """Go on with an interrupted, failed or cancelled run in this process, from its last checkpoint."""
    with show.Ticker() as ticker:
        tell(api.resume_here(run_id, on_event=ticker), as_json)


@app.command()
def rename(run_id: RunId, name: str) -> None:
    """Give a run another name."""
    api.rename(run_id, name)


@app.command()
def delete(
    run_id: RunId, now: Annotated[bool, typer.Option("--now", help="for good, not into the trash")] = False
) -> None:
    """Put an ended run into the trash for 30 days, or with --now remove it with its files."""
    api.delete(run_id, now=now)


@app.command()
def restore(run_id: RunId) -> None:
    """Take a run out of the trash."""
    api.restore(run_id)


@app.command()
def export(run_id: RunId, out: Annotated[Path, typer.Option(help="zip file to write")]) -> None:
    """Write everything a run left into one zip."""
    api.export_to(run_id, out)
