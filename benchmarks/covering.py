"""Measure the covering engine and print a markdown table.

    python benchmarks/covering.py --data ../shared/data/mnist.npz           all rows, about 6 CPU minutes
    python benchmarks/covering.py --data ../shared/data/mnist.npz --quick   class 7 only, about a minute

CPU seconds are process time, distances included, compilation not. Levels are per class where --quick is given.
"""

import argparse
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.compressors.selection import mfc
from core.covering.certificate import certify
from core.covering.cover import greedy
from core.covering.distances import Metric, flat
from core.covering.frontier import frontier
from core.covering.graph import all_keys, ball_graph
from core.covering.solve import Effort
from core.covering.warm import warm
from core.events import finish
from core.types import CondensedSet, TrainSplit

RADII_10 = (9.383, 7.704, 9.798, 9.525, 9.272, 9.483, 9.296, 9.004, 9.852, 9.356)
RADII_50 = (7.926, 5.930, 8.509, 8.250, 7.859, 8.174, 7.800, 7.523, 8.632, 7.850)
ROW = "| {} | {} | {} | {} | {:.1f} | {:.0f} |"


def cover(train: TrainSplit, **settings: Any) -> tuple[CondensedSet, float]:
    """A certified cover by mfc and the CPU seconds it took."""
    began = time.process_time()
    condensed = finish(mfc.condense(train, mfc.Config(**settings), n_classes=10, seed=0, device="cpu"))
    seconds = time.process_time() - began
    violations = certify(train, condensed).violations
    assert not violations, violations
    return condensed, seconds


def peak() -> float:
    """Largest resident memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def row(*cells: object) -> None:
    """One line of the table, at once."""
    print(ROW.format(*cells), flush=True)


def fixed_radius(train: TrainSplit, radius: float, to_reach: str) -> None:
    """P1: total centres and their lower bound."""
    condensed, seconds = cover(train, radius=radius)
    found = f"{len(condensed)} ({list(condensed.info.k_per_class)})"
    row(f"P1, radius {radius}: centres", to_reach, found, condensed.info.lower_bound_k, seconds, peak())


def fixed_budget(train: TrainSplit, k: int, reference: tuple[float, ...]) -> None:
    """P2: radius per class beside the reference, and how far the proven bound is."""
    condensed, seconds = cover(train, ipc=k)
    present = np.unique(train.y)
    radii = np.array(condensed.info.radius_per_class)[present]
    lower = np.array([condensed.info.lower_bound_per_class[c] for c in present])
    worst = (radii / np.array(reference)[present] - 1).max()
    found = f"{' '.join(f'{r:.3f}' for r in radii)} (at most {worst:+.2%} of it)"
    below = f"{(1 - lower / radii).min():.1%}–{(1 - lower / radii).max():.1%} below"
    wanted = " ".join(f"{reference[c]:.3f}" for c in present)
    row(f"P2, k = {k}: radius by class", f"{wanted} within 0.5 %", found, below, seconds, peak())


def one_graph(train: TrainSplit) -> None:
    """The ball graph of one class."""
    metric, label = Metric("L2", train.levels), np.unique(train.y)[-1]
    rows = flat(train.x[train.y == label], metric)
    began = time.process_time()
    graph = ball_graph(rows, metric, metric.threshold(8.0))
    seconds = time.process_time() - began
    row(f"ball graph, {len(rows)} images", "2 CPU s", f"{len(graph.indices)} pairs", "–", seconds, peak())


def one_greedy(train: TrainSplit) -> None:
    """Greedy with redundancy removal on one class, on its ball graph."""
    metric, label = Metric("L2", train.levels), np.unique(train.y)[-1]
    rows = flat(train.x[train.y == label], metric)
    graph = ball_graph(rows, metric, metric.threshold(8.0))
    began = time.process_time()
    centres = greedy(graph)
    row(f"greedy on it, {len(rows)} images", "–", len(centres), "–", time.process_time() - began, peak())


def against_loop(train: TrainSplit) -> None:
    """Distances against a double Python loop of torch norms; the loop is run on a part and scaled up."""
    import torch

    metric, n, part = Metric("L2", train.levels), min(2_000, len(train)), 60
    rows = flat(train.x[:n], metric)
    began = time.process_time()
    all_keys(rows, metric)
    ours = time.process_time() - began
    x = torch.from_numpy(train.pixels(slice(n)).reshape(n, -1))
    began = time.process_time()
    for i in range(part):
        for j in range(n):
            torch.norm(x[i] - x[j]).item()
    loop = (time.process_time() - began) * n / part
    row(f"distances of {n} images against a loop", "200×", f"{loop / ours:.0f}× ({loop:.0f} s)", "–", ours, peak())


def digits_frontier() -> None:
    """Every number of centres from 1 to 100 on the embedded digits."""
    from sklearn.datasets import load_digits

    data, metric = load_digits(), Metric("L2", 16)
    x = data.images.astype(np.uint8)
    began, proven, asked = time.process_time(), 0, 0
    for label in range(10):
        found = finish(frontier(flat(x[data.target == label], metric), metric, 100, Effort(steps=1_000), 0))
        proven, asked = proven + int(found.proven.sum()), asked + len(found.proven)
    seconds = time.process_time() - began
    row("digits, k = 1..100, 10 classes", "20 CPU s", f"{proven} of {asked} proven optimal", "–", seconds, peak())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure the covering engine")
    parser.add_argument("--data", required=True, help="mnist.npz")
    parser.add_argument("--quick", action="store_true", help="one class instead of ten")
    quick = (options := parser.parse_args()).quick
    with np.load(options.data, allow_pickle=False) as file:
        train = TrainSplit(x=file["x_train"][:, None], y=file["y_train"].astype(np.int64), levels=255)
    if quick:
        train = train.take(np.flatnonzero(train.y == 7))
    warm()
    print("| what | to reach | found | lower bound | CPU s | peak MB |\n|---|---|---|---|---|---|", flush=True)
    against_loop(train)
    one_graph(train)
    one_greedy(train)
    digits_frontier()
    fixed_radius(train, 8.0, "–" if quick else "k ≤ 572, bound ≥ 508, 60 CPU s")
    fixed_radius(train, 6.0, "–" if quick else "k ≤ 7,760, bound ≥ 7,640, 60 CPU s")
    fixed_budget(train, 10, RADII_10)
    fixed_budget(train, 50, RADII_50)


if __name__ == "__main__":
    main()
