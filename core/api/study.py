"""Studies: plan, estimate, do, and read as a table. Values in, values out."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.api.place import executor, home, store
from core.errors import RunError
from core.events import Progress
from core.runs import artifacts, recovery
from core.runs.executor import CREATION_FLAGS, ROOT
from core.runs.flags import written
from core.runs.study import START_NETWORK, Study, StudyOptions, plan
from core.runs.study_done import digest_of, finished
from core.runs.study_table import Row, markdown, table
from core.types import RunRecord

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")

__all__ = [
    "Row", "Study", "StudyOptions", "at_work", "begin", "command", "continue_with", "cost", "helped", "log", "markdown",
    "missing", "progress", "rows", "start", "stop", "studies", "study",
]  # fmt: skip


def studies() -> list[str]:
    """Names of the studies of this home, newest first."""
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

    More methods, budgets, seeds or radii may be asked for later under the same name; nothing that was done is lost.
    raises  ConfigError for wrong settings, RunError for a name that makes no file name
    """
    wanted = Study(**values)
    artifacts.save_json(_path(name), wanted.to_json())
    return wanted


def continue_with(
    name: str, on_event: Callable[[str, Progress], None] = lambda words, event: None
) -> Iterator[tuple[str, RunRecord]]:
    """Do what is missing of a study in this process; yields each cell's words with its record when it has ended."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as for workers, before torch is loaded
    from core.runs.study_work import work

    for cell, record in work(study(name), name, store(), home(), lambda cell, event: on_event(cell.words, event)):
        yield cell.words, record


def helped(name: str, helpers: int) -> list[subprocess.Popen]:
    """Start processes that work on the same study beside this one; the cores are shared out among all."""
    cores = os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // (helpers + 1))))
    command = [sys.executable, "-m", "core", "study", "resume", name, "--json"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return [subprocess.Popen(command, cwd=ROOT, env=_here(), **quiet) for _ in range(helpers)]


def start(name: str) -> None:
    """Go on with a study in a process of its own, which outlives this one; nothing when one is at it already."""
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
    """The runs of a study that are going on."""
    recovery.settle(store(), home())
    wanted = {cell.digest for cell in plan(study(name))}
    return [record for record in store().runs(kind="run", status=("running",)) if digest_of(record) in wanted]


def stop(name: str) -> None:
    """Cancel what is going on; each process of the study then ends."""
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
    """Wall seconds of what is missing, see core.runs.study_estimate.Estimate. Imports torch; takes seconds."""
    from core.runs.study_estimate import estimate

    return estimate(study(name), store(), home())


def rows(name: str) -> list[Row]:
    """The table of what is done so far."""
    done = finished(store())
    return table(study(name), lambda cell: done.get(cell.digest))


def progress(name: str) -> tuple[int, int]:
    """Cells done, and cells in all."""
    done, cells = finished(store()), list(plan(study(name)))
    return sum(cell.digest in done for cell in cells), len(cells)


def missing(name: str) -> Sequence[str]:
    """What is still to do, in words."""
    done = finished(store())
    return [cell.words for cell in plan(study(name)) if cell.digest not in done]


def _here() -> dict[str, str]:
    return {**os.environ, "BALLAST_HOME": str(home())}


def _path(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise RunError(f"a study's name has letters, digits, '.', '_' and '-', at most 61, got {name!r}")
    return home() / "studies" / f"{name}.json"
