"""What commands share: their common options, settings read from flags, work done in this process and told."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from core import api
from core.cli import show
from core.errors import RunError
from core.types import RunRecord

OPEN = {"allow_extra_args": True, "ignore_unknown_options": True}  # flags that the tables know are read by the door
Json = Annotated[bool, typer.Option("--json", help="print one JSON value")]
Out = Annotated[Path | None, typer.Option(help="folder that gets a copy of what the work leaves")]


def settings_of(context: typer.Context, stages: tuple[str, ...]) -> api.RunConfig:
    """The settings that the flags of these stages make."""
    return api.parse(api.split(context.args), stages=stages)


def do(kind: str, config: dict[str, Any], *, as_json: bool, out: Path | None = None, name: str = "") -> RunRecord:
    """Do the work in this process, print its result and return its record."""
    with show.Ticker() as ticker:
        record: RunRecord = api.here(kind, config, name=name, out=out, on_event=ticker)
    tell(record, as_json)
    return record


def tell(record: RunRecord, as_json: bool) -> None:
    """Print what a run found; RunError when it found nothing."""
    if record.status != "done":
        raise RunError(record.error or f"{record.status}: run {record.id}")
    typer.echo(json.dumps({"run": record.id, **record.result}) if as_json else show.result(record))
