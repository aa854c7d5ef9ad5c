"""What the one who asks may do. Every function of the api that changes something asks here first.

Whoever draws pages says who that is by `ask`; a shell and a notebook are the owner's. A guest may run within the limits
below and change runs of their own; the rest is refused here, whatever a page shows.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from core.api.workplace import executor, home, store
from core.datasets import DATASETS
from core.errors import AccessError, ConfigError, DataError
from core.jobs.files import BROUGHT, UPLOADS
from core.settings.identity import FILES, named
from core.types import OWNER, RunRecord, Visitor

ROOTS = "BALLAST_ROOTS"
GIVEN = ("weights",)  # values of further jobs that are files which somebody gave
OURS = tuple(place for place in FILES if place not in GIVEN)  # the api makes them from ids of runs
MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What guests may take; each is read from $BALLAST_GUEST_ and its name in capitals.

    runs     of one guest that wait or work at the same time
    queue    of all guests together that wait or work
    minutes  that one run of a guest may take
    upload   megabytes of one file
    """

    runs: int = 3
    queue: int = 60
    minutes: int = 20
    upload: int = 100


def limits() -> Limits:
    """The limits of guests.

    raises  ConfigError naming the variable that is no positive whole number
    """
    given = {}
    for field in fields(Limits):
        name = f"BALLAST_GUEST_{field.name.upper()}"
        if text := os.environ.get(name):
            if not (text.isascii() and text.isdigit() and 0 < int(text) < 1_000_000):
                raise ConfigError(f"{name} must be a whole number from 1 to 999999, got {text!r}")
            given[field.name] = int(text)
    return Limits(**given)


class _Desk:
    """Where whoever draws pages says how to find out who asks."""

    ask: Callable[[], Visitor] = staticmethod(lambda: OWNER)


def ask(who: Callable[[], Visitor]) -> None:
    """Let this function say who asks, from now on and in every thread of this process."""
    _Desk.ask = staticmethod(who)


def current() -> Visitor:
    """Who asks."""
    return _Desk.ask()


def is_own(record: RunRecord) -> bool:
    """Whether a run is of the one who asks."""
    return record.visitor == current().id


def may_change(record: RunRecord) -> bool:
    """Whether the one who asks may rename, stop, resume or delete a run."""
    return current().role == "owner" or is_own(record)


def refuse_others(run_id: str, doing: str) -> None:
    """AccessError unless the one who asks may change this run."""
    if not may_change(store().get(run_id, deleted=True)):
        raise AccessError(f"run {run_id} is not yours: guests {doing} their own runs only")


def refuse_guests(doing: str) -> None:
    """AccessError unless the owner asks."""
    if current().role != "owner":
        raise AccessError(f"guests cannot {doing}: ask the owner of this server")


def admit() -> str:
    """Let the one who asks queue one more run; returns their id.

    raises  AccessError when a guest has, or all guests together have, as many as they may
    """
    found = current()
    if found.role == "owner":
        return ""
    most, own, all_ = limits(), store().unfinished(found.id), store().unfinished()
    if own >= most.runs:
        raise AccessError(f"you have {own} runs waiting or working, the most for a guest: wait for one or cancel it")
    if all_ >= most.queue:
        raise AccessError(f"the guests of this server have {all_} runs waiting, the most there may be: try again later")
    return found.id


def most_upload() -> int | None:
    """Bytes of the largest file that the one who asks may send; None is what the server takes from anybody."""
    return None if current().role == "owner" else limits().upload * MB


def stop_overtime() -> list[str]:
    """Cancel runs of guests that have worked longer than they may; their ids. Cheap, for a clock to call."""
    latest = time.time() - 60 * limits().minutes
    late = [r.id for r in store().runs(status=("running",)) if r.visitor and r.started and r.started < latest]
    for run_id in late:
        executor().cancel(run_id)
    return late


# --- paths ----------------------------------------------------------------------------------------
def roots() -> tuple[Path, ...]:
    """Folders below which a shared server reads paths: data/ of the home, and those of $BALLAST_ROOTS."""
    given = [Path(text) for text in os.environ.get(ROOTS, "").split(os.pathsep) if text]
    return tuple(path.expanduser().resolve() for path in (home() / "data", *given))


def reads(values: Mapping[str, Any]) -> bool:
    """Whether the one who asks may have the files read that these settings name."""
    found, nameless = current(), values.get("settings", values).get("data", {}).get("name") == ""
    return found.free or (not nameless and all(_allowed(place, text, found) for place, text in named(values)))


def refuse_paths(values: Mapping[str, Any]) -> None:
    """DataError, the same for what is missing and what is forbidden, unless all paths in settings may be read."""
    if not reads(values):
        raise DataError(
            "this server reads only the data sets of its list and runs that are in its store: choose one, or upload "
            "your own file on the page Data"
        )


def _allowed(place: str, text: str, visitor: Visitor) -> bool:
    if place in OURS:
        return True
    if place not in GIVEN and not place.endswith("data.name") and (store().has(text) or not place.endswith(".set")):
        return store().has(text)
    if place.endswith("data.name") and text.lower() in DATASETS:
        return True
    try:
        path = Path(text).expanduser().resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return False
    inside = [root for root in roots() if path.is_relative_to(root) and path != root]
    return bool(inside) and (visitor.role == "owner" or path.parent in _listed())


def _listed() -> set[Path]:
    """Folders whose files a guest finds in the list of data sets."""
    data = (home() / "data").resolve()
    return {data, data / UPLOADS, *(data / UPLOADS).glob("*"), *(data / BROUGHT).glob("*")}
