"""The commands. Each prints for people by default and one JSON value with --json; progress goes to the error output.

Options of methods, networks, training and evaluation are not repeated here: they are read from the tables, see
`core.settings.flags`. Exit code 1 means that the project refused something and said why, 2 a wrong command line.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from core import api
from core.api.judging import certificate_settings
from core.cli import bring, doctor, paper, published, reproducing, runs, show, signals, study, tables, taking
from core.cli.doing import OPEN, Json, Out, do, settings_of
from core.errors import BallastError, ConfigError
from core.types import plugins

KERNEL, NEAREST, NETWORK = "kernel", "nearest", "network"  # words for --model, and kinds of jobs
app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Condense a data set, train on it, attack the result. The same work as the dashboard's.",
)  # fmt: skip
app.add_typer(runs.app, name="runs", invoke_without_command=True)
app.add_typer(study.app, name="study")
app.command()(paper.paper)
app.command()(published.published)
app.command()(doctor.doctor)
app.command()(reproducing.reproduce)

Markdown = Annotated[bool, typer.Option("--markdown", help="print the table of the README")]
TRAINED = f"--protocol ({' or '.join(api.PROTOCOLS)}) fills in options of the training that are not given."
FRESH = "--networks N trains N fresh networks and gives mean and standard deviation."


def main() -> None:
    """Run the command line; what the project refuses becomes one sentence and exit code 1."""
    signals.listen()
    if sentence := plugins.trouble():
        sys.stderr.write(f"{sentence}\n")
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


@app.command(context_settings=OPEN, epilog=tables.settings(("data",)))
def describe(context: typer.Context, as_json: Json = False) -> None:
    """Load a data set and say what is in it: counts, size, value range, hash."""
    do("data", settings_of(context, ("data",)).data.model_dump(mode="json"), as_json=as_json)


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


@app.command(context_settings=OPEN, epilog=tables.settings(api.STAGES, f"{TRAINED} {FRESH}"))
def run(context: typer.Context, name: str = "", out: Out = None, as_json: Json = False) -> None:
    """Condense, train and evaluate; the run is stored like those of the dashboard."""
    config = settings_of(context, api.STAGES).to_json()
    do("run", config, name=name, out=out, as_json=as_json)


@app.command(context_settings=OPEN, epilog=tables.settings(("data", "method")))
def condense(context: typer.Context, out: Out = None, as_json: Json = False) -> None:
    """Only condense: writes OUT/condensed.npz."""
    do("condense", settings_of(context, ("data", "method")).to_json(), out=out, as_json=as_json)


app.command()(taking.export)
app.command("import-network", context_settings=OPEN, epilog=tables.settings(taking.STAGES))(taking.import_network)
app.command("import", context_settings=OPEN, epilog=tables.settings(("data", "method")))(bring.bring)


@app.command(context_settings=OPEN, epilog=tables.settings(("data", "network", "training"), TRAINED))
def train(
    context: typer.Context,
    support: Annotated[Path, typer.Option(help="a condensed.npz")],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Train on a condensed set: writes OUT/last.safetensors and OUT/best.safetensors."""
    settings = settings_of(context, ("data", "network", "training")).to_json()
    do("train", {"settings": settings, "condensed": str(support.resolve())}, out=out, as_json=as_json)


