"""Published numbers on the command line."""

from typing import Annotated, Any

import typer

from core import api
from core.cli import show
from core.types import as_norm

Data = Annotated[str, typer.Option(help="name of the data set, such as mnist, cifar10, cifar100, imagenette")]
Ipc = Annotated[int | None, typer.Option(min=1, help="images per class; rows of the full train split come with it")]
Radius = Annotated[str, typer.Option(help="limit of the attack in pixels of [0, 1], such as 0.3 or 8/255")]
Aside = Annotated[bool, typer.Option("--not-comparable", help="the rows that may not stand beside one's own, and why")]


def published(
    data: Data,
    ipc: Ipc = None,
    norm: Annotated[str, typer.Option(help="Linf, L2 or L1")] = "",
    eps: Radius = "",
    not_comparable: Aside = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON value")] = False,
) -> None:
    """What others have published for a data set, budget and attack, each with its protocol, source and use."""
    limit = api.options({"eps": eps}, api.EvaluationConfig)["eps"] if eps else None
    found = api.published.beside(
        data, ipc=() if ipc is None else (ipc, "full"), norm=as_norm(norm) if norm else None, eps=limit,
        aside=not_comparable,
    )  # fmt: skip
    typer.echo(show.as_json([values(row) for row in found]) if as_json else text(found, data))


def values(row: api.published.PublishedRow) -> dict[str, Any]:
    """A row as JSON values, with its protocol and its use in words."""
    return {**row.to_json(), "protocol": row.protocol, "reason": row.reason}


def text(rows: list[api.published.PublishedRow], data: str) -> str:
    """A row in two lines: the numbers, and what they were measured with."""
    lines = [
        f"{row.method} · {row.ipc if isinstance(row.ipc, str) else f'{row.ipc}/class'} · clean {_percent(row.clean)} · "
        f"robust {_percent(row.robust)} · {row.use}\n    {row.protocol} · {row.note} · {row.source}"
        for row in rows
    ]
    return "\n".join(lines) or f"no published row for {data} matches; leave out --ipc, --norm or --eps to see more"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f} %"
