"""Networks of growing width and the kernel on the condensed set of a finished run. Values in, values out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.api import examples, queue
from core.api.work import about, get
from core.api.workplace import home, store
from core.engine import artifacts
from core.engine.perform import folder_of
from core.errors import RunError
from core.jobs import frames
from core.jobs.options import KernelConfig, WidthConfig
from core.jobs.results import Condensed, RunResult, WidthResult
from core.jobs.width_pace import KERNEL, seconds
from core.plots import panels
from core.plots.mosaic import mosaic, to_png
from core.settings.run import RunConfig
from core.types import RunRecord

LEARNED = ("adv-kip", "kip")
LEAVE_A_SET = ("run", "condense", "bring")

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
    """Finished runs whose condensed set is there: adv-KIP and KIP first, the examples last."""
    found = [
        record
        for record in (*store().runs(status=("done",)), *examples.runs())
        if record.kind in LEAVE_A_SET and (folder_of(home(record.id), record.id) / "condensed.npz").exists()
    ]
    return sorted(found, key=_later)


def _later(record: RunRecord) -> tuple[bool, bool]:
    return examples.is_one(record.id), Condensed.of(record).method not in LEARNED


def submit_width(run_id: str, config: Mapping[str, Any]) -> str:
    """Queue the training of networks on a run's condensed set, with the kernel as last stop; returns the id.

    raises  ConfigError for a wrong setting, RunError when the run has no condensed set
    """
    record, path = get(run_id), folder_of(home(run_id), run_id) / "condensed.npz"
    if record.status != "done" or not path.exists():
        raise RunError(f"run {run_id} is {record.status} and has no condensed set: choose a finished run")
    settings = RunConfig(**record.config).to_json()
    chosen = WidthConfig(**config).model_dump(mode="json")
    values = {"run": run_id, "settings": settings, "condensed": str(path), "width": chosen}
    return queue.submit("width", values, name=f"Widths on {record.name}")


def width_seconds(run_id: str, config: Mapping[str, Any]) -> float | None:
    """Seconds that a comparison would take, by the pace of earlier ones on such images; None without them."""
    found, chosen = RunResult.of(get(run_id)), WidthConfig(**config)
    pace: dict[str, float] = {}
    for record in store().runs(kind="width", status=("done",)):
        known = WidthResult.of(record)
        if (known.what, known.shape) == (chosen.what, found.shape):
            pace = {**known.pace, **pace}  # the newest counts
    wanted = [*chosen.names(found.shape), KERNEL]
    if not set(wanted) <= set(pace):
        return None
    pace, sizes = {name: pace[name] for name in wanted}, dict.fromkeys(chosen.widths, found.kernel_depth or 3)
    return seconds(chosen, pace, sizes, found.shape, len(found.classes), found.budget or 0)


def widths(run_id: str, what: str = "width") -> list[RunRecord]:
    """The comparisons on a run's condensed set in any state, newest first; `what` as in WidthConfig."""
    return [found for found in about("width", run_id) if found.config["width"]["what"] == what]


def width_of(run_id: str, what: str = "width") -> RunRecord | None:
    """The newest finished comparison, or None."""
    return next((record for record in widths(run_id, what) if record.status == "done"), None)


def moments(run_id: str) -> list[int]:
    """Steps at which pictures of a run's condensed images are kept, increasing; empty without a film."""
    path = folder_of(home(run_id), run_id) / frames.NAME
    found = artifacts.load_arrays(path) if path.exists() else {}
    drawable = found and min(found["x"].shape[3:]) > 1  # points of the plane make no picture
    return found["step"].tolist() if drawable else []


def support_at(run_id: str, moment: int, full: float | None) -> tuple[bytes, bytes, float]:
    """PNGs of the condensed images at a moment of the film and of their difference to the first; its largest value.

    moment  0 is the first picture
    full    change of a pixel that has full colour, usually ε; None for the largest change there is
    """
    folder = folder_of(home(run_id), run_id)
    x = artifacts.load_arrays(folder / frames.NAME)["x"].astype(np.float32) / 255
    labels = artifacts.load_condensed(folder / "condensed.npz").y
    y = labels if len(labels) == x.shape[1] else None  # a coreset's pictures may hold fewer images than it has
    largest = float(np.abs(x[moment] - x[0]).max())
    now, change = x[moment], panels.enlarged(x[0], x[moment], full or largest or 1.0)
    return to_png(mosaic(now, y).image), to_png(mosaic(change, y).image), largest
