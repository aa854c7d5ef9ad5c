"""Covers that are solved while a slider moves: queue, stop, find again, and read what they left."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.api import queue, visitors
from core.api.judging import of_model
from core.api.work import about, cancel, get, prune
from core.api.workplace import PREFIX, executor, home, store
from core.compressors.selection import centres
from core.engine import artifacts
from core.engine.kept import kept
from core.engine.perform import folder_of
from core.errors import RunError
from core.jobs import cache, keeping
from core.jobs.files import COVER, EMBEDDED, FRONTIER_COLUMNS, FRONTIER_PROOFS, OVERLAP, RIVALS, SKETCH
from core.jobs.options import BoundConfig
from core.jobs.results import CoverResult
from core.settings.run import RunConfig
from core.types import ENDED, MapData, RunRecord

KEPT = 60  # ended covers; older ones are removed with their files
BINS = 60
STOP_S = 1.3  # seconds a solve has to stop by itself

__all__ = [
    "BoundConfig", "bounds", "cover", "example", "find", "frontier", "gallery", "held", "histogram", "models", "rivals",
    "settings", "settle", "sketch", "sketched", "stop", "submit", "submit_bound", "trace", "tracing",
]  # fmt: skip


def settings(
    data: Mapping[str, Any], norm: str, *, radius: float | None = None, ipc: int | None = None, seed: int = 0
) -> dict[str, Any]:
    """The settings of a cover; exactly one of radius and ipc (centres per class) is given.

    raises  ConfigError when a value is out of range
    """
    options = {"norm": norm, "radius": radius, "ipc": ipc}
    values: dict[str, Any] = {"data": dict(data), "method": {"name": "mfc", "options": options}, "seed": seed}
    return RunConfig(**values).to_json()


def example(config: Mapping[str, Any]) -> RunRecord | None:
    """The cover with these settings among the examples."""
    return next(iter(queue.equal("covering", config, place=PREFIX)), None)


def find(config: Mapping[str, Any]) -> RunRecord | None:
    """The newest cover with these settings, in any state; of the cancelled ones only those with a cover to show."""
    found = queue.equal("covering", config)
    return next((get(record.id) for record in found if record.status != "cancelled" or _worth(record.id)), None)


def _worth(run_id: str) -> bool:
    """Whether a cancelled solve has a cover that was asked to be kept, or that was final before the cancelling."""
    folder = folder_of(home(), run_id)
    if store().finish_requested(run_id) is not None:
        return (folder / COVER).exists() or keeping.checkpoint_path(folder, "condense").exists()
    return (folder / COVER).exists() and not artifacts.load_json(folder / COVER)["stopped"]


def submit(config: Mapping[str, Any], *, instead_of: str | None = None) -> str:
    """Queue a solve and return its id; `instead_of` names one that is cancelled first.

    It does not wait behind long work of another kind.
    """
    if instead_of is not None and get(instead_of).status not in ENDED and visitors.may_change(get(instead_of)):
        cancel(instead_of)
    chosen = RunConfig(**config)
    prune("covering", KEPT)
    return queue.submit(
        "covering", chosen.to_json(), name=_name(chosen), lane=queue.lane_of_small(ignoring=("covering",))
    )


def stop(run_id: str) -> None:
    """Ask a solve to end with its best cover so far, which is then measured and certified."""
    visitors.refuse_others(run_id, "stop")
    store().request_finish(get(run_id).id)


def settle(run_id: str) -> RunRecord:
    """The record, after whatever a requested stop still needs.

    A solve in the middle of a long call cannot hear the request: it is cancelled, and its checkpoint is finished by
    another attempt.
    """
    record, folder = get(run_id), folder_of(home(run_id), run_id)
    asked = store(run_id).finish_requested(run_id)
    if (folder / COVER).exists() or asked is None:
        return record
    if record.status == "cancelled" and keeping.checkpoint_path(folder, "condense").exists():
        store().requeue(run_id, lane="work")
        executor().submit(run_id)
    elif record.status == "running" and record.started is not None:
        last = store().last_event(run_id)
        deaf = last is None or last.stage in ("load", "condense")
        if deaf and record.started < asked < time.time() - STOP_S:
            executor().cancel(run_id)
    return get(run_id)


def cover(run_id: str) -> CoverResult | None:
    """What is known of a cover; None until there is one that is measured and certified."""
    path = folder_of(home(run_id), run_id) / COVER
    return CoverResult.read({**artifacts.load_json(path), **get(run_id).result}) if path.exists() else None


def sketch(run_id: str) -> tuple[MapData, np.ndarray] | None:
    """The cover of the moment on the map of its data set, and which points drawn have no cover yet, (n,) bool.

    None until the data set is loaded and once the cover is measured.
    """
    record, folder = get(run_id), folder_of(home(run_id), run_id)
    path = folder / SKETCH
    if not record.data_hash or not path.exists():
        return None
    found, (train, _) = artifacts.load_arrays(path), cache.opened(home(run_id) / "cache", record.data_hash)
    state = kept(keeping.checkpoint_path(folder, "condense"), artifacts.load_arrays, [])
    chosen = centres.rows(train, state) if state is not None else np.empty(0, np.int64)
    drawn, labels = found["rows"], train.y[found["rows"]]
    places = np.flatnonzero(np.isin(drawn, chosen))
    data = MapData(
        xy=found["xy"], y=labels, rows=drawn, total=len(train), centres=places, owner=np.empty(0, np.int64),
        distance=np.empty(0), norm=None, true_space=bool(found["true_space"]), projection=str(found["projection"]),
    )  # fmt: skip
    return data, ~np.isin(labels, state["labels"] if state is not None else [])


def sketched(run_id: str) -> int:
    """A number that changes whenever `sketch` does; 0 while there is none."""
    folder = folder_of(home(run_id), run_id)
    paths = folder / SKETCH, keeping.checkpoint_path(folder, "condense")
    return sum(path.stat().st_mtime_ns for path in paths if path.exists())


def held(run_id: str) -> Mapping[str, np.ndarray] | None:
    """Balls that contain each train image: `own` class (N,) and, for not too large data, `any` class (N,)."""
    path = folder_of(home(run_id), run_id) / OVERLAP
    return artifacts.load_arrays(path) if path.exists() else None


def rivals(run_id: str) -> dict[str, Any] | None:
    """Random, k-center and greedy beside this cover, or None until they are computed."""
    path = folder_of(home(run_id), run_id) / RIVALS
    return artifacts.load_json(path) if path.exists() else None


def _name(chosen: RunConfig) -> str:
    options: Any = chosen.method.options  # of mfc
    size = f"{options.ipc} per class" if options.radius is None else f"radius {options.radius:g}"
    return f"Cover of {Path(chosen.data.name).name}, {options.norm}, {size}"


def histogram(run_id: str) -> dict[str, Any] | None:
    """Distances of all train images to their own centre and to the nearest image of another class, in bins.

    returns  `edges` (b + 1,), `centre` and `enemy` (b,) counts, `images`; None before both are known
    """
    record, folder = get(run_id), folder_of(home(run_id), run_id)
    norm = record.config["method"]["options"]["norm"]
    members, enemies = folder / "members.npz", home(run_id) / "cache" / record.data_hash / f"enemies-{norm}.npz"
    if not record.data_hash or not members.exists() or not enemies.exists():
        return None
    centre, enemy = artifacts.load_arrays(members)["distance"], artifacts.load_arrays(enemies)["distance"]
    known = np.concatenate([centre, enemy[np.isfinite(enemy)]])
    edges = np.linspace(0, float(known.max()) or 1.0, BINS + 1)
    counts = {name: np.histogram(d, edges)[0].tolist() for name, d in (("centre", centre), ("enemy", enemy))}
    return {"edges": edges.tolist(), "images": len(centre), **counts}


def gallery(run_id: str) -> list[dict[str, Any]]:
    """Every ball with its centre's row, class, weight, radius, and the row and distance of its farthest member.

    Heaviest first, of equal ones the larger ball; empty before the memberships are computed.
    """
    folder = folder_of(home(run_id), get(run_id).id)
    if not (folder / "members.npz").exists():
        return []
    condensed, found = artifacts.load_condensed(folder / "condensed.npz"), artifacts.load_arrays(folder / "members.npz")
    order = np.lexsort((found["distance"], found["owner"]))
    last = np.searchsorted(found["owner"][order], np.arange(len(condensed)), side="right") - 1
    far = order[last]
    rows, weights = condensed.indices, condensed.weights
    assert rows is not None and weights is not None and condensed.ball_radius is not None, "a cover has all three"
    balls = [
        {
            "ball": ball, "centre": int(rows[ball]), "label": int(condensed.y[ball]),
            "weight": int(weights[ball]), "radius": float(condensed.ball_radius[ball]),
            "far": int(far[ball]), "distance": float(found["distance"][far[ball]]),
        }
        for ball in range(len(condensed))
    ]  # fmt: skip
    return sorted(balls, key=lambda ball: (-ball["weight"], -ball["radius"], ball["ball"]))


def trace(config: Mapping[str, Any]) -> str:
    """Queue the frontier of the data set and norm of these settings, or find the one that is going on; its id."""
    chosen = RunConfig(**config)
    options: Any = chosen.method.options  # of mfc
    values = chosen.replace(method={"name": "mfc", "options": {"norm": options.norm}}).to_json()
    going = tracing(config)
    if going is not None:
        return going.id
    name = f"Frontier of {Path(chosen.data.name).name}, {options.norm}"
    return queue.submit("frontier", values, name=name)


def tracing(config: Mapping[str, Any]) -> RunRecord | None:
    """The frontier job of this data set and norm that is queued or running, or None."""
    found = queue.equal("frontier", config)
    return next((record for record in found if get(record.id).status not in ENDED), None)


def frontier(data_hash: str, norm: str) -> tuple[list[dict[str, Any]], str]:
    """Rows (label, k, radius, lower, proven) of the frontier, and where they come from.

    returns  "whole" or "coarse" rows of a traced frontier, else "shipped": what is known of embedded data in advance,
             with the covers of a fixed budget in the store; else "solved": those alone
    """
    path = home() / "cache" / data_hash / f"frontier-{norm}.npz"
    found = artifacts.load_arrays(path) if path.exists() else {}
    if int(found.get("proofs", 0)) == FRONTIER_PROOFS:
        columns = [found[name].tolist() for name in FRONTIER_COLUMNS]
        rows = [dict(zip(FRONTIER_COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]
        return rows, "coarse" if bool(found["coarse"]) else "whole"
    rows = _shipped(data_hash, norm)
    source, seen = ("shipped" if rows else "solved"), {row["k"] for row in rows}
    for record in store().runs(kind="covering", status=("done",)):
        result = CoverResult.of(record)
        ipc = record.config["method"]["options"]["ipc"]
        if record.data_hash == data_hash and result.norm == norm and ipc is not None and ipc not in seen:
            seen.add(ipc)
            parts = (result.radius_per_class, result.lower_bound_per_class, result.proven_per_class)
            rows += [
                dict(zip(FRONTIER_COLUMNS, (label, ipc, *values), strict=True))
                for label, values in enumerate(zip(*parts, strict=True))
                if values[1] is not None
            ]
    return sorted(rows, key=lambda row: (row["label"], row["k"])), source


def _shipped(data_hash: str, norm: str) -> list[dict[str, Any]]:
    """The frontier of embedded data as far as it ships, `python -m core.jobs.embedded`; empty for other data."""
    path = EMBEDDED / f"frontier-{data_hash}.npz"
    table = artifacts.load_arrays(path)[norm].tolist() if path.exists() else []
    return [
        {"label": int(label), "k": int(k), "radius": radius, "lower": lower, "proven": bool(proven)}
        for label, k, radius, lower, proven in table
    ]


def models(record: RunRecord) -> list[RunRecord]:
    """Finished runs of kind run on exactly the data of a cover, judged in its norm, newest first."""
    norm = record.config["method"]["options"]["norm"]
    return [
        run
        for run in store(record.id).runs(kind="run", status=("done",))
        if run.data_hash == record.data_hash and run.config["evaluation"]["norm"] == norm
    ]


def submit_bound(run_id: str, model_run: str, config: Mapping[str, Any]) -> str:
    """Queue the estimate of both sides of the bound of a cover for the model of a run; equal ones are found again."""
    path = folder_of(home(run_id), get(run_id).id) / "condensed.npz"
    if not path.exists():
        raise RunError(f"cover {run_id} is not written yet: wait for the end of its solve")
    chosen = BoundConfig(**config).model_dump(mode="json")
    values = {"cover_run": run_id, "cover": str(path), "bound": chosen, **of_model(model_run)}
    values["settings"] = RunConfig(**get(run_id).config).to_json()
    for record in queue.equal("bound", values):
        if get(record.id).status in ("queued", "running", "done"):
            return record.id
    return queue.submit("bound", values, name=f"Bound for {get(model_run).name}")


def bounds(run_id: str) -> list[RunRecord]:
    """The estimates made with a cover in any state, newest first."""
    return about("bound", run_id)
