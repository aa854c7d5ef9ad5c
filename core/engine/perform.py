"""Claim a queued run, do its work in this process, and write down how it ended.

Whatever happens, the run gets one status: done, cancelled, or failed with one sentence. A process that
is killed cannot write; `core.engine.recovery` finds such runs by their lock.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock

from core.engine import artifacts, device, locks, process, thinning, trouble, writing
from core.engine.job import Job, Kind, Ledger
from core.engine.recorder import Recorder
from core.engine.rows import Claim
from core.engine.store import Store
from core.engine.watch import Watch
from core.errors import BallastError, Cancelled, ResourceError, RunError
from core.events import Progress, drive
from core.types import Status

LOG = logging.getLogger("ballast")
ROOM = ("least_free_mb", 200.0)  # setting, and MB of 10^6 bytes that must be free where a run begins
PAUSES: tuple[float, ...] = (0.2, 0.4, 0.8, 1.6)  # seconds between attempts to store how a run ended
RECORD = "record.json"  # what the store says of a run, kept beside its files in case the store is lost
READY = threading.Event()
READY.set()


def folder_of(home: Path, run_id: str) -> Path:
    """The folder of a run's artifacts."""
    return home / "runs" / run_id


def claim(store: Store, home: Path, run_id: str, *, at_most: int | None = None) -> tuple[Claim, FileLock] | None:
    """Hold the run's lock, then make it ours; None when somebody else has either."""
    lock = locks.take(folder_of(home, run_id) / locks.RUN_LOCK)
    if lock is None:
        return None
    try:
        claimed = store.claim(run_id, pid=os.getpid(), born=process.born(os.getpid()) or 0.0, at_most=at_most)
    except BaseException:
        lock.release()
        raise
    if claimed is None:
        lock.release()
        return None
    return claimed, lock


def claim_next(store: Store, home: Path, lane: str, *, at_most: int | None = None) -> tuple[Claim, FileLock] | None:
    """Make the first queued run of a lane ours, its lock held before anybody sees that; None when there is none."""
    held: dict[str, FileLock] = {}
    besides: list[str] = []

    def hold(run_id: str) -> bool:
        lock = held.get(run_id) or locks.take(folder_of(home, run_id) / locks.RUN_LOCK)
        if lock is None:  # an earlier attempt has not let go of it yet
            besides.append(run_id)
            return False
        held[run_id] = lock
        return True

    claimed = None
    try:
        while claimed is None:
            left, birth = len(besides), process.born(os.getpid()) or 0.0
            claimed = store.claim_next(
                lane,
                pid=os.getpid(),
                born=birth,
                hold=hold,
                at_most=at_most,
                besides=tuple(besides),
            )
            if claimed is None and len(besides) == left:
                return None
        return claimed, held.pop(claimed.id)
    finally:
        for lock in held.values():
            lock.release()


def perform(
    store: Store,
    home: Path,
    claimed: Claim,
    kinds: Mapping[str, Kind],
    *,
    ready: threading.Event = READY,
    on_event: Callable[[Progress], None] = lambda event: None,
) -> None:
    """Do a claimed run to its end.

    ready     set when the libraries are loaded; until then the run waits, and says so
    on_event  hears every event besides the store
    """
    store.be_patient()
    folder, ledger = folder_of(home, claimed.id), Ledger()
    record = Recorder(store, claimed.id, folder, ledger, claimed.token)
    listening = Watch(store, claimed.id, folder, claimed.token)
    with _log_file(folder / "worker.log"), device.PeakMemory() as memory, listening as watch:

        def tell(event: Progress) -> None:
            watch.told()
            record(event)
            on_event(event)

        status: Status = "cancelled"
        found: dict[str, Any] = {}
        try:
            status, found = _attempt(store, home, claimed, kinds, ledger, tell, watch, ready)
        except SystemExit:  # of a signal: the run is told as cancelled before the process ends
            _last_word(store, folder, claimed, status, {"resumable": artifacts.resumable(folder)})
            raise
        try:
            record.flush()
            if status == "done":
                thinning.keep_metrics(store, folder, claimed.id)
                found = {"result": {**found["result"], "peak_rss_mb": memory.megabytes}}
        except (BallastError, OSError) as error:
            if status in ("done", "failed"):
                status, found = "failed", {"error": found.get("error") or sentence(error, home)}
        again = status != "done" and artifacts.resumable(folder)
        words = {"seconds": ledger.seconds, "peak_rss_mb": memory.megabytes, "resumable": again, **found}
        watch.ending()
        _last_word(store, folder, claimed, status, words)


