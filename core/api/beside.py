"""What stands beside a run: random selection and k-means at its budget, and training on all the data."""

from collections.abc import Mapping
from typing import Any

from core.api import queue
from core.api.work import default_name
from core.jobs.results import RunResult
from core.settings.run import RunConfig
from core.types import RunRecord

REFERENCES = ("random", "k-means", "full")


def references(config: Mapping[str, Any], place: str = "") -> dict[str, RunRecord | None]:
    """Newest run of `random` and `k-means` at the same budget and of `full` data, all else equal, or None.

    place  the id of an example looks among the examples only; else only among the user's own runs

    A run is no reference for itself: for settings that are a reference already, that entry is None.
    """
    found: dict[str, RunRecord | None] = {}
    for name, settings in _reference_settings(config).items():
        equal = queue.equal("run", settings.to_json(), place=place)
        known = [record for record in equal if record.status not in ("failed", "cancelled")]
        done = [record for record in known if record.status == "done"]
        found[name] = next(iter(done or known), None)
    return {name: found.get(name) for name in REFERENCES}


def submit_references(config: Mapping[str, Any]) -> list[str]:
    """Queue those reference runs that do not exist yet, behind whatever else is or will be queued; their ids."""
    there = references(config)
    settings = _reference_settings(config)
    missing = [settings[name] for name in settings if there[name] is None]
    return [queue.submit("run", own.to_json(), name=default_name(own), lane="later") for own in missing]


def _reference_settings(config: Mapping[str, Any]) -> dict[str, RunConfig]:
    """The settings of each reference run that can be told; without a budget there is only `full`."""
    own = RunConfig(**config)
    found = {"full": own.replace(method={"name": "full"})}
    ipc = getattr(own.method.options, "ipc", None) or _ipc_reached(own)
    if ipc is not None:
        same = {name: own.replace(method={"name": name, "options": {"ipc": ipc}}) for name in ("random", "k-means")}
        found = {**same, **found}
    return {name: settings for name, settings in found.items() if settings != own}


def _ipc_reached(settings: RunConfig) -> int | None:
    """Images per class, on average, of a finished run whose budget was not set but found."""
    for record in queue.equal("run", settings.to_json(), ("done",)):
        found = RunResult.of(record)
        if found.budget:
            return max(1, round(found.budget / len(found.classes)))
    return None
