"""Take what a run left elsewhere: a condensed set or a network in the forms that others read. Light: work is named."""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from core.api.work import get
from core.api.workplace import home
from core.engine import writing
from core.engine.perform import folder_of
from core.errors import ConfigError, ResourceError
from core.jobs import taken
from core.jobs.taken import ABOUT, FORMS, NETWORKS, SETS, SUFFIXES, TITLES, snippet
from core.types import Named, RunRecord

ROOT = Path(__file__).resolve().parents[2]
WRITE = Named("core.jobs.exporting:write")
PATIENCE_S = 300.0

__all__ = ["ABOUT", "FORMS", "NETWORKS", "SETS", "SUFFIXES", "TITLES", "content", "forms", "snippet", "to_file"]


def _kept(record: RunRecord) -> str:
    return str(record.result.get("kept") or "last")


def forms(run_id: str) -> Mapping[str, str]:
    """The forms of what a run has left, each with the sentence why it cannot be written here, or ""."""
    record = get(run_id)
    folder, shape = folder_of(home(run_id), record.id), record.result.get("shape", ())
    there = [form for form in FORMS if (folder / taken.source(form, _kept(record))).exists()]
    return {form: taken.refused(form, shape) for form in there}


def content(run_id: str, form: str) -> bytes:
    """A run's set or network as the bytes of a file, written in a process of its own: torch stays out of this one.

    raises  ConfigError for an unknown form, ResourceError with what the process says when it writes none
    """
    _refuse_unknown(form)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"taken{SUFFIXES[form]}"
        command = [sys.executable, "-m", "core", "export", run_id, "--form", form, "--out", str(out)]
        hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # Windows would open a console
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, timeout=PATIENCE_S, creationflags=hidden, check=False
            )
        except subprocess.TimeoutExpired:
            raise ResourceError(
                f"{form} was not written within {PATIENCE_S:.0f} s: try again when the machine is less busy"
            ) from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
            raise ResourceError(f"{form} was not written: {said[-1]}")
        return out.read_bytes()


def to_file(run_id: str, form: str, out: Path) -> str:
    """Write a run's set or network to a file; a sentence on what the form changed, or "". Imports torch.

    raises  ConfigError for an unknown form, DataError when the run has no such thing
    """
    _refuse_unknown(form)
    writing.writable(out)
    record = get(run_id)
    said: str = WRITE(folder_of(home(run_id), record.id), form, out, _kept(record))
    return said


def _refuse_unknown(form: str) -> None:
    if form not in FORMS:
        raise ConfigError(f"there is no form {form!r}; there are: {', '.join(FORMS)}")