def _attempt(
    store: Store, home: Path, claimed: Claim, kinds: Mapping[str, Kind], ledger: Ledger,
    tell: Callable[[Progress], None], watch: Watch, ready: threading.Event,
) -> tuple[Status, dict[str, Any]]:  # fmt: skip
    """Do the work; how it ended, with its result or the sentence that says why there is none."""
    folder = folder_of(home, claimed.id)
    try:
        kind = _kind(kinds, claimed.kind)
        require_room(store, home)
        tell(Progress(stage="load", unit="images", note="" if ready.is_set() else "loading libraries"))
        writing.sweep(folder)
        while not ready.wait(0.1):
            watch.told()
            if watch.requested():
                raise Cancelled("stopped on request")
        job = _job(store, home, claimed, kind, ledger, watch)
        return "done", {"result": kind.check(drive(kind.perform(claimed.config, job), tell, watch.requested))}
    except (Cancelled, KeyboardInterrupt):
        return "cancelled", {}
    except (BallastError, OSError) as error:
        LOG.info("%s", error)
        return "failed", {"error": sentence(error, home)}
    except Exception as error:
        LOG.exception("the run failed")
        return "failed", {"error": _unexpected(error)}


def sentence(error: Exception, home: Path) -> str:
    """What an error means for whoever reads it."""
    if isinstance(error, OSError):
        return str(trouble.of_files(error, home))
    return str(error)


def _last_word(store: Store, folder: Path, claimed: Claim, status: Status, words: Mapping[str, Any]) -> None:
    """Say how a run ended; a store that cannot be written is asked for a while, then `recovery` says it."""
    for pause in (*PAUSES, None):
        try:
            if store.finish(claimed.id, status, token=claimed.token, **words):
                writing.save_json(folder / RECORD, asdict(store.get(claimed.id)))
            return
        except (BallastError, OSError) as error:
            LOG.warning("the end of run %s cannot be stored: %s", claimed.id, error)
            if pause is None:
                return
            time.sleep(pause)


def require_room(store: Store, home: Path) -> None:
    """Refuse to begin where the disk is nearly full.

    raises  ResourceError that names the disk, what is free and what is asked for
    """
    least, free = store.number(*ROOM, low=0.0, high=1e9), trouble.free_mb(home)
    if free < least:
        raise ResourceError(
            f"the disk that holds {home} has {free:,.0f} MB left, and a run begins with {least:,.0f} MB at least: make "
            "room there, then start or resume it"
        )


def _kind(kinds: Mapping[str, Kind], name: str) -> Kind:
    if name not in kinds:
        raise RunError(f"there is no kind of run called {name}, expected one of {', '.join(kinds)}: delete this run")
    return kinds[name]


def _job(store: Store, home: Path, claimed: Claim, kind: Kind, ledger: Ledger, watch: Watch) -> Job:
    """The job with its device, both noted in the record."""
    name = device.choose() if kind.torch else ""
    before = store.get(claimed.id)
    ledger.seconds.update(before.seconds)
    ledger.data_hash = before.data_hash
    ledger.notes.extend(before.notes)
    said = device.describe(name) if name else ""
    store.note(claimed.id, token=claimed.token, device=said, versions=device.versions())
    folder = folder_of(home, claimed.id)
    return Job(folder=folder, home=home, device=name, ledger=ledger, finish=watch.finishing)


def _unexpected(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"unexpected error: {type(error).__name__}: {text[0] if text else 'no message'}; see worker.log"


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Send log messages and warnings of this process to `path` while the block lasts, where that can be written."""
    try:
        handler: logging.Handler = logging.FileHandler(path, encoding="utf-8")
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter(f"%(asctime)s [{os.getpid()}] %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        handler.close()
