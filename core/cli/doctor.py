"""`python -m core doctor`: what is wrong in the home, mended on request, and a backup."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core import api

Repair = Annotated[bool, typer.Option("--repair", help="mend what can be mended; nothing readable is deleted")]
Backup = Annotated[Path | None, typer.Option(help="zip to write with all that cannot be computed again")]


def doctor(
    repair: Repair = False,
    backup: Backup = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON value")] = False,
) -> None:
    """Check the home: store, folders of runs, their files, cache, trash. Exit code 1 when something stays wrong."""
    saved = api.doctor.backup(backup) if backup is not None else ""
    found = []
    for one in api.doctor.examine(repair=repair):
        found.append(one)
        if not as_json:
            hint = f"mended: {one.done}" if one.done else "--repair mends it" if one.can else "it needs you"
            typer.echo(f"{one.what}: {hint}")
    if as_json:
        typer.echo(json.dumps({"home": str(api.home()), "backup": saved, "found": [asdict(one) for one in found]}))
    else:
        typer.echo("\n".join(filter(None, (saved, "" if found else f"{api.home()} is sound"))))
    if any(not one.done for one in found):
        raise typer.Exit(1)
