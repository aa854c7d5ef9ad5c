"""What a running job is given, and the kinds of jobs as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from core.engine.kept import kept
from core.events import Work

T = TypeVar("T")
Lane = Literal["work", "later", "light"]
POOLED: tuple[Lane, ...] = get_args(Lane)  # lanes that workers of the pool take runs from


@dataclass(kw_only=True)
class Ledger:
    """What a job finds out on its way; kept when it fails.

    data_hash  content hash of the data set, once it is loaded; before that what an earlier attempt found
    seconds    wall seconds by stage, added up over resumes
    notes      sentences about what happened to the run, such as a damaged file that was computed anew
    """

    data_hash: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Job:
    """Where a job works.

    folder  its own folder of artifacts; what an interrupted attempt finished is still there
    home    the folder with data/, runs/ and cache/
    device  "cpu", "cuda" or "mps"; "" for kinds that do without torch
    finish  whether somebody asked for the best so far instead of a better one; kinds that can end early ask it
    """

    folder: Path
    home: Path
    device: str
    ledger: Ledger = field(default_factory=Ledger)
    finish: Callable[[], bool] = lambda: False

    def kept(self, path: Path, read: Callable[[Path], T]) -> T | None:
        """What lies at `path`, or None when nothing can be read there; damage is noted, see `core.engine.kept`."""
        return kept(path, read, self.ledger.notes)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def cache(self) -> Path:
        return self.home / "cache"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of run.

    lane     "work" is done by warm workers one run at a time, "later" by the same when no "work" waits, "light" by one
             without torch
    perform  (config as JSON values, job) -> Work[result as flat JSON values]
    check    looks at such a result before it is stored
    torch    whether it needs a device, which is chosen by importing torch
    """

    lane: Lane
    perform: Callable[[Mapping[str, Any], Job], Work[dict[str, Any]]]
    torch: bool = True
    check: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
