"""Two runs image by image, on the test images that both have judged."""

from dataclasses import dataclass

import numpy as np

from core.api import work
from core.api.workplace import home
from core.engine import artifacts
from core.engine.perform import folder_of
from core.errors import DataError
from core.jobs.results import RunResult
from core.study.paired import Paired

__all__ = ["Pair", "of_runs"]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The first networks of two runs.

    images  that both judged
    robust  None where the attacks differ
    """

    images: int
    attack: str
    clean: Paired
    robust: Paired | None


def of_runs(one: str, other: str) -> Pair | str:
    """Compare two finished runs, or say in a sentence why they cannot be compared image by image."""
    found = [RunResult.of(work.get(run_id)) for run_id in (one, other)]
    if found[0].data_hash != found[1].data_hash:
        return "they are of different data, so no test image is the same."
    try:
        a, b = (artifacts.load_arrays(folder_of(home(run_id), run_id) / "verdicts.npz") for run_id in (one, other))
    except DataError:
        return "they cannot be compared image by image: run again the one that was judged before verdicts were kept."
    rows, mine, theirs = np.intersect1d(a["rows"], b["rows"], return_indices=True)
    if not len(rows):
        return "they were judged on different test images: give both the same seed."
    same = found[0].attack == found[1].attack
    clean, robust = (_paired(a[name][mine], b[name][theirs]) for name in ("right", "standing"))
    return Pair(images=len(rows), attack=found[0].attack, clean=clean, robust=robust if same else None)


def _paired(one: np.ndarray, other: np.ndarray) -> Paired:
    return Paired(only_one=int((one & ~other).sum()), only_other=int((other & ~one).sum()))
