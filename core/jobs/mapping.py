"""Where images lie: the map of a data set, who belongs to whom, and how close the classes come. Does without torch.

What depends on the data alone is computed once and kept in the cache for all runs. A map that is not known yet is drawn
by principal components at once, and laid out properly when nothing else waits (`finish`).
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core.covering.separation import Enemies, mixed_balls
from core.engine import artifacts
from core.engine.job import Job
from core.events import Progress, Work
from core.jobs import embedded, keeping
from core.jobs.files import SKETCH
from core.maps import members, umap
from core.maps.separation import enemies
from core.types import CondensedSet, Dataset, Norm


def lay_out(dataset: Dataset, condensed: CondensedSet, job: Job) -> Work[None]:
    """Compute the memberships and a map that is there at once, and store both as map.npz and members.npz."""
    whole = condensed.indices is not None and len(condensed) == len(dataset.train)
    told = whole or job.kept(job.folder / "members.npz", artifacts.load_arrays) is not None
    if told and job.kept(job.folder / "map.npz", artifacts.load_arrays) is not None:
        return
    with keeping.timed(job.ledger, "map"):
        yield Progress(stage="map", total=len(dataset.train), unit="images")
        norm = condensed.norm or "L2"
        if whole:  # every image is its own: nothing to tell
            owner, distance, chosen = np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64)
        else:
            owner, distance = yield from members.belong(dataset.train, condensed, norm)
            artifacts.save_arrays(
                job.folder / "members.npz", {"owner": owner, "distance": distance, "norm": np.array(norm)}
            )
            chosen = condensed.indices if condensed.indices is not None else np.empty(0, np.int64)
        found = umap.place(_known(dataset, job) or umap.quick(dataset.train), dataset.train, chosen)
        position = {int(row): place for place, row in enumerate(found.rows)}
        arrays = {
            "xy": found.xy,
            "y": dataset.train.y[found.rows],
            "rows": found.rows,
            "total": np.array(len(dataset.train)),
            "centres": np.array([position[int(row)] for row in chosen], np.int64),
            "owner": owner[found.rows] if len(owner) else owner,
            "distance": distance[found.rows] if len(distance) else distance,
            "norm": np.array("" if whole else norm),
            "true_space": np.array(found.true_space),
            "projection": np.array(found.projection),
        }
        artifacts.save_arrays(job.folder / "map.npz", arrays)


def sketch(dataset: Dataset, job: Job) -> None:
    """Store the coordinates that are there at once as sketch.npz, to draw a cover on while it is looked for."""
    found = _known(dataset, job) or umap.quick(dataset.train)
    about = {name: np.array(getattr(found, name)) for name in ("true_space", "projection")}
    artifacts.save_arrays(job.folder / SKETCH, asdict(found) | about)


def finish(dataset: Dataset, job: Job) -> Work[None]:
    """Lay a map out that was drawn by principal components so far; nothing else of it changes."""
    path = job.folder / "map.npz"
    before = artifacts.load_arrays(path)
    if str(before.get("projection", umap.USUAL)) != umap.PRINCIPAL or len(before["rows"]) < umap.FEW:
        return
    with keeping.timed(job.ledger, "map"):
        found = _known(dataset, job)
        if found is None:
            yield Progress(stage="map", total=len(dataset.train), unit="images", note="laying out the map")
            found = yield from umap.embed(dataset.train)
            about = {name: np.array(getattr(found, name)) for name in ("true_space", "projection")}
            artifacts.save_arrays(job.cache / dataset.hash / "map.npz", asdict(found) | about)
        found = umap.place(found, dataset.train, before["rows"])
        position = {int(row): place for place, row in enumerate(found.rows)}
        xy = found.xy[[position[int(row)] for row in before["rows"]]]
        artifacts.save_arrays(path, before | {"xy": xy, "projection": np.array(found.projection)})


def _known(dataset: Dataset, job: Job) -> umap.Map | None:
    """The coordinates of this data set where they cost nothing: computed before, shipped, or its own."""
    path = job.cache / dataset.hash / "map.npz"
    if (earlier := job.kept(path, _read)) is not None:
        return earlier
    return embedded.map_of(dataset.hash) or umap.own(dataset.train)


def _read(path: Path) -> umap.Map:
    found = artifacts.load_arrays(path)
    return umap.Map(
        xy=found["xy"], rows=found["rows"], true_space=bool(found["true_space"]),
        projection=str(found.get("projection", umap.USUAL)),
    )  # fmt: skip


def classes(dataset: Dataset, cover: CondensedSet | None, norm: Norm, job: Job) -> Work[dict[str, Any]]:
    """The smallest distance between classes, and the balls of a cover that hold an image of another class."""
    path = job.cache / dataset.hash / f"enemies-{norm}.npz"
    found = job.kept(path, lambda path: Enemies(**artifacts.load_arrays(path)))
    if found is None:
        with keeping.timed(job.ledger, "map"):
            found = yield from enemies(dataset.train, norm)
            artifacts.save_arrays(path, asdict(found))
    return {"separation": found.separation} | ({"mixed_balls": mixed_balls(found, cover)} if cover else {})
