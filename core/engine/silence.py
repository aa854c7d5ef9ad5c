"""Runs that give no sign of life: stopped or hung workers that hold their lock, so that `recovery` leaves them alone.

The page says for how long and offers to kill and requeue. The keeper of the pool does so by itself after a patience
that can be set, counted only while the keeper itself was awake, so that a machine that slept kills nothing on waking.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path

from core.engine import locks, process, recovery
from core.engine.job import POOLED
from core.engine.perform import folder_of
from core.engine.rows import Owner
from core.engine.store import Store
from core.errors import RunError

PATIENCE = ("patience_s", 120.0)  # setting, and seconds of silence after which a run is killed and queued again
MOST_RESTARTS = 3  # times that happens by itself before somebody has to look
AWAKE_S = 2.0  # seconds that one round of the keeper may count for
GONE_S = 3.0  # seconds for a killed process to let go of its lock


def of(store: Store, run_id: str) -> float | None:
    """Seconds since the last sign of life of a running run; None when it is not running or has just begun."""
    owner = store.owner(run_id)
    return process.silence(owner.beat) if owner is not None and recovery.here(store, owner) else None


def patience(store: Store) -> float:
    """Seconds of silence after which a run is killed and queued again by itself; 0 means never."""
    return store.number(*PATIENCE, low=0.0, high=1e6)


def kill_and_requeue(store: Store, home: Path, run_id: str, *, again: bool = False) -> None:
    """Queue a running run again to go on from its checkpoint, and end the process that held it, whatever it is doing.

    The word comes before the deed: were the process ended first, whoever looks after dead workers could end the run
    before it is queued. Nobody begins it meanwhile, since its lock is held until the process is gone.

    again   whether nobody asked for it; after a few times the run stays interrupted
    raises  RunError when the run is not running, or its process will not go
    """
    owner = store.owner(run_id)
    if owner is None:
        raise RunError(f"run {run_id} is {store.get(run_id).status}, not running: nothing is killed")
    if not recovery.here(store, owner):
        raise RunError(f"run {run_id} is worked on by {owner.host}: cancel it, or wait until its lease has ended")
    queued = store.restart(run_id, owner.token, most=MOST_RESTARTS if again else None)
    _end(store, owner, run_id, folder_of(home, run_id) / locks.RUN_LOCK)
    if not queued:  # it is to be cancelled, or has been silent too often
        recovery.settle_one(
            store, home, run_id, "the worker process gave no sign of life and was killed: resume the run", GONE_S
        )


def _end(store: Store, owner: Owner, run_id: str, lock: Path) -> None:
    """Kill the process of a claim, if it still holds the run's lock and has not gone on to another run."""
    deadline = time.monotonic() + GONE_S
    while locks.held(lock) and not _went_on(store, owner, run_id):
        process.kill(owner.pid, owner.born)
        if time.monotonic() > deadline:
            raise RunError(f"process {owner.pid} of run {run_id} does not end: stop it by hand, and the run goes on")
        time.sleep(0.02)


def _went_on(store: Store, owner: Owner, run_id: str) -> bool:
    """Whether the process of a claim works on something else by now, or somebody else on its run."""
    for running in store.running():
        now = store.owner(running)
        if now is not None and now.token != owner.token and (running == run_id or now.pid == owner.pid):
            return True
    return False


@dataclass
class Listener:
    """Counts the silence of running runs from round to round.

    heard  by run: its last sign of life, and seconds since that were spent awake
    """

    heard: dict[str, tuple[float | None, float]] = field(default_factory=dict)
    last: float = field(default_factory=time.monotonic)

    def silent(self, store: Store) -> list[str]:
        """Ids of runs whose silence has outlasted the patience."""
        now = time.monotonic()
        passed, self.last = min(now - self.last, AWAKE_S), now
        heard, limit = {}, patience(store)
        for run_id in store.running(POOLED):  # a command in a shell may be held up for as long as somebody likes
            owner = store.owner(run_id)
            if owner is not None and recovery.here(store, owner):
                beat, before = self.heard.get(run_id, (owner.beat, 0.0))
                heard[run_id] = (owner.beat, before + passed if beat == owner.beat else 0.0)
        self.heard = heard
        return [run_id for run_id, (_, seconds) in heard.items() if limit and seconds > limit]
