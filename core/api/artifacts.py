"""What a run left: pictures, map, members, thumbnails, and everything as one zip."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Any

import numpy as np

from core.api import visitors
from core.api.workplace import home, store
from core.engine import artifacts, locks, thinning, writing
from core.engine.perform import RECORD, folder_of
from core.errors import RunError
from core.jobs import cache
from core.jobs.files import PLANE
from core.plots.mosaic import mosaic, to_png
from core.settings import flags
from core.settings.run import RunConfig
from core.types import MapData, Members

WORKER_LOG = "worker.log"
NOT_EXPORTED = (thinning.METRICS, thinning.SPILLED, locks.RUN_LOCK, RECORD)
THUMBNAILS = 200  # images of one strip at most


def _folder(run_id: str) -> Path:
    return folder_of(home(run_id), store(run_id).get(run_id).id)


def image(run_id: str, name: str = "condensed") -> bytes | None:
    """A PNG of the run's folder by name: `condensed` is the live mosaic. None until it is written."""
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise RunError(f"a picture's name has small letters, digits, - and _ only, got {name!r}")
    try:
        return (_folder(run_id) / f"{name}.png").read_bytes()
    except FileNotFoundError:
        return None


def map_stamp(run_id: str) -> int:
    """What changes whenever the map of a run does; 0 until there is one."""
    try:
        return (_folder(run_id) / "map.npz").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def map_data(run_id: str) -> MapData | None:
    """The 2-D map with centres and true memberships, or None until it is computed."""
    path = _folder(run_id) / "map.npz"
    if not path.exists():
        return None
    found = artifacts.load_arrays(path)
    arrays: dict[str, Any] = found
    scalars: dict[str, Any] = {
        "total": int(found.pop("total")),
        "norm": str(found.pop("norm")) or None,
        "true_space": bool(found.pop("true_space")),
        "projection": str(found.pop("projection", "UMAP")),
    }
    return MapData(**arrays, **scalars)


def classifier(run_id: str) -> Mapping[str, np.ndarray] | None:
    """The classifier of a run on points of the plane, as `core.plots.classifier` draws it; None for images."""
    path = _folder(run_id) / PLANE
    return artifacts.load_arrays(path) if path.exists() else None


def members(run_id: str, centre: int) -> Members:
    """The train images that condensed image `centre` stands for, with distances in pixel space.

    raises  RunError before the map is computed, or when there is no such condensed image
    """
    folder, record = _folder(run_id), store(run_id).get(run_id)
    path = folder / "members.npz"
    if not path.exists():
        raise RunError(f"run {run_id} has no memberships: they come with the map, and not for the full data set")
    found = artifacts.load_arrays(path)
    rows = np.flatnonzero(found["owner"] == centre)
    train, classes = cache.opened(home(run_id) / "cache", record.data_hash)
    count = int(found["owner"].max(initial=-1)) + 1
    if not 0 <= centre < count and not len(rows):
        raise RunError(f"there is no condensed image {centre}: run {run_id} has members for 0 to {count - 1}")
    order = np.argsort(found["distance"][rows], kind="stable")
    names = record.result.get("classes") or classes  # equal pixels share a cache, their names may have changed
    label = str(names[int(train.y[rows[0]])]) if len(rows) else ""
    return Members(
        centre=centre, label=label, norm=str(found["norm"]), rows=rows[order], distance=found["distance"][rows][order]
    )


def thumbnails(run_id: str, rows: Sequence[int]) -> bytes:
    """A PNG strip of train images by their rows in the train split."""
    train, _ = cache.opened(home(run_id) / "cache", store(run_id).get(run_id).data_hash)
    wanted = np.asarray(rows, np.int64)
    if not len(wanted) or len(wanted) > THUMBNAILS or wanted.min() < 0 or wanted.max() >= len(train):
        raise RunError(f"thumbnails need 1 to {THUMBNAILS} rows from 0 to {len(train) - 1}, got {len(wanted)}")
    return to_png(mosaic(train.pixels(wanted), columns=min(len(wanted), 12)).image)


def export(run_id: str) -> bytes:
    """Everything the run left, as one zip: config, events as CSV, condensed set, weights, images.

    A guest gets no log of the worker, whose tracebacks name places on the server.
    """
    left_out = NOT_EXPORTED if visitors.current().role == "owner" else (*NOT_EXPORTED, WORKER_LOG)
    record, folder = store(run_id).get(run_id), _folder(run_id)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("record.json", dumps(asdict(record), indent=1))
        with file.open(thinning.METRICS, "w") as stream, io.TextIOWrapper(stream, "utf-8", newline="") as text:
            thinning.write_metrics(store(run_id), folder, run_id, text)
        for path in sorted(folder.iterdir()) if folder.exists() else ():
            if path.is_file() and path.name not in left_out and not path.name.startswith("."):
                file.write(path, path.name)
    return out.getvalue()


def export_to(run_id: str, path: Path) -> None:
    """Write the zip of `export` to a file; ResourceError, before anything is read, when that cannot be written."""
    writing.writable(path)
    writing.save_bytes(path, export(run_id))


def command(config: Mapping[str, Any], *, verb: str = "run", stages: Sequence[str] = flags.STAGES) -> str:
    """The command line that repeats these settings, of a whole run or of some stages: `describe` needs `data` only."""
    return flags.to_command(RunConfig(**config), verb=verb, stages=stages)
