"""Does it help to attack a cover's centres within more than eps? Radius policies against random images, MNIST, L2.

    python -m core condense --data PATH --method mfc --norm L2 --ipc 10 --out DIR     (and 50)
    python benchmarks/policy.py --data PATH DIR/condensed.npz ...

The bound of a cover asks for the radius eps + radius around each centre; at small budgets that is several times the
distance between classes. Here a share of the radius is added instead: 0 (plain adversarial training), some, all. All
is trained with the weights of the cover too, as the bound has them. Small CNN, warm-start training, strong attack
(PGD-20 and margin-PGD 50 x 3), the same test images for every row of a seed; one thread.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core import datasets
from core.engine.artifacts import load_condensed
from core.evaluation.evaluate import Config, evaluate
from core.events import drive
from core.networks.model import build, restore
from core.networks.statistics import channel_statistics
from core.training import TRAINERS
from core.types import CondensedSet, DataConfig, Dataset, stream

EPS, IMAGES, EPOCHS = 1.5, 300, 150
POLICIES: dict[str, dict[str, Any]] = {
    "eps": {"radius_policy": "eps"},
    "eps, weighted": {"radius_policy": "eps", "weighted": True},
    "eps + 0.1 radius": {"radius_policy": "eps + fraction * radius", "fraction": 0.1},
    "eps + 0.25 radius": {"radius_policy": "eps + fraction * radius", "fraction": 0.25},
    "eps + radius, weighted": {"radius_policy": "eps + radius", "weighted": True},
}


def random_set(dataset: Dataset, ipc: int, seed: int) -> CondensedSet:
    """`ipc` random images per class."""
    order = np.random.default_rng(stream(seed, "policy")).permutation(len(dataset.train))
    rows = np.concatenate([order[dataset.train.y[order] == label][:ipc] for label in range(dataset.n_classes)])
    train = dataset.train
    return CondensedSet(
        x=train.pixels(rows), y=train.y[rows], n_classes=dataset.n_classes, method="random", indices=rows
    )


def accuracies(dataset: Dataset, condensed: CondensedSet, seed: int, **policy: Any) -> tuple[float, float]:
    """Clean and strong accuracy of one network trained on the set."""
    entry, train = TRAINERS["warm-start"], dataset.train
    network = build("small-cnn", {}, train.shape, dataset.n_classes, *channel_statistics(train), seed=seed)
    config = entry.Config(norm="L2", eps=EPS, epochs=EPOCHS, **policy)
    model = drive(entry.train(condensed, network, config, validation=None, seed=seed, device="cpu"))["last"]
    judged = Config(norm="L2", eps=EPS, attack="strong", images=IMAGES, curve_points=0, curve_images=1)
    work = evaluate(restore(model), dataset.test, judged, n_classes=dataset.n_classes, seed=seed, device="cpu")
    report = drive(work)
    return report.clean.value, report.robust.value


def rows(dataset: Dataset, covers: list[Path], seeds: int) -> Iterator[tuple[str, int, str, float | None, list]]:
    for path in covers:
        cover = load_condensed(path)
        ipc = len(cover) // dataset.n_classes
        found = [accuracies(dataset, random_set(dataset, ipc, seed), seed, **POLICIES["eps"]) for seed in range(seeds)]
        yield "random", ipc, "eps", None, found
        for name, policy in POLICIES.items():
            yield "mfc", ipc, name, cover.radius, [accuracies(dataset, cover, s, **policy) for s in range(seeds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("covers", type=Path, nargs="+", help="condensed.npz of mfc in L2")
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    chosen = parser.parse_args()
    dataset = drive(datasets.load(DataConfig(name=chosen.data), root=Path("data")))
    print("| set | per class | policy | radius | clean | strong at L2 1.5 |\n|---|---|---|---|---|---|")
    for method, ipc, policy, radius, found in rows(dataset, chosen.covers, chosen.seeds):
        numbers = [
            f"{100 * fmean(part):.1f} ± {100 * stdev(part):.1f}" if chosen.seeds > 1 else f"{100 * part[0]:.1f}"
            for part in zip(*found, strict=True)
        ]
        size = "–" if radius is None else f"{radius:.2f}"
        print(f"| {method} | {ipc} | {policy} | {size} | {' | '.join(numbers)} |", flush=True)


if __name__ == "__main__":
    main()
