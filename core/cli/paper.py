"""Tables, references, a paragraph and a report for a paper, on the command line."""

from pathlib import Path
from typing import Annotated

import typer

from core import api
from core.errors import ConfigError

Study = Annotated[str, typer.Option(help="name of a study")]
Run = Annotated[list[str] | None, typer.Option(help="id of a finished run; may be given several times")]
Form = Annotated[api.paper.Form, typer.Option(help="what to write")]
Out = Annotated[Path | None, typer.Option(help="file to write; without it the text is printed")]


def paper(
    study: Study = "",
    run: Run = None,
    form: Form = "markdown",
    eps: Annotated[str, typer.Option(help="attack radius of a study, such as 0.1 or 8/255; its first without")] = "",
    out: Out = None,
) -> None:
    """Write a table, BibTeX, a paragraph on the method, or a report that opens offline, of a study or of runs."""
    if bool(study) == bool(run):
        raise ConfigError("paper needs either --study NAME or --run ID, which may be given several times")
    radius = api.options({"eps": eps}, api.EvaluationConfig)["eps"] if eps else None
    text = api.paper.of_study(study, form, radius) if study else api.paper.of_runs(run or [], form)
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
