"""Networks of growing width and the kernel on the condensed set of a finished run. Values in, values out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.api.place import executor, home, store
from core.api.work import get
from core.errors import RunError
from core.plots import panels
from core.plots.mosaic import mosaic, to_png
from core.runs import artifacts, frames, kernel_price, kernel_stops
from core.runs.config import RunConfig, digest
from core.runs.kernel_jobs import KernelConfig
from core.runs.kernel_stops import WidthConfig
from core.runs.perform import folder_of
from core.types import RunRecord

LEARNED = ("adv-kip", "kip")

__all__ = [
    "KernelConfig",
    "WidthConfig",
    "moments",
    "submit_width",
    "support_at",
    "supports",
    "width_of",
    "width_seconds",
    "widths",
]


def supports() -> list[RunRecord]:
    """Finished runs whose condensed set is there: adv-KIP and KIP first, newest first among equals."""
    found = [
        record
        for record in store().runs(status=("done",))
        if record.kind in ("run", "condense") and (folder_of(home(), record.id) / "condensed.npz").exists()
    ]
    return sorted(found, key=lambda record: record.result.get("method") not in LEARNED)


def submit_width(run_id: str, config: Mapping[str, Any]) -> str:
    """Queue the training of networks on a run's condensed set, with the kernel as last stop; returns the id.

    raises  ConfigError for a wrong setting, RunError when the run has no condensed set
    """
    record, path = get(run_id), folder_of(home(), run_id) / "condensed.npz"
    if record.status != "done" or not path.exists():
        raise RunError(f"run {run_id} is {record.status} and has no condensed set: choose a finished run")
    settings = RunConfig(**record.config).to_json()
    chosen = WidthConfig(**config).model_dump(mode="json")
    values = {"run": run_id, "settings": settings, "condensed": str(path), "width": chosen}
    job = store().create("width", values, name=f"Widths on {record.name}", digest=digest(values), lane="work")
    executor().submit(job)
    return job


def width_seconds(run_id: str, config: Mapping[str, Any]) -> float | None:
    """Seconds that a comparison would take, by the pace of earlier ones on such images; None without them."""
    found, chosen = get(run_id).result, WidthConfig(**config)
    pace: dict[str, float] = {}
    for record in store().runs(kind="width", status=("done",)):
        known = record.result
        if (known["what"], known["shape"]) == (chosen.what, found["shape"]):
            pace = {**known.get("pace", {}), **pace}  # the newest counts
    wanted = [*kernel_stops.names(chosen, found["shape"]), kernel_price.KERNEL]
    if not set(wanted) <= set(pace):
        return None
    pace, sizes = {name: pace[name] for name in wanted}, dict.fromkeys(chosen.widths, found.get("kernel_depth", 3))
    return kernel_price.seconds(chosen, pace, sizes, found["shape"], len(found["classes"]), found["budget"])


def widths(run_id: str, what: str = "width") -> list[RunRecord]:
    """The comparisons on a run's condensed set in any state, newest first; `what` as in WidthConfig."""
    found = [record for record in store().runs(kind="width", text=run_id) if record.config.get("run") == run_id]
    return [record for record in found if record.config["width"]["what"] == what]


def width_of(run_id: str, what: str = "width") -> RunRecord | None:
    """The newest finished comparison, or None."""
    return next((record for record in widths(run_id, what) if record.status == "done"), None)


def moments(run_id: str) -> list[int]:
    """Steps at which pictures of a run's condensed images are kept, increasing; empty without a film."""
    path = folder_of(home(), run_id) / frames.NAME
    found = artifacts.load_arrays(path) if path.exists() else {}
    drawable = found and min(found["x"].shape[3:]) > 1  # points of the plane make no picture
    return found["step"].tolist() if drawable else []


def support_at(run_id: str, moment: int) -> tuple[bytes, bytes]:
    """PNGs of the condensed images at a moment of the film, and their difference to the first ones, magnified × 10.

    moment  0 is the first picture
    """
    folder = folder_of(home(), run_id)
    x = artifacts.load_arrays(folder / frames.NAME)["x"].astype(np.float32) / 255
    y = artifacts.load_condensed(folder / "condensed.npz").y
    y = y if len(y) == x.shape[1] else None  # a coreset's pictures may hold fewer images than it has
    now, change = x[moment], panels.enlarged(x[0], x[moment])
    return to_png(mosaic(now, y).image), to_png(mosaic(change, y).image)