@app.command(context_settings=OPEN, epilog=tables.settings(("data", "eval")))
def evaluate(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="a .safetensors file that `train` or a run left, kernel, or nearest")] = "",
    run_id: Annotated[str, typer.Option("--run", help="id of a finished run; its data set is used too")] = "",
    support: Annotated[Path | None, typer.Option(help="a condensed.npz, for --model kernel or nearest")] = None,
    certificate: Annotated[str, typer.Option(help="of a network: ibp (Linf) or smoothing (L2)")] = "",
    network: Annotated[str, typer.Option(help="FILE.py:function that returns a torch module; its code is run")] = "",
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Measure clean and robust accuracy of a trained network, or of kernel regression or nearest neighbour on a set.

    For nearest neighbour also what is proven: certified_acc at --eps, and quantiles of the radius that is proven.
    --certificate proves something of a network: ibp by interval bounds, smoothing of its smoothed classifier, with
    --sigma, --n0, --n and --alpha. --model network takes the one beside --support, or of --run.
    With --model kernel also --kernel, --depth, --bias-std, --readout, --ridge; else they are those of the set.
    """
    if network:
        if model or run_id or support or certificate:
            raise ConfigError("--network FILE.py:function is judged by itself: leave --model, --run and --support out")
        code = {"settings": settings_of(context, ("data", "eval")).to_json(), "code": network}
        do("code", code, out=out, as_json=as_json)
        return
    if certificate and model in (KERNEL, NEAREST):
        raise ConfigError(f"--certificate is for networks, got --model {model}: leave it out")
    if model == NETWORK:
        model, support = "" if run_id else str(_beside(support)), None
    if (not model) == (not run_id):
        raise ConfigError("evaluate needs exactly one of --model FILE and --run ID")
    if (support is None) == (model in (KERNEL, NEAREST)):
        raise ConfigError("--model kernel or nearest and --support FILE belong together: give both or neither")
    if support is not None and model == NEAREST:
        settings = settings_of(context, ("data", "eval")).to_json()
        do(NEAREST, {"settings": settings, "condensed": str(support.resolve())}, out=out, as_json=as_json)
        return
    if support is not None:
        do(KERNEL, _of_support(context, support), out=out, as_json=as_json)
        return
    proof, context.args = (
        certificate_settings(api.split(context.args), certificate) if certificate else ({}, context.args)
    )
    if run_id:
        config = _of_run(context, run_id)
    else:
        settings = settings_of(context, ("data", "eval")).to_json()
        config = {"settings": settings, "model": str(Path(model).resolve())}
    do("prove" if proof else "evaluate", config | ({"proof": proof} if proof else {}), out=out, as_json=as_json)


@app.command(context_settings=OPEN)
def audit(
    context: typer.Context,
    run_id: Annotated[str, typer.Option("--run", help="id of a finished run")],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Ask whether the robust accuracy of a run can be trusted: --norm, --eps, --eval-images and the audit's options."""
    config = api.audit_settings(run_id, api.options(api.split(context.args), api.AuditConfig))
    do("audit", config, out=out, as_json=as_json)


@app.command(context_settings=OPEN, epilog=tables.settings(("data",)))
def certify(
    context: typer.Context,
    condensed: Annotated[Path, typer.Argument(help="a condensed.npz")],
    radii: Annotated[Path | None, typer.Option(help="a radii.npz that evaluate --model nearest or a run left")] = None,
    as_json: Json = False,
) -> None:
    """Verify a claim from the pixels alone and say which: a cover, or --radii of the nearest neighbour on the set.

    Exit code 1 when the claim fails.
    """
    settings = settings_of(context, ("data",)).to_json()
    config = {"settings": settings, "condensed": str(condensed.resolve())}
    record = do("certify", config | ({"radii": str(radii.resolve())} if radii else {}), as_json=as_json)
    if not api.results.CertifyResult.of(record).valid:
        raise typer.Exit(1)


def _of_run(context: typer.Context, run_id: str) -> dict[str, Any]:
    """A run with the model it kept, and its settings with the evaluation replaced by the flags."""
    found = api.of_model(run_id)
    flags = {"seed": str(found["settings"]["seed"])} | api.split(context.args)
    chosen = api.parse(flags, stages=("eval",))
    settings = {**found["settings"], "evaluation": chosen.to_json()["evaluation"], "seed": chosen.seed}
    return {**found, "settings": settings}


def _beside(support: Path | None) -> Path:
    """The network in the folder of a condensed set."""
    if support is None:
        raise ConfigError("--model network needs --run ID, or --support FILE with last.safetensors beside it")
    return support.parent / "last.safetensors"


def _of_support(context: typer.Context, support: Path) -> dict[str, Any]:
    """A condensed set with the settings of its judgement, and what the flags say of the kernel."""
    flags = {name.replace("_", "-"): text for name, text in api.split(context.args).items()}
    own = {info.name.replace("_", "-") for info in api.KernelConfig.describe()}
    chosen = api.options({name: text for name, text in flags.items() if name in own}, api.KernelConfig)
    rest = {name: text for name, text in flags.items() if name not in own}
    settings = api.parse(rest, stages=("data", "eval")).to_json()
    return {"settings": settings, "condensed": str(support.resolve()), "kernel": chosen}
