"""The Ray cluster that runs are done on, as it was seen last; nothing where they are done on this machine."""

import time
from typing import Any

from core.api.workplace import executor, store
from core.engine import ray

STALE_S = 15.0  # seconds after which what was seen last is told with its age


def used() -> bool:
    """Whether runs are done on a cluster."""
    return isinstance(executor(), ray.RayExecutor)


def nodes() -> list[dict[str, Any]]:
    """The living nodes: name, address, cores, graphics cards and the runs that go on there."""
    hosts = [record.host for record in store().runs(status=("running",))]
    return [
        {
            "node": node["name"], "address": node["address"], "cores": node["cpus"], "graphics cards": node["gpus"],
            "runs": sum(host.split(" ")[0] == node["name"] for host in hosts),
        }
        for node in ray.last_seen(store()).get("nodes", [])
    ]  # fmt: skip


def said() -> str:
    """What there is and what is free, in one line."""
    found = ray.last_seen(store())
    if not found:
        return "No Ray cluster was seen yet: it is asked when the first run is queued."
    cpus, gpus = (sum(node[kind] for node in found["nodes"]) for kind in ("cpus", "gpus"))
    cards = f", {found['free']['gpus']:g} of {gpus:g} graphics cards free" if gpus else ""
    age = time.time() - found["at"]
    seen = f"; seen {age:,.0f} s ago" if age > STALE_S else ""
    count = len(found["nodes"])
    return f"Ray: {count} node{'s' * (count != 1)}, {found['free']['cpus']:g} of {cpus:g} cores free{cards}{seen}"


def waits() -> str:
    """Why a queued run waits: what it asks for, and what there is."""
    wanted = ray.need(store())
    cards = f" and {wanted.gpus:g} graphics cards" if wanted.gpus else ""
    return f"Waits in the queue of Ray for {wanted.cpus:g} core{'s' * (wanted.cpus != 1)}{cards}. {said()}"
