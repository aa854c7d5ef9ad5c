"""The commands. Each prints for people by default and one JSON value with --json; progress goes to the error output.

Options of methods, networks, training and evaluation are not repeated here: they are read from the tables, see
`core.runs.flags`. Exit code 1 means that the project refused something and said why, 2 a wrong command line.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from core import api
from core.cli import show, study, tables
from core.errors import BallastError, ConfigError, RunError
from core.types import RunRecord

KERNEL = "kernel"  # the word for --model, and the kind of job
OPEN = {"allow_extra_args": True, "ignore_unknown_options": True}
app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Condense a data set, train on it, attack the result. The same work as the dashboard's.",
)  # fmt: skip
runs_app = typer.Typer(help="List, show, cancel, resume, rename, export and delete runs.", rich_markup_mode=None)
app.add_typer(runs_app, name="runs", invoke_without_command=True)
app.add_typer(study.app, name="study")

Json = Annotated[bool, typer.Option("--json", help="print one JSON value")]
Markdown = Annotated[bool, typer.Option("--markdown", help="print the table of the README")]
Out = Annotated[Path | None, typer.Option(help="folder that gets a copy of what the work leaves")]
RunId = Annotated[str, typer.Argument(help="id of a run, as `runs` lists them")]
MORE = "Further options: --data, --limit, --seed and those of the chosen rows; methods, networks, trainings list them."
TRAINED = f"--protocol ({' or '.join(api.PROTOCOLS)}) fills in options of the training that are not given."
FRESH = "--networks N trains N fresh networks and gives mean and standard deviation."


def main() -> None:
    """Run the command line; what the project refuses becomes one sentence and exit code 1."""
    try:
        app()
    except BallastError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


def _registry(table: str, as_json: bool, as_markdown: bool) -> None:
    typer.echo(
        show.as_json(tables.rows(table)) if as_json else (tables.markdown if as_markdown else tables.text)(table)
    )


@app.command()
def datasets(as_json: Json = False, markdown: Markdown = False) -> None:
    """List the data sets."""
    _registry("datasets", as_json, markdown)


@app.command(context_settings=OPEN, epilog=MORE)
def describe(context: typer.Context, as_json: Json = False) -> None:
    """Load a data set and say what is in it: counts, size, value range, hash."""
    _do("data", _settings(context, ("data",)).data.model_dump(mode="json"), as_json=as_json)


@app.command()
def methods(as_json: Json = False, markdown: Markdown = False) -> None:
    """List the condensation methods with their options."""
    _registry("methods", as_json, markdown)


@app.command()
def networks(as_json: Json = False, markdown: Markdown = False) -> None:
    """List the networks with their options."""
    _registry("networks", as_json, markdown)


@app.command()
def trainings(as_json: Json = False, markdown: Markdown = False) -> None:
    """List the ways of training with their options."""
    _registry("trainings", as_json, markdown)


@app.command(context_settings=OPEN, epilog=f"{MORE} {TRAINED} {FRESH}")
def run(context: typer.Context, name: str = "", out: Out = None, as_json: Json = False) -> None:
    """Condense, train and evaluate; the run is stored like those of the dashboard."""
    config = _settings(context, api.STAGES).to_json()
    _do("run", config, name=name, out=out, as_json=as_json)


@app.command(context_settings=OPEN, epilog=MORE)
def condense(context: typer.Context, out: Out = None, as_json: Json = False) -> None:
    """Only condense: writes OUT/condensed.npz."""
    _do("condense", _settings(context, ("data", "method")).to_json(), out=out, as_json=as_json)


@app.command(context_settings=OPEN, epilog=f"{MORE} {TRAINED}")
def train(
    context: typer.Context,
    support: Annotated[Path, typer.Option(help="a condensed.npz")],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Train on a condensed set: writes OUT/last.safetensors and OUT/best.safetensors."""
    settings = _settings(context, ("data", "network", "training")).to_json()
    _do("train", {"settings": settings, "condensed": str(support.resolve())}, out=out, as_json=as_json)


