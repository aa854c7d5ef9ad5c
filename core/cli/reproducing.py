"""Do the run or the study of a bundle again, on the command line."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from core import api
from core.cli import show
from core.cli.doing import Json

Workers = Annotated[int | None, typer.Option(help="of a study: runs at the same time, from now on")]


def reproduce(
    bundle: Annotated[Path, typer.Argument(help="a zip that `runs export`, `study export` or a page wrote")],
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Do a run or a study again and say of each number: equal, within its interval, or different (exit code 1).

    A study that was stopped goes on where it was.
    """
    asked = api.reproducing.read(bundle)
    if workers is not None:
        api.set_parallel(workers)
    told: dict[str, Any] | list[dict[str, Any]]
    with show.Ticker() as ticker:
        if asked.study is None:
            found = [api.reproducing.run_again(asked, on_event=ticker)]
            told = asdict(found[0])
        else:
            found = list(api.reproducing.study_again(asked, lambda words, event: ticker(show.titled(words, event))))
            told = {"study": asked.name, "runs": [asdict(one) for one in found]}
    typer.echo(show.as_json(told) if as_json else _text(found))
    if any(number.verdict == "different" for one in found for number in one.numbers):
        raise typer.Exit(1)


def _text(found: Sequence[api.reproducing.Reproduced]) -> str:
    """A line for each number, what else differs once, and how many numbers are what."""
    lines, verdicts = [], [number.verdict for one in found for number in one.numbers]
    for one in found:
        lines += [f"{one.title}  (run {one.run})"]
        lines += [f"  {n.name:12} {n.before:.4f} before, {n.now:.4f} now: {n.verdict}" for n in one.numbers]
    counts = [f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts)]
    return "\n".join([*lines, *dict.fromkeys(note for one in found for note in one.notes), ", ".join(counts)])
