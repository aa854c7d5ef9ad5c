"""Runs: queue, stop, repeat, find. Values in, values out."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.api import queue, visitors
from core.api.workplace import PREFIX, executor, home, store
from core.engine import artifacts, inline, recovery, silence, trash, writing
from core.engine.perform import RECORD, folder_of
from core.errors import ConfigError, ResourceError, RunError
from core.events import Progress
from core.jobs.files import SO_FAR
from core.jobs.kinds import KINDS
from core.settings.naming import default_name
from core.settings.run import RunConfig, unsuited
from core.types import ENDED, EventRow, RunRecord, Status

TRASH_DAYS = trash.DAYS
MOST_EVENTS = 4_000  # that one call reads
NOT_COPIED = ("alive.lock", "worker.log", "data.json", "checkpoint-*", ".*", "*.damaged*", "thinned.jsonl", RECORD)


def submit(config: Mapping[str, Any], *, name: str = "") -> str:
    """Queue a run (validated here; ConfigError says what is wrong) and return its id."""
    settings = RunConfig(**config)
    if sentence := unsuited(settings):
        raise ConfigError(sentence)
    return queue.submit("run", settings.to_json(), name=name or default_name(settings))


def here(
    kind: str,
    config: Mapping[str, Any],
    *,
    name: str = "",
    out: Path | None = None,
    on_event: Callable[[Progress], None] = lambda event: None,
) -> RunRecord:
    """Do a run in this process, for the command line; the record is in the store like any other.

    kind    "run", "condense", "bring" (config as for `submit`), "train" ({"settings": ..., "condensed": path}),
            "evaluate" ({"settings": ..., "model": path}) or "data"
    out     folder that gets a copy of what the run leaves; `result["out"]` then names it
    raises  ConfigError before anything is stored when the settings are wrong, ResourceError when `out` cannot be
            written
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as for workers, before torch is loaded
    if out is not None:
        writing.writable(out, folder=True)
    if kind in ("run", "condense", "bring"):
        settings = RunConfig(**config)
        config, name = settings.to_json(), name or default_name(settings)
    elif "settings" in config:
        config = {**config, "settings": RunConfig(**config["settings"]).to_json()}
    run_id = queue.create(kind, config, name=name or kind, lane=inline.LANE)
    inline.InlineExecutor(store(), home(), KINDS, on_event).submit(run_id)
    record = store().get(run_id)
    if out is None or record.status != "done":
        return record
    shutil.copytree(folder_of(home(), run_id), out, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    return replace(record, result={**record.result, "out": str(out)})


def ahead(run_id: str) -> list[str]:
    """Ids of what a queued run waits for: the runs that workers are at, then those queued before it."""
    order = store().waiting("work")
    return [*store().working("work"), *order[: order.index(run_id)]] if run_id in order else []


def cancel(run_id: str) -> None:
    """Ask a run to stop; it is `cancelled` within two seconds, whatever it is doing."""
    visitors.refuse_others(run_id, "stop")
    executor().cancel(run_id)


def resume(run_id: str) -> None:
    """Queue an interrupted, failed or cancelled run again from its last checkpoint or finished stage."""
    record = get(run_id)
    visitors.refuse_others(run_id, "resume")
    if record.kind == "code":
        raise RunError(f"run {run_id} judges code, which only a command runs: give evaluate --network again")
    visitors.admit()
    store().requeue(run_id, lane=KINDS[record.kind].lane)
    executor().submit(run_id)


def resume_here(run_id: str, on_event: Callable[[Progress], None] = lambda event: None) -> RunRecord:
    """Go on with an interrupted, failed or cancelled run in this process; returns its record when it has ended."""
    get(run_id)
    store().requeue(run_id, lane=inline.LANE)
    inline.InlineExecutor(store(), home(), KINDS, on_event).submit(run_id)
    return store().get(run_id)


def again(run_id: str) -> str:
    """Queue a new run with the same settings and return its id."""
    record = get(run_id)
    if record.damaged:
        raise RunError(record.error)
    if record.kind != "run":
        raise RunError(f"only runs of kind run can be repeated from here, {run_id} is of kind {record.kind}")
    return submit(record.config, name=record.name)


def rename(run_id: str, name: str) -> None:
    """Give a run another name, of 1 to 120 letters in one line."""
    _own(run_id)
    visitors.refuse_others(run_id, "rename")
    plain = queue.plain(name)
    if not 1 <= len(plain) <= queue.MOST_LETTERS:
        raise RunError(f"the name of a run has 1 to {queue.MOST_LETTERS} letters, got {len(plain)}: write a few words")
    store().rename(run_id, plain)


def delete(run_id: str, *, now: bool = False) -> None:
    """Put an ended run into the trash, or remove it at once with `now`; RunError while it works, or is an example."""
    _own(run_id)
    visitors.refuse_others(run_id, "delete")
    record = store().get(run_id, deleted=True)
    if record.status == "running":
        recovery.settle_one(store(), home(), run_id)
    if record.damaged:
        store().end(run_id)
    if now:
        trash.remove(store(), home(), run_id)
    elif record.deleted is None:
        trash.discard(store(), home(), run_id)


def restore(run_id: str) -> None:
    """Take a run out of the trash, with everything it left."""
    visitors.refuse_others(run_id, "restore")
    if store().get(run_id, deleted=True).deleted is None:
        raise RunError(f"run {run_id} is not in the trash: there is nothing to restore")
    trash.restore(store(), home(), run_id)


def trashed(*, limit: int | None = None) -> list[RunRecord]:
    """Runs in the trash of every kind, newest first; each is removed for good after `api.TRASH_DAYS`."""
    return store().runs(deleted=True, damaged=True, limit=limit)


def _own(run_id: str) -> None:
    if run_id.startswith(PREFIX):
        raise RunError(f"{run_id} is an example that ships with Ballast and stays as it is: run it again")


def prune(kind: str, keep: int) -> None:
    """Remove the oldest ended runs of a kind of which everybody keeps only so many; sessions may do so at once."""
    mine = [record for record in store().runs(kind=kind, status=ENDED) if visitors.is_own(record)]
    for record in mine[keep:]:
        with suppress(RunError):  # another session was faster
            trash.remove(store(), home(), record.id)


def get(run_id: str) -> RunRecord:
    """One run; RunError when there is none. A dead worker's run is turned `interrupted` first."""
    return recovery.truth(store(run_id), home(run_id), run_id)


def silent(run_id: str) -> float | None:
    """Seconds since a running run gave a sign of life; None when it is not running, or has just begun."""
    return silence.of(store(), run_id)


def restart(run_id: str) -> None:
    """Kill whoever works on a running run, whatever it is doing, and queue the run again from its checkpoint."""
    visitors.refuse_others(run_id, "restart")
    executor().requeue(run_id)


def so_far(record: RunRecord) -> RunRecord:
    """A run with its accuracies, where a running one has them already and only its map is missing."""
    path = folder_of(home(), record.id) / SO_FAR
    if record.status != "running" or not path.exists():
        return record
    return replace(record, result=KINDS[record.kind].check(artifacts.load_json(path)))


def about(kind: str, run_id: str) -> list[RunRecord]:
    """The further jobs of this kind on a run, in any state, newest first; on an example its own come last."""
    own = store().runs(kind=kind, parent=run_id)
    return own if store(run_id) is store() else [*own, *store(run_id).runs(kind=kind, parent=run_id)]


def runs(
    *,
    kind: str | None = "run",
    status: Sequence[Status] = (),
    text: str = "",
    methods: Sequence[str] = (),
    limit: int | None = None,
    offset: int = 0,
    damaged: bool = False,
) -> list[RunRecord]:
    """Runs, newest first: all, or `limit` of them after the first `offset`.

    text     words that must occur in name, method, data set or network
    methods  names of methods, of which one must be that of the run
    kind     None means all kinds
    damaged  whether rows that cannot be read are listed too
    """
    if limit is not None and limit < 1:
        raise RunError(f"the number of runs to list must be at least 1, got {limit}")
    _settle()
    wanted: dict[str, Any] = {"kind": kind, "status": status, "text": text, "methods": methods}
    return store().runs(**wanted, limit=limit, offset=offset, damaged=damaged)


def _settle() -> None:
    """End the runs of dead workers; where that cannot be written, the list is shown as it is stored."""
    with suppress(ResourceError):  # the pool says so
        recovery.settle(store(), home())


def count(
    *, kind: str | None = "run", status: Sequence[Status] = (), text: str = "", methods: Sequence[str] = ()
) -> int:
    """How many runs there are that `runs` would list, damaged ones among them."""
    return store().count(kind=kind, status=status, text=text, methods=methods)


def events(run_id: str, after: int = 0) -> list[EventRow]:
    """The events of a run with seq > after, oldest first, a few thousand at most; further calls bring the next."""
    return store(run_id).events(run_id, after, limit=MOST_EVENTS)


def check(config: Mapping[str, Any]) -> str:
    """Say what is wrong with these settings, or "" when nothing is."""
    try:
        return unsuited(RunConfig(**config))
    except ConfigError as error:
        return str(error)
