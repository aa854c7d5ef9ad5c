"""Take sets and networks elsewhere, and bring networks that were made elsewhere, on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from core import api
from core.cli.doing import Json, Out, do, settings_of
from core.errors import ConfigError

STAGES = ("data", "network", "eval")


def export(
    run_id: Annotated[str, typer.Argument(help="id of a finished run, as `runs` lists them")],
    form: Annotated[str, typer.Option(help=" or ".join(api.taking.FORMS))],
    out: Annotated[Path, typer.Option(help="file to write; png is a zip of class folders")],
) -> None:
    """Write the condensed set or the network of a run in a form that others read, and print the lines that load it."""
    said = api.taking.to_file(run_id, form, out)
    typer.echo(api.taking.snippet(form, out.name).rstrip())
    if said:
        typer.echo(f"# note: {said}")


def import_network(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="weights: a .pt or .pth of a state dict, or .safetensors")],
    mean: Annotated[str, typer.Option(help="by which its images were normalised, a number a channel")] = "",
    std: Annotated[str, typer.Option(help="likewise")] = "",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Import weights that were trained elsewhere, for the architecture of --network on --data, and judge them.

    What is left is like what `train` leaves: `audit --run`, `evaluate --run` and certificates take it.
    """
    settings = settings_of(context, STAGES).to_json()
    inputs = {"mean": _numbers("mean", mean), "std": _numbers("std", std)}
    if min(inputs["std"], default=1) <= 0:
        raise ConfigError(f"--std must be positive, got {std}")
    config = {"settings": settings, "weights": str(file.resolve()), "inputs": inputs}
    do("network", config, as_json=as_json, out=out, name=f"weights {file.name}")


def _numbers(name: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"--{name} takes numbers with commas, a number a channel, got {text!r}") from None
