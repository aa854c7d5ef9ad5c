"""Claim a queued run, do its work in this process, and write down how it ended.

Whatever happens, the run gets one status: done, cancelled, or failed with one sentence. A process that
is killed cannot write; `core.runs.recovery` finds such runs by their lock.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock

from core.errors import BallastError, Cancelled
from core.events import Progress, drive
from core.runs import artifacts, device, locks
from core.runs.job import Job, Kind, Ledger
from core.runs.recorder import Recorder
from core.runs.store import Claim, Store
from core.runs.watch import Watch

LOG = logging.getLogger("ballast")
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
    process = psutil.Process()
    claimed = store.claim(run_id, pid=process.pid, born=process.create_time(), at_most=at_most)
    if claimed is None:
        lock.release()
        return None
    return claimed, lock


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
    folder, ledger = folder_of(home, claimed.id), Ledger()
    record = Recorder(store, claimed.id, ledger)
    kind = kinds[claimed.kind]

    def tell(event: Progress) -> None:
        record(event)
        on_event(event)

    with _log_file(folder / "worker.log"), device.PeakMemory() as memory, Watch(store, claimed.id, folder) as watch:
        try:
            tell(Progress(stage="load", unit="images", note="" if ready.is_set() else "loading libraries"))
            artifacts.sweep(folder)
            while not ready.wait(0.1):
                if watch.requested():
                    raise Cancelled("stopped on request")
            job = _job(store, home, claimed, kind, ledger)
            result = drive(kind.perform(claimed.config, job), tell, watch.requested)
            record.flush()
            artifacts.save_bytes(folder / "metrics.csv", artifacts.metrics_csv(store.events(claimed.id)))
            status, found = "done", {"result": {**result, "peak_rss_mb": memory.megabytes}}
        except Cancelled:
            status, found = "cancelled", {}
        except KeyboardInterrupt:
            status, found = "cancelled", {}
        except BallastError as error:
            LOG.info("%s", error)
            status, found = "failed", {"error": str(error)}
        except Exception as error:
            LOG.exception("the run failed")
            status, found = "failed", {"error": _unexpected(error)}
        record.flush()
        again = status != "done" and artifacts.resumable(folder)
        store.finish(claimed.id, status, seconds=ledger.seconds, peak_rss_mb=memory.megabytes, resumable=again, **found)


def _job(store: Store, home: Path, claimed: Claim, kind: Kind, ledger: Ledger) -> Job:
    """The job with its device, both noted in the record."""
    name = device.choose() if kind.torch else ""
    before = store.get(claimed.id)
    ledger.seconds.update(before.seconds)
    store.note(claimed.id, device=device.describe(name) if name else "", versions=device.versions())
    return Job(folder=folder_of(home, claimed.id), home=home, device=name, ledger=ledger)


def _unexpected(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"unexpected error: {type(error).__name__}: {text[0] if text else 'no message'}; see worker.log"


@contextmanager
def _log_file(path: Path) -> Iterator[None]:
    """Send log messages and warnings of this process to `path` while the block lasts."""
    handler = logging.FileHandler(path, encoding="utf-8")
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
