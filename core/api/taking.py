"""Take what a run left elsewhere: a condensed set or a network in the forms that others read. Light: work is named."""

from pathlib import Path

from core.api.work import get
from core.api.workplace import home
from core.engine import writing
from core.engine.perform import folder_of
from core.errors import ConfigError
from core.jobs.taken import FORMS, NETWORKS, SETS, SUFFIXES, snippet
from core.types import Named

WRITE = Named("core.jobs.exporting:write")

__all__ = ["FORMS", "NETWORKS", "SETS", "SUFFIXES", "snippet", "to_file"]


def to_file(run_id: str, form: str, out: Path) -> str:
    """Write a run's set or network to a file; a sentence on what the form changed, or "". Imports torch.

    raises  ConfigError for an unknown form, DataError when the run has no such thing
    """
    if form not in FORMS:
        raise ConfigError(f"there is no form {form!r}; there are: {', '.join(FORMS)}")
    writing.writable(out)
    said: str = WRITE(folder_of(home(run_id), get(run_id).id), form, out)
    return said
