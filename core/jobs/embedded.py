"""What is known in advance of the embedded digits: their map and their covers.

    python -m core.jobs.embedded

makes the files in assets/embedded/ again, in about two CPU minutes. They are found by the hash of the data, so that
they never speak of others; the map is what `core.maps.umap` gives, covers are what mfc gives with its own settings and
seed 0, in every norm and with 1 to 20 centres a class; the frontier is their radii. A cover that is read is certified
from the pixels as any other.
Points of the plane are their own map, and to prove their covers with few centres takes minutes each: they are not here.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from core.compressors import METHODS
from core.compressors.selection.options import MFC
from core.covering.distances import Metric
from core.datasets import load
from core.engine import artifacts
from core.events import Progress, drive
from core.jobs.files import EMBEDDED as FOLDER
from core.maps import umap
from core.types import DataConfig, Dataset, Norm

NAME, SEED, MOST = "digits", 0, 20
NORMS: tuple[Norm, ...] = ("Linf", "L2", "L1")
PARTS = ("counts", "centres", "numbers", "flags")
State = Mapping[str, np.ndarray]


def map_of(data_hash: str) -> umap.Map | None:
    """The coordinates of these train images, or None."""
    path = FOLDER / f"map-{data_hash}.npz"
    if not path.exists():
        return None
    found = artifacts.load_arrays(path)
    return umap.Map(xy=found["xy"], rows=found["rows"], true_space=False)


def cover_of(data_hash: str, options: object, seed: int) -> State | None:
    """The finished state of mfc with these options and seed on these train images, or None.

    returns  arrays as `core.compressors.selection.mfc` takes them for its checkpoint
    """
    path = FOLDER / f"covers-{data_hash}.npz"
    if not isinstance(options, MFC) or seed != SEED or not path.exists():
        return None
    k = options.ipc
    if k is None or k > MOST or options != MFC(norm=options.norm, ipc=k):
        return None
    found = artifacts.load_arrays(path)
    counts = found[f"{options.norm}-counts"].astype(np.int64)
    ends = np.cumsum(counts.sum(1))
    centres = np.split(found[f"{options.norm}-centres"].astype(np.int64), ends[:-1])[k - 1]
    return {
        "labels": found["labels"],
        "counts": counts[k - 1],
        "centres": centres,
        "numbers": found[f"{options.norm}-numbers"][k - 1],
        "flags": found[f"{options.norm}-flags"][k - 1],
        "finished": np.ones(len(found["labels"]), bool),
    }


def points(states: Sequence[State], metric: Metric) -> np.ndarray:
    """The frontier that covers with 1, 2, ... centres a class are: rows (label, k, radius, lower bound, proven)."""
    return np.array(
        [
            (label, k, metric.radius(key), metric.radius(lower), proven)
            for k, state in enumerate(states, 1)
            for label, (key, _, lower, _), (proven, _) in zip(
                state["labels"], state["numbers"], state["flags"], strict=True
            )
        ]
    )


def solved(dataset: Dataset, norm: Norm, k: int) -> State:
    """The state in which mfc ends."""
    states: list[State] = []

    def keep(event: Progress) -> None:
        states.extend([event.state] if event.state is not None else [])

    method, options = METHODS["mfc"], MFC(norm=norm, ipc=k)
    work = method.condense(dataset.train, options, n_classes=dataset.n_classes, seed=SEED, device="cpu")
    drive(work, keep)
    return states[-1]


def packed(states: Mapping[Norm, list[State]]) -> dict[str, np.ndarray]:
    """States with 1, 2, ... centres a class by norm, as few arrays; rows of the train split in 16 bits."""
    arrays = {"labels": states[NORMS[0]][0]["labels"]}
    for norm, found in states.items():
        arrays |= {f"{norm}-{part}": np.stack([state[part] for state in found]) for part in PARTS if part != "centres"}
        arrays[f"{norm}-counts"] = arrays[f"{norm}-counts"].astype(np.int16)
        arrays[f"{norm}-centres"] = np.concatenate([state["centres"] for state in found]).astype(np.int16)
    return arrays


def main() -> None:
    """Make every file again."""
    dataset = drive(load(DataConfig(name=NAME), root=Path()))
    found = asdict(drive(umap.embed(dataset.train)))
    artifacts.save_arrays(FOLDER / f"map-{dataset.hash}.npz", {part: found[part] for part in ("xy", "rows")})
    states: dict[Norm, list[State]] = {norm: [] for norm in NORMS}
    for norm in NORMS:
        for k in range(1, MOST + 1):
            states[norm].append(solved(dataset, norm, k))
            proven = float(np.mean(states[norm][-1]["flags"][:, 0]))
            sys.stdout.write(f"{norm}, {k} per class: {proven:.0%} of the classes proven\n")
    artifacts.save_arrays(FOLDER / f"covers-{dataset.hash}.npz", packed(states))
    frontier = {str(norm): points(found, Metric(norm, dataset.train.levels)) for norm, found in states.items()}
    artifacts.save_arrays(FOLDER / f"frontier-{dataset.hash}.npz", frontier)


if __name__ == "__main__":
    main()
