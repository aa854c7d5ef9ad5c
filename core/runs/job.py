"""What a running job is given, and the kinds of jobs as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core.events import Work

Lane = Literal["work", "light"]


@dataclass(kw_only=True)
class Ledger:
    """What a job finds out on its way; kept when it fails.

    data_hash  content hash of the data set, once it is loaded
    seconds    wall seconds by stage, added up over resumes
    """

    data_hash: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Job:
    """Where a job works.

    folder  its own folder of artifacts; what an interrupted attempt finished is still there
    home    the folder with data/, runs/ and cache/
    device  "cpu", "cuda" or "mps"; "" for kinds that do without torch
    """

    folder: Path
    home: Path
    device: str
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def cache(self) -> Path:
        return self.home / "cache"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of run.

    lane     "work" is done by warm workers one run at a time, "light" by one without torch
    perform  (config as JSON values, job) -> Work[result as flat JSON values]
    torch    whether it needs a device, which is chosen by importing torch
    """

    lane: Lane
    perform: Callable[[Mapping[str, Any], Job], Work[dict[str, Any]]]
    torch: bool = True
