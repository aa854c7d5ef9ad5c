"""Cost and robust accuracy of the trainers, on random condensed sets of MNIST.

    python benchmarks/training.py epoch   [--data PATH]   one epoch of PGD-10, and the share of the inner attack
    python benchmarks/training.py loop    [--data PATH]   the same epoch against a plain loop around torchattacks.PGD
    python benchmarks/training.py warm    [--data PATH]   warm start against PGD-7 on 500 images, eps 0.3, 3 seeds
    python benchmarks/training.py levels  [--data PATH]   random 10 and 50 per class, standard and PGD-7, 2 seeds

One thread, CPU seconds of the training alone. Settings were chosen on held-out train images (`--held-out`), and
the figures are taken once on test images; "worst" is the worse of CE- and margin-PGD-40 for every image.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.attacks import pgd
from core.events import drive
from core.networks.model import build
from core.networks.statistics import channel_statistics
from core.training import TRAINERS
from core.types import CondensedSet, Split, TrainSplit, stream

ROOT = Path(__file__).resolve().parents[1]
JUDGED = 500  # images each accuracy is measured on

Judge = Callable[[np.ndarray], Split]  # rows left over -> images judged


def mnist(path: Path) -> tuple[TrainSplit, Split]:
    with np.load(path) as stored:
        train, test = (
            kind(x=stored[f"x_{part}"].reshape(-1, 1, 28, 28), y=stored[f"y_{part}"].astype(np.int64))
            for kind, part in ((TrainSplit, "train"), (Split, "test"))
        )
    assert isinstance(train, TrainSplit)
    return train, test


def random_set(train: TrainSplit, ipc: int, seed: int) -> tuple[CondensedSet, np.ndarray]:
    """`ipc` random images per class, and the rows of the train split that are not in it."""
    order = np.random.default_rng(stream(seed, "bench", "random")).permutation(len(train))
    rows = np.concatenate([order[train.y[order] == label][:ipc] for label in range(10)])
    condensed = CondensedSet(x=train.pixels(rows), y=train.y[rows], n_classes=10, method="random", indices=rows)
    return condensed, np.setdiff1d(order, rows, assume_unique=True)


def fit(condensed: CondensedSet, train: TrainSplit, trainer: str, network: str, seed: int, **settings):
    """Train; returns the network and the CPU seconds it took."""
    options = {"width": 128} if network == "convnet" else {}
    model = build(network, options, train.shape, 10, *channel_statistics(train), seed=seed)
    entry = TRAINERS[trainer]
    began = time.process_time()
    drive(entry.train(condensed, model, entry.Config(**settings), validation=None, seed=seed, device="cpu"))
    return model, time.process_time() - began


def accuracies(model: torch.nn.Module, judged: Split, eps_values: tuple[float, ...]) -> list[float]:
    """Clean accuracy, then the worst of CE- and margin-PGD-40 for each eps, in percent."""
    x, y = torch.tensor(judged.pixels()), torch.tensor(judged.y)
    found = []
    for eps in (0.0, *eps_values):
        right = torch.ones(len(y), dtype=torch.bool)
        for loss in ("ce", "margin"):
            generator = torch.Generator().manual_seed(0)
            bad = pgd(model, x, y, norm="Linf", eps=eps, steps=40, loss=loss, generator=generator)
            with torch.no_grad():
                right &= model.eval()(bad).argmax(1) == y
        found.append(100 * float(right.float().mean()))
    return found


def epoch(train: TrainSplit, judge: Judge) -> None:
    print("one epoch of PGD-10 training, 500 images of 28×28, batch 64, CPU s (share of the inner attack)")
    condensed, _ = random_set(train, 50, 0)
    fit(condensed, train, "adversarial", "small-cnn", 0, epochs=1)  # the first one pays for what torch loads late
    for network in ("small-cnn", "convnet"):
        plain = fit(condensed, train, "standard", network, 0, epochs=1)[1]
        whole = fit(condensed, train, "adversarial", network, 0, epochs=1, warmup=0)[1]
        print(f"  {network:10} {whole:6.2f} ({1 - plain / whole:.0%})")


def loop(train: TrainSplit, judge: Judge) -> None:
    """PGD-7, one epoch of 128 images on ConvNet-128: ours, then a plain loop, in turns."""
    import torchattacks

    print("one epoch of PGD-7 training, 128 images, ConvNet-128, CPU s: ours / plain torchattacks loop")
    condensed, _ = random_set(train, 13, 0)
    x, y = torch.from_numpy(condensed.x[:128].copy()), torch.from_numpy(condensed.y[:128].copy())
    small = CondensedSet(x=x.numpy().copy(), y=y.numpy().copy(), n_classes=10, method="random")
    for turn in range(3):
        ours = fit(small, train, "adversarial", "convnet", turn, epochs=1, warmup=0, attack_steps=7)[1]
        model = build("convnet", {"width": 128}, train.shape, 10, *channel_statistics(train), seed=turn)
        model.body = torch.nn.Sequential(*model.body.children())  # PyTorch's own layers, one after the other
        optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
        attack = torchattacks.PGD(model, eps=0.3, alpha=2.5 * 0.3 / 7, steps=7)
        began = time.process_time()
        for rows in torch.arange(128).split(64):
            model.train()
            attacked = attack(x[rows], y[rows])
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(attacked), y[rows]).backward()
            optimizer.step()
        plain = time.process_time() - began
        print(f"  {ours:.2f} / {plain:.2f} = {plain / ours:.2f}×", flush=True)


def warm(train: TrainSplit, judge: Judge) -> None:
    print("500 images, small-cnn, Linf 0.3: CPU s, clean, worst at 0.3")
    common = {"epochs": 100, "eps": 0.3}
    for trainer, extra in (
        ("adversarial", {"attack_steps": 7}),
        ("warm-start", {"attack_steps": 1}),
        ("warm-start", {"attack_steps": 2}),
        ("fgsm-rs", {}),
    ):
        rows = []
        for seed in range(3):
            condensed, rest = random_set(train, 50, seed)
            model, seconds = fit(condensed, train, trainer, "small-cnn", seed, **common, **extra)
            rows.append([seconds, *accuracies(model, judge(rest), (0.3,))])
        text = "  ".join("/".join(f"{v:.1f}" for v in column) for column in zip(*rows, strict=True))
        print(f"  {trainer:12} steps {extra.get('attack_steps', 1)}: {text}", flush=True)


def levels(train: TrainSplit, judge: Judge) -> None:
    print("random, small-cnn: clean, worst at 0.1, 0.2, 0.3 (two seeds), CPU s")
    for ipc in (10, 50):
        for trainer, extra in (("standard", {}), ("adversarial", {"eps": 0.3, "attack_steps": 7})):
            rows = []
            for seed in range(2):
                condensed, rest = random_set(train, ipc, seed)
                model, seconds = fit(condensed, train, trainer, "small-cnn", seed, **extra)
                rows.append([*accuracies(model, judge(rest), (0.1, 0.2, 0.3)), seconds])
            text = "  ".join("/".join(f"{v:.0f}" for v in column) for column in zip(*rows, strict=True))
            print(f"  {ipc:3} {trainer:12} {text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("epoch", "loop", "warm", "levels"))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "mnist.npz")
    parser.add_argument("--held-out", action="store_true", help="judge on train images outside the condensed set")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    train, test = mnist(arguments.data)

    def judge(rest: np.ndarray) -> Split:
        """The images judged: held-out train images, or the first test images."""
        return train.take(rest[:JUDGED]) if arguments.held_out else test.take(np.arange(JUDGED))

    {"epoch": epoch, "loop": loop, "warm": warm, "levels": levels}[arguments.part](train, judge)


if __name__ == "__main__":
    main()
