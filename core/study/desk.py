"""Where a study is done, as a light value that pages may make."""

from dataclasses import dataclass
from pathlib import Path

from core.engine.executor import Executor
from core.engine.store import Store


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Where a study is done: its store and home, who does the runs, and how many are queued at a time.

    since  seconds since the epoch: what is older is done anew, as if it were not there
    """

    name: str
    store: Store
    home: Path
    executor: Executor
    lane: str = "work"
    at_once: int = 1
    since: float = 0.0
