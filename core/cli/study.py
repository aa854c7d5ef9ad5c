"""Studies on the command line: begin one, go on with it, read its table."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from core import api
from core.cli import show
from core.errors import RunError

OPEN = {"allow_extra_args": True, "ignore_unknown_options": True}
app = typer.Typer(
    help="Compare methods over budgets, seeds, trainings and attack radii.", no_args_is_help=True, rich_markup_mode=None
)
Name = Annotated[str, typer.Argument(help="name of the study")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON value")]
Workers = Annotated[int | None, typer.Option(help="runs at the same time, for all work on this machine from now on")]
Executor = Annotated[str, typer.Option(help="where runs are done: local or ray; else what BALLAST_EXECUTOR says")]
Cpus = Annotated[float | None, typer.Option(help="cores that a run asks of a Ray node, from now on")]
Gpus = Annotated[float | None, typer.Option(help="graphics cards, or a part of one, that a run asks of a Ray node")]
OPTIONS = "Further options: --data, --limit, --network, " + ", ".join(
    f"--{info.name.replace('_', '-')}" for info in api.study.StudyOptions.describe()
)


@app.command(context_settings=OPEN, epilog=OPTIONS)
def transfer(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="name under which it is continued and shown")] = "transfer",
    workers: Workers = None,
    plan_only: Annotated[bool, typer.Option("--plan", help="only estimate the cost")] = False,
    executor: Executor = "",
    cpus: Cpus = None,
    gpus: Gpus = None,
    as_json: Json = False,
) -> None:
    """Condense by several methods, train standardly and adversarially, attack, and tell what was transferred.

    Every cell is an ordinary run; what is done is never repeated, so the same line goes on after a kill.
    """
    _where(executor, cpus, gpus)
    flags = {key.replace("_", "-"): text for key, text in api.split(context.args).items()}
    own = {info.name.replace("_", "-") for info in api.study.StudyOptions.describe()}
    chosen = api.options({key: text for key, text in flags.items() if key in own}, api.study.StudyOptions)
    rest = api.parse({key: text for key, text in flags.items() if key not in own}, stages=("data", "network"))
    network = {"network": rest.to_json()["network"]} if "network" in flags else {}
    api.study.begin(name, {"data": rest.to_json()["data"], **network, **chosen})
    cost = _cost(name)
    if not plan_only:
        _work(name, workers)
    _tell(name, as_json, {"estimated": cost})


@app.command()
def resume(
    name: Name, workers: Workers = None, executor: Executor = "", cpus: Cpus = None, gpus: Gpus = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Go on with a study."""
    _where(executor, cpus, gpus)
    api.study.study(name)
    _work(name, workers)
    _tell(name, as_json)


@app.command("show")
def show_study(name: Name, as_json: Json = False) -> None:
    """The table of what is done."""
    _tell(name, as_json)


@app.command()
def export(name: Name, out: Annotated[Path, typer.Option(help="zip file to write")]) -> None:
    """Write settings and results into one zip, from which `python -m core reproduce` does the study again."""
    api.study.export_to(name, out)
    typer.echo(f"wrote {out}")


@app.command("list")
def list_studies(as_json: Json = False) -> None:
    """The studies of this home with how far they are."""
    found = {name: api.study.progress(name) for name in api.study.studies()}
    lines = [f"{name}  {done} of {total} runs" for name, (done, total) in found.items()]
    typer.echo(json.dumps(found) if as_json else "\n".join(lines) or "no studies yet")


def _where(executor: str, cpus: float | None, gpus: float | None) -> None:
    """Say where runs are done as the environment would say it."""
    told = {"BALLAST_EXECUTOR": executor or None, "BALLAST_CPUS": cpus, "BALLAST_GPUS": gpus}
    os.environ.update({name: str(value) for name, value in told.items() if value is not None})


def _cost(name: str) -> dict[str, Any]:
    """Say what is left to do and about how long it takes."""
    found = api.study.cost(name)
    limit = "about" if found.known else "at least"
    parts = ", ".join(f"{part} {getattr(found, part) / 60:.0f}" for part in ("condense", "train", "evaluate"))
    typer.echo(f"{found.runs} runs to do, {limit} {found.total / 60:.0f} minutes in one process ({parts})", err=True)
    return asdict(found) | {"total": found.total}


def _work(name: str, workers: int | None) -> None:
    """Do what is missing; runs that fail are told and left, the others go on."""
    if workers is not None:
        api.set_parallel(workers)
    failed: list[str] = []
    with show.Ticker() as ticker:
        for words, record in api.study.continue_with(name, lambda words, event: ticker(show.titled(words, event))):
            done, total = api.study.progress(name)
            typer.echo(f"{done}/{total}  {record.status}  {words}", err=True)
            if record.status == "cancelled":
                raise RunError(f"stopped at {words}: the same command goes on from there")
            if record.status != "done":
                failed.append(f"{words}: {record.error or record.status}")
    if failed or (left := api.study.missing(name)):
        told = "; ".join(failed) or f"{len(left)} runs of other processes are not done, the first is {left[0]}"
        raise RunError(f"the study {name} is not complete: {told}; `python -m core study resume {name}` goes on")


def _tell(name: str, as_json: bool, more: dict[str, Any] | None = None) -> None:
    done, total = api.study.progress(name)
    rows = api.study.rows(name)
    if as_json:
        settings = api.study.study(name).to_json()
        values = {"study": name, "done": done, "total": total, "settings": settings, "rows": [asdict(r) for r in rows]}
        typer.echo(json.dumps(values | (more or {})))
        return
    sys.stderr.write(f"{done} of {total} runs done\n")
    typer.echo(api.study.markdown(rows, api.study.study(name).attack))
