"""What a paper needs of a study or of runs: tables, references, a paragraph on the method, a report."""

from collections.abc import Sequence
from typing import Literal, get_args

from core.api import artifacts, study, work
from core.errors import RunError
from core.jobs.results import RunResult
from core.settings.run import RunConfig
from core.settings.study import plan
from core.study import paper, writing_up
from core.study.report import Picture, html

Form = Literal["latex", "markdown", "bibtex", "methods", "html"]
FORMS: tuple[Form, ...] = get_args(Form)
ENDINGS = {"latex": "tex", "markdown": "md", "bibtex": "bib", "methods": "txt", "html": "html"}

__all__ = ["ENDINGS", "FORMS", "Form", "Picture", "of_runs", "of_study"]


def of_study(name: str, form: Form, eps: float | None = None, pictures: Sequence[Picture] = ()) -> str:
    """One form of what is done of a study, at an attack radius (the first of the study without one).

    pictures  for the report
    raises    RunError when nothing is done at that radius
    """
    found, rows = study.study(name), study.rows(name)
    radius = found.eps[0] if eps is None else eps
    if form == "methods":
        return writing_up.paragraph_of_study(found)
    references = writing_up.bibtex([cell.settings for cell in plan(found)])
    if form == "bibtex":
        return references
    table = writing_up.of_study(found, rows, radius)
    if not table.lines:
        raise RunError(f"no run of the study {name} at ε = {radius:g} is done; its radii are {_listed(found.eps)}")
    if form != "html":
        return paper.latex(table) if form == "latex" else paper.markdown(table)
    done, total = study.progress(name)
    notes = [f"{done} of {total} runs of this study are done."] if done < total else []
    return html(
        f"Study {name}", writing_up.paragraph_of_study(found), table, pictures, command=study.command(name),
        references=references, notes=notes,
    )  # fmt: skip


def of_runs(run_ids: Sequence[str], form: Form) -> str:
    """One form of finished runs; the paragraph and the report have one part for each run.

    raises  RunError for a run that has found no accuracies
    """
    records = [work.get(run_id) for run_id in run_ids]
    without = [r.id for r in records if r.kind != "run" or r.status != "done" or RunResult.of(r).robust_acc is None]
    if without or not records:
        raise RunError(f"a paper needs finished runs with accuracies, got {', '.join(without) or 'none'}")
    configs = [RunConfig(**record.config) for record in records]
    if form == "bibtex":
        return writing_up.bibtex(configs)
    paragraph = "\n\n".join(map(writing_up.paragraph_of_run, configs))
    if form == "methods":
        return paragraph
    table = writing_up.of_runs(records)
    if form != "html":
        return paper.latex(table) if form == "latex" else paper.markdown(table)
    names = [record.name or record.id for record in records]
    images = [
        Picture(content=content, kind="image/png", alt=f"Condensed images of {name}")
        for record, name in zip(records, names, strict=True)
        if (content := artifacts.image(record.id)) is not None
    ]
    return html(
        ", ".join(names), paragraph, table, images, references=writing_up.bibtex(configs),
        command="\n".join(artifacts.command(record.config) for record in records),
        notes=list(dict.fromkeys(note for record in records for note in RunResult.of(record).notes)),
    )  # fmt: skip


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
