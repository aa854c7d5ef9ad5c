"""Studies: plan, estimate, do, and read as a table. Values in, values out."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from core.api import visitors
from core.api.workplace import PREFIX, executor, home, store
from core.engine import artifacts, recovery, writing
from core.engine.executor import CREATION_FLAGS, ROOT
from core.errors import RunError
from core.settings.flags import written
from core.settings.study import START_NETWORK, Place, Study, StudyOptions, plan
from core.study import bundle
from core.study.desk import Desk
from core.study.done import finished
from core.study.grid import alone, along, at, beside, measured, nearest
from core.study.intervals import Difference
from core.study.table import Row, markdown, table
from core.types import EventRow, Named, RunRecord, plugins

WORK, ESTIMATE = Named("core.study.work:work"), Named("core.study.estimate:estimate")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")

__all__ = [
    "Difference", "Place", "Row", "Study", "StudyOptions", "along", "at", "at_work", "begin", "beside", "command",
    "continue_with", "cost", "export", "export_to", "log", "markdown", "measured", "missing", "nearest", "progress",
    "rows", "start", "stop", "studies", "study", "widen",
]  # fmt: skip


def studies() -> list[str]:
    """Names of the studies of this home, newest first; the examples are not among them."""
    found = sorted((home() / "studies").glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.stem for path in found]


def study(name: str) -> Study:
    """A study by its name; RunError when there is none."""
    path = _path(name)
    if not path.exists():
        raise RunError(f"there is no study {name}; there are: {', '.join(studies()) or 'none yet'}")
    return Study(**artifacts.load_json(path))


def begin(name: str, values: Mapping[str, Any]) -> Study:
    """Remember a study under a name, or go on with it.

    More methods, budgets, seeds or radii may be asked for later under the same name; nothing that was done is lost,
    and single cells stay unless others are named.
    raises  ConfigError for wrong settings, RunError for a name that makes no file name
    """
    visitors.refuse_guests("begin a study")
    if name.startswith(PREFIX):
        raise RunError(f"names that begin with {PREFIX} are those of the examples: take another, got {name!r}")
    kept = study(name).also if name in studies() else ()
    wanted = Study(**{"also": kept, **values})
    visitors.refuse_paths(wanted.to_json())
    writing.save_json(_path(name), wanted.to_json())
    return wanted


def widen(name: str, place: Place) -> str:
    """Add one cell to a study, all its seeds; returns the name of the study that now has it.

    An example stays as it is: the cell then belongs to a study of the user's own with the same settings.
    """
    found, mine = study(name), name
    if name.startswith(PREFIX):
        only = alone(found, place)
        mine, known = _own(name, only)
        wider = only if known is None else known.with_place(place)
    else:
        wider = found.with_place(place)
    begin(mine, wider.to_json())
    return mine


def _own(name: str, only: Study) -> tuple[str, Study | None]:
    """The user's own study beside an example: the first of its names that is free or has these settings."""
    cells = {"methods", "ipc", "trainings", "eps", "also", "set"}
    for number in count(1):
        mine = f"my-{name.removeprefix(PREFIX)}" + (f"-{number}" if number > 1 else "")
        known = study(mine) if mine in studies() else None
        if known is None or known.model_dump(exclude=cells) == only.model_dump(exclude=cells):
            return mine, known
    raise AssertionError("there is always a free name")


def continue_with(
    name: str, listen: Callable[[str, EventRow], None] = lambda words, event: None
) -> Iterator[tuple[str, RunRecord]]:
    """Do what is missing of a study, as many runs at a time as the executor takes; yields words and record of each.

    Closing it, as an interrupt does, cancels what it has queued.
    """
    desk = Desk(name=name, store=store(), home=home(), executor=executor(), at_once=executor().at_once())
    for cell, record in WORK(study(name), desk, lambda cell, event: listen(cell.words, event)):
        yield cell.words, record


def start(name: str) -> None:
    """Go on with a study in a process of its own, which outlives this one; nothing when one is at it already."""
    visitors.refuse_guests("go on with a study")
    study(name)
    if not at_work(name):
        log = home() / "studies" / f"{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "core", "study", "resume", name]
        with log.open("wb") as out:
            subprocess.Popen(
                command, cwd=ROOT, env=_here(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=out,
                start_new_session=True, creationflags=CREATION_FLAGS,
            )  # fmt: skip


def at_work(name: str) -> list[RunRecord]:
    """The runs of a study that are queued or going on."""
    recovery.settle(store(), home())
    wanted = {cell.digest for cell in plan(study(name))}
    return [record for record in store(name).runs(kind="run", status=("queued", "running")) if record.digest in wanted]


def stop(name: str) -> None:
    """Cancel what is queued or going on; the process that queues the rest then ends."""
    visitors.refuse_guests("stop a study")
    for record in at_work(name):
        executor().cancel(record.id)


def log(name: str) -> str:
    """The last line that a study in the background had to say, or an empty string."""
    path = _path(name).with_suffix(".log")
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines() if path.exists() else []
    return lines[-1] if lines else ""


def command(name: str) -> str:
    """The command line that makes, goes on with or repeats a study."""
    found, default = study(name), StudyOptions()
    words = ["--name", name, "--data", found.data.name]
    if found.data.limit is not None:
        words += ["--limit", str(found.data.limit)]
    if found.network.name != START_NETWORK:
        words += ["--network", found.network.name]
    chosen = found.network.options
    network = [
        f"network.{name}={written(getattr(chosen, name))}"
        for name, field in type(chosen).model_fields.items()
        if getattr(chosen, name) != field.default
    ]
    for option in StudyOptions.model_fields:
        value = (*network, *found.set) if option == "set" else getattr(found, option)
        if value != getattr(default, option):
            words += [f"--{option.replace('_', '-')}", written(value)]
    return shlex.join(["python", "-m", "core", "study", "transfer", *words])


def cost(name: str) -> Any:
    """Wall seconds of what is missing, see core.study.estimate.Estimate. Imports torch; takes seconds."""
    return ESTIMATE(study(name), store(), home())


def export(name: str) -> bytes:
    """Settings and the records of the finished cells, as one zip from which `reproduce` does it again.

    raises  RunError when nothing is done yet
    """
    done, found = finished(store(name)), study(name)
    records = [done[cell.digest] for cell in plan(found) if cell.digest in done]
    if not records:
        raise RunError(f"no run of the study {name} is done: there is nothing yet to do again")
    return bundle.pack(name, found, records)


def export_to(name: str, path: Path) -> None:
    """Write the zip of `export` to a file; ResourceError, before anything is read, when that cannot be written."""
    writing.writable(path)
    writing.save_bytes(path, export(name))


def rows(name: str) -> list[Row]:
    """The table of what is done so far."""
    done = finished(store(name))
    return table(study(name), lambda cell: done.get(cell.digest))


def progress(name: str) -> tuple[int, int]:
    """Cells done, and cells in all."""
    done, cells = finished(store(name)), list(plan(study(name)))
    return sum(cell.digest in done for cell in cells), len(cells)


def missing(name: str) -> Sequence[str]:
    """What is still to do, in words."""
    done = finished(store(name))
    return [cell.words for cell in plan(study(name)) if cell.digest not in done]


def _here() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), *plugins.folders())))
    return {**os.environ, "BALLAST_HOME": str(home()), "PYTHONPATH": path}


def _path(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise RunError(f"a study's name has letters, digits, '.', '_' and '-', at most 61, got {name!r}")
    return home(name) / "studies" / f"{name}.json"
