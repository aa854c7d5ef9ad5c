"""Runs: queue, stop, repeat, find. Values in, values out."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.api.place import executor, home, store
from core.errors import ConfigError, RunError
from core.events import Progress
from core.runs import recovery
from core.runs.config import RunConfig, digest
from core.runs.perform import claim, folder_of, perform
from core.types import EventRow, RunRecord, Status

REFERENCES = ("random", "full")
NOT_COPIED = ("alive.lock", "worker.log", "data.json", "checkpoint-*", ".*")


def submit(config: Mapping[str, Any], *, name: str = "") -> str:
    """Queue a run (validated here; ConfigError says what is wrong) and return its id."""
    settings = RunConfig(**config)
    run_id = store().create(
        "run", settings.to_json(), name=name or default_name(settings), digest=settings.digest, lane="work"
    )
    executor().submit(run_id)
    return run_id


def here(
    kind: str,
    config: Mapping[str, Any],
    *,
    name: str = "",
    out: Path | None = None,
    on_event: Callable[[Progress], None] = lambda event: None,
) -> RunRecord:
    """Do a run in this process, for the command line; the record is in the store like any other.

    kind    "run", "condense" (config as for `submit`), "train" ({"settings": ..., "condensed": path}),
            "evaluate" ({"settings": ..., "model": path}) or "data"
    out     folder that gets a copy of what the run leaves; `result["out"]` then names it
    raises  ConfigError before anything is stored when the settings are wrong
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as for workers, before torch is loaded
    from core.runs.kinds import KINDS

    if kind in ("run", "condense"):
        settings = RunConfig(**config)
        config, name = settings.to_json(), name or default_name(settings)
    elif "settings" in config:
        config = {**config, "settings": RunConfig(**config["settings"]).to_json()}
    run_id = store().create(kind, config, name=name or kind, digest=digest(config), lane="here")  # no worker's lane
    claimed = claim(store(), home(), run_id)
    if claimed is None:
        raise RunError(f"run {run_id} was cancelled or deleted before it could begin: start it again")
    try:
        perform(store(), home(), claimed[0], KINDS, on_event=on_event)
    finally:
        claimed[1].release()
    record = store().get(run_id)
    if out is None or record.status != "done":
        return record
    shutil.copytree(folder_of(home(), run_id), out, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_COPIED))
    return replace(record, result={**record.result, "out": str(out)})


def default_name(settings: RunConfig) -> str:
    """What a run is called until somebody renames it: `mfc 10/class · digits · adversarial · mlp`."""
    options = settings.method.options
    ipc, radius = getattr(options, "ipc", None), getattr(options, "radius", None)
    size = f" {ipc}/class" if ipc is not None else f" η {radius:g}" if radius is not None else ""
    parts = (
        f"{settings.method.name}{size}",
        Path(settings.data.name).name,
        settings.training.name,
        settings.network.name,
    )
    return " · ".join(parts)


def cancel(run_id: str) -> None:
    """Ask a run to stop; it is `cancelled` within two seconds, whatever it is doing."""
    store().get(run_id)
    executor().cancel(run_id)


def resume(run_id: str) -> None:
    """Queue an interrupted, failed or cancelled run again from its last checkpoint or finished stage."""
    record = get(run_id)
    store().requeue(run_id, lane="light" if record.kind == "data" else "work")
    executor().submit(run_id)


def again(run_id: str) -> str:
    """Queue a new run with the same settings and return its id."""
    record = get(run_id)
    if record.kind != "run":
        raise RunError(f"only runs of kind run can be repeated from here, {run_id} is of kind {record.kind}")
    return submit(record.config, name=record.name)


def rename(run_id: str, name: str) -> None:
    """Give a run another name; it must not be empty."""
    if not name.strip():
        raise RunError("the name of a run must not be empty: write a word or two")
    store().rename(run_id, name.strip())


def delete(run_id: str) -> None:
    """Remove an ended run with its events and files; RunError while it is queued or running."""
    get(run_id)
    store().delete(run_id)
    shutil.rmtree(folder_of(home(), run_id), ignore_errors=True)


def get(run_id: str) -> RunRecord:
    """One run; RunError when there is none. A dead worker's run is turned `interrupted` first."""
    record = store().get(run_id)
    if record.status == "running":
        recovery.settle_one(store(), home(), run_id)
        record = store().get(run_id)
    return record


def runs(
    *, kind: str | None = "run", status: Sequence[Status] = (), text: str = "", limit: int = 500
) -> list[RunRecord]:
    """Runs, newest first; `text` filters by name, method, data set and network; kind None means all kinds."""
    recovery.settle(store(), home())
    return store().runs(kind=kind, status=status, text=text, limit=limit)


def events(run_id: str, after: int = 0) -> list[EventRow]:
    """The events of a run with seq > after, oldest first."""
    return store().events(run_id, after)


def references(config: Mapping[str, Any]) -> dict[str, RunRecord | None]:
    """Newest run of `random` at the same budget and of `full` data with otherwise equal settings, or None.

    A run is no reference for itself: for settings that are a reference already, that entry is None.
    """
    found: dict[str, RunRecord | None] = {}
    for name, settings in _reference_settings(config).items():
        known = [r for r in store().runs(kind="run", digest=settings.digest) if r.status not in ("failed", "cancelled")]
        done = [record for record in known if record.status == "done"]
        found[name] = next(iter(done or known), None)
    return {name: found.get(name) for name in REFERENCES}


def submit_references(config: Mapping[str, Any]) -> list[str]:
    """Queue those reference runs that do not exist yet; returns their ids."""
    there = references(config)
    settings = _reference_settings(config)
    return [submit(settings[name].to_json()) for name in settings if there[name] is None]


def _reference_settings(config: Mapping[str, Any]) -> dict[str, RunConfig]:
    """The settings of each reference run that can be told; without a budget there is no `random` yet."""
    own = RunConfig(**config)
    found = {"full": own.replace(method={"name": "full"})}
    ipc = getattr(own.method.options, "ipc", None) or _ipc_reached(own)
    if ipc is not None:
        found = {"random": own.replace(method={"name": "random", "options": {"ipc": ipc}}), **found}
    return {name: settings for name, settings in found.items() if settings != own}


def _ipc_reached(settings: RunConfig) -> int | None:
    """Images per class, on average, of a finished run whose budget was not set but found."""
    for record in store().runs(kind="run", status=("done",), digest=settings.digest, limit=1):
        if budget := record.result.get("budget"):
            return max(1, round(budget / len(record.result["classes"])))
    return None


def check(config: Mapping[str, Any]) -> str:
    """Say what is wrong with these settings, or "" when nothing is."""
    try:
        RunConfig(**config)
    except ConfigError as error:
        return str(error)
    return ""