@app.command(context_settings=OPEN, epilog=MORE)
def evaluate(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="a .safetensors file that `train` or a run left, or kernel")] = "",
    run_id: Annotated[str, typer.Option("--run", help="id of a finished run; its data set is used too")] = "",
    support: Annotated[Path | None, typer.Option(help="a condensed.npz, for --model kernel")] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure clean and robust accuracy of a trained network, or of kernel regression on a condensed set.

    With --model kernel also --kernel, --depth, --bias-std, --readout, --ridge; else they are those of the set.
    """
    if (not model) == (not run_id):
        raise ConfigError("evaluate needs exactly one of --model FILE and --run ID")
    if (support is None) == (model == KERNEL):
        raise ConfigError("--model kernel and --support FILE belong together: give both or neither")
    if model == KERNEL:
        _do(KERNEL, _of_support(context, support), out=out, as_json=as_json)
        return
    if run_id:
        config = _of_run(context, run_id)
    else:
        settings = _settings(context, ("data", "eval")).to_json()
        config = {"settings": settings, "model": str(Path(model).resolve())}
    _do("evaluate", config, out=out, as_json=as_json)


@app.command(context_settings=OPEN)
def audit(
    context: typer.Context,
    run_id: Annotated[str, typer.Option("--run", help="id of a finished run")],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Ask whether the robust accuracy of a run can be trusted: --norm, --eps, --eval-images and the audit's options."""
    config = api.audit_settings(run_id, api.options(api.split(context.args), api.AuditConfig))
    _do("audit", config, out=out, as_json=as_json)


@app.command(context_settings=OPEN, epilog=MORE)
def certify(
    context: typer.Context, condensed: Annotated[Path, typer.Argument(help="a condensed.npz")], as_json: Json = False
) -> None:
    """Verify a cover from the pixels alone; exit code 1 when a claim in it fails."""
    settings = _settings(context, ("data",)).to_json()
    record = _do("certify", {"settings": settings, "condensed": str(condensed.resolve())}, as_json=as_json)
    if not record.result["valid"]:
        raise typer.Exit(1)


@runs_app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    text: Annotated[str, typer.Option(help="words that must occur in name or settings")] = "",
    limit: Annotated[int, typer.Option(help="newest runs to list")] = 50,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    if context.invoked_subcommand is None:
        found = api.runs(text=text, limit=limit)
        typer.echo(show.as_json([show.record(r) for r in found]) if as_json else show.listing(found))


@runs_app.command("show")
def show_run(run_id: RunId, as_json: Json = False) -> None:
    """Everything the store knows of one run."""
    record = api.get(run_id)
    typer.echo(show.as_json(show.record(record)) if as_json else show.result(record))


@runs_app.command()
def cancel(run_id: RunId) -> None:
    """Stop a queued or running run."""
    api.cancel(run_id)


@runs_app.command()
def rename(run_id: RunId, name: str) -> None:
    """Give a run another name."""
    api.rename(run_id, name)


@runs_app.command()
def delete(run_id: RunId) -> None:
    """Remove an ended run with its files."""
    api.delete(run_id)


@runs_app.command()
def export(run_id: RunId, out: Annotated[Path, typer.Option(help="zip file to write")]) -> None:
    """Write everything a run left into one zip."""
    out.write_bytes(api.export(run_id))


def _settings(context: typer.Context, stages: tuple[str, ...]) -> api.RunConfig:
    return api.parse(api.split(context.args), stages=stages)


def _of_run(context: typer.Context, run_id: str) -> dict[str, Any]:
    """A run with the model it kept, and its settings with the evaluation replaced by the flags."""
    found = api.of_model(run_id)
    flags = {"seed": str(found["settings"]["seed"])} | api.split(context.args)
    chosen = api.parse(flags, stages=("eval",))
    settings = {**found["settings"], "evaluation": chosen.to_json()["evaluation"], "seed": chosen.seed}
    return {**found, "settings": settings}


def _of_support(context: typer.Context, support: Path) -> dict[str, Any]:
    """A condensed set with the settings of its judgement, and what the flags say of the kernel."""
    flags = {name.replace("_", "-"): text for name, text in api.split(context.args).items()}
    own = {info.name.replace("_", "-") for info in api.KernelConfig.describe()}
    chosen = api.options({name: text for name, text in flags.items() if name in own}, api.KernelConfig)
    rest = {name: text for name, text in flags.items() if name not in own}
    settings = api.parse(rest, stages=("data", "eval")).to_json()
    return {"settings": settings, "condensed": str(support.resolve()), "kernel": chosen}


def _do(kind: str, config: dict[str, Any], *, as_json: bool, out: Path | None = None, name: str = "") -> RunRecord:
    """Do the work in this process, print its result and return its record."""
    with show.Ticker() as ticker:
        record: RunRecord = api.here(kind, config, name=name, out=out, on_event=ticker)
    if record.status != "done":
        raise RunError(record.error or f"{record.status}: run {record.id}")
    typer.echo(json.dumps({"run": record.id, **record.result}) if as_json else show.result(record))
    return record
