"""Bring a condensed set that was made elsewhere, on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from core import api
from core.cli.doing import Json, Out, do


def bring(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="a .pt, .npz or .zip, a folder of class folders, or the id of a run")],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Import a condensed set that was made elsewhere, for the data set of --data.

    A run takes it by `--method imported --set RUN`. Published pixels are mostly normalised: unless the file tells what
    black and white are, a --set-range is proposed, a mosaic of it is left as condensed.png, nothing is taken, and the
    exit code is 1. Confirm it, with --clip where values lie beyond. --number takes another of several sets, --ipc
    refuses one of another size.
    """
    named = str(Path(file).resolve()) if Path(file).exists() else file
    given = {{"range": "set-range"}.get(flag, flag): text for flag, text in api.split(context.args).items()}
    flags = {"method": "imported", "set": named} | given
    settings = api.parse(flags, stages=("data", "method")).to_json()
    record = do("bring", settings, as_json=as_json, out=out, name=f"set {Path(file).name}")
    if api.bring.BringResult.of(record).asks:
        raise typer.Exit(1)
