"""Our work beside a peer's, in one run: work, peer, peer's CPU seconds, ours, ratio, and whether the answers agree.

    python benchmarks/peers.py [--only PATTERN] [--quick] [--environments DIR]

Peers are installed into environments of their own below DIR, by pip, at the versions below; a row whose peer cannot be
had says why. Peers on PyTorch stand on the torch of this environment, so that both sides compute with the same one.
Everything has one thread, CPU time is counted, what is compiled is compiled before. `--quick` takes toy sizes.
"""

import argparse
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np
import torch
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.peers_there import network, timed
from core.attacks import autoattack, pgd
from core.compressors import METHODS
from core.covering.cover import farthest_points
from core.covering.distances import Metric, flat
from core.covering.fixed_radius import cover_radius
from core.covering.graph import all_keys
from core.covering.solve import Effort
from core.covering.warm import warm
from core.events import drive, finish
from core.kernels import fc_ntk
from core.types import TrainSplit

THERE = Path(__file__).with_name("peers_there.py")
EPS, STEPS, LIMIT_S = 0.1, 50, 60
# environment → what pip installs, in this order; "lent" stands on this environment's packages
ENVIRONMENTS = {
    "here": (),
    "lent": (["foolbox==3.3.4", "ortools==9.15.6755", "setuptools", "wheel"],
             ["--no-build-isolation", "adv-lib==0.2.8"]),
    "jax": (["jax==0.4.30", "jaxlib==0.4.30", "frozendict", "typing_extensions", "absl-py"],
            ["--no-deps", "neural-tangents==0.6.5"]),
    "autoattack": (["autoattack"],),
}  # fmt: skip
PGDS = (
    ("torchattacks 3.3.0", "torchattacks_pgd", "here"), ("foolbox 3.3.4", "foolbox_pgd", "lent"),
    ("adv-lib 0.2.8", "adv_lib_pgd", "lent"),
)  # fmt: skip
AUTOS = ("torchattacks 3.3.0", "torchattacks_auto", "here"), ("autoattack", "autoattack", "autoattack")
SOLVERS = ("OR-tools CP-SAT 9.15", "cp_sat", "lent"), ("HiGHS of scipy", "highs", "here")
NAMES, TANGENTS = ("k", "gradient"), "neural-tangents 0.6.5, jax 0.4.30"
Arrays = dict[str, Any]


@dataclass(frozen=True)
class Duel:
    """One row: `ours` returns CPU seconds and an answer, `agree` tells from both answers whether they are the same."""

    work: str
    peer: str
    task: str
    environment: str
    arrays: Arrays
    ours: Callable[[], tuple[float, Any]]
    agree: Callable[[Arrays, Any], str]


class Unavailable(Exception):
    """A peer that cannot be had, and why."""


def python_of(name: str, folder: Path) -> Path:
    """The Python of an environment, made once.

    raises  Unavailable with pip's last words
    """
    if name == "here":
        return Path(sys.executable)
    place, stamp = folder / name, folder / name / "whole"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not stamp.exists():
        venv.create(place, with_pip=True, clear=True)
        if name == "lent":
            inside = place / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
            (inside / "lent.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
        for words in ENVIRONMENTS[name]:
            done = subprocess.run([python, "-m", "pip", "install", "-q", *words], capture_output=True, text=True)
            if done.returncode:
                said = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()[-1:]
                raise Unavailable(said[-1].removeprefix("ERROR: "))
        stamp.touch()
    return python


def theirs(duel: Duel, folder: Path) -> Arrays:
    """Answer and seconds of the peer."""
    python = python_of(duel.environment, folder)
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    with tempfile.TemporaryDirectory() as place:
        came, goes = Path(place, "in.npz"), Path(place, "out.npz")
        np.savez(came, **duel.arrays)
        command = [str(python), "-W", "ignore", str(THERE), duel.task, str(came), str(goes)]
        done = subprocess.run(command, env={**os.environ, "XLA_FLAGS": flags}, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(done.stderr.strip().splitlines()[-1])
        with np.load(goes) as file:
            return {name: file[name] for name in file.files}


def trained(robust: bool, epochs: int) -> nn.Sequential:
    """A small network trained here on digits, adversarially or not."""
    x, y = digits()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model: nn.Sequential = network()
    adam, source = torch.optim.Adam(model.parameters(), lr=2e-3), torch.Generator().manual_seed(0)
    for _ in range(epochs):
        for rows in torch.randperm(1200, generator=source).split(100):
            images = x[rows]
            if robust:
                images = pgd(model, images, y[rows], norm="Linf", eps=EPS, steps=7, generator=source, keep="last")
            adam.zero_grad()
            nn.functional.cross_entropy(model(images), y[rows]).backward()
            adam.step()
    return model.eval()


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    raw = load_digits()
    return torch.from_numpy(raw.images[:, None].astype(np.float32) / 16), torch.from_numpy(raw.target.astype(np.int64))


def attacks(quick: bool) -> Iterator[Duel]:
    x, y = (part[1200 : 1220 if quick else 1500] for part in digits())
    for name, eps in (("breakable", 0.3), ("robust", EPS)):
        model = trained(name == "robust", 2 if quick else 20)
        weights = {f"w.{key}": value.numpy() for key, value in model.state_dict().items()}
        arrays = {"x": x.numpy(), "y": y.numpy(), "eps": eps, "steps": STEPS, **weights}
        agree, kind = partial(both_standing, model, x, y, eps), f"on a {name} network, {len(x)} digits, Linf ε {eps}"
        for works, ours, peers in (("PGD-50", by_pgd, PGDS), ("AutoAttack", by_all, AUTOS)):
            for peer, task, place in peers:
                mine = partial(timed, partial(ours, model, x, y, eps))
                yield Duel(f"{works} {kind}", peer, task, place, arrays, mine, agree)


def by_pgd(model: nn.Module, x: torch.Tensor, y: torch.Tensor, eps: float) -> torch.Tensor:
    return pgd(model, x, y, norm="Linf", eps=eps, steps=STEPS, generator=torch.Generator().manual_seed(0))


def by_all(model: nn.Module, x: torch.Tensor, y: torch.Tensor, eps: float) -> torch.Tensor:
    return autoattack(model, x, y, norm="Linf", eps=eps, n_classes=10, seed=0).adversarial


def both_standing(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, eps: float, peer: Arrays, mine: torch.Tensor
) -> str:
    counts = []
    for found in (torch.from_numpy(peer["found"]), mine):
        assert (found - x).abs().max() <= eps + 1e-5 and found.min() >= 0 and found.max() <= 1
        counts.append(int((model(found).argmax(1) == y).sum()))
    return f"{counts[0]} images stand, after ours {counts[1]}"


def kernels(quick: bool) -> Iterator[Duel]:
    n, rng = 100 if quick else 2000, np.random.default_rng(0)
    x, z = (rng.random((n, 784), np.float32) for _ in range(2))
    weight = rng.standard_normal((n, n)).astype(np.float32)
    for depth in (3, 7):
        arrays, ours = {"x": x, "z": z, "weight": weight, "depth": depth}, partial(tangent, x, z, weight, depth)
        work = f"FC-{depth} tangent kernel and gradient, {n:,}²"
        yield Duel(work, TANGENTS, "neural_tangents", "jax", arrays, partial(timed, ours, 3), kernels_apart)


def tangent(x: np.ndarray, z: np.ndarray, weight: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
    """The kernel, and the gradient of its product with `weight` in x."""
    images = torch.from_numpy(x).requires_grad_()
    k = fc_ntk(images, torch.from_numpy(z), depth)
    (gradient,) = torch.autograd.grad((k * torch.from_numpy(weight)).sum(), images)
    return k.detach().numpy(), gradient.numpy()


def kernels_apart(peer: Arrays, mine: tuple[np.ndarray, np.ndarray]) -> str:
    """In shares of the largest value."""
    off = [np.abs(peer[name] - own).max() / np.abs(own).max() for name, own in zip(NAMES, mine, strict=True)]
    return f"apart by {off[0]:.0e}, gradient {off[1]:.0e}"


def covers(quick: bool) -> Iterator[Duel]:
    raw, metric = load_digits(), Metric("L2", 16)
    for n, share in ((150, 0.05),) if quick else ((600, 0.02), (600, 0.05), (1797, 0.02)):
        rows = flat(raw.images[:n].astype(np.uint8), metric)
        keys = all_keys(rows, metric)
        threshold = float(np.quantile(keys[keys > 0], share))
        arrays = {"near": keys <= threshold, "limit": LIMIT_S}
        for peer, task, place in SOLVERS:
            ours, work = partial(cover, rows, metric, threshold), f"smallest cover of {n} digits, balls of {share:.0%}"
            yield Duel(work, peer, task, place, arrays, partial(timed, ours), covers_agree)


def cover(rows: np.ndarray, metric: Metric, threshold: float) -> tuple[int, int]:
    step = finish(cover_radius(rows, metric, threshold, Effort(), 0))
    return len(step.centres), step.lower_k


def covers_agree(peer: Arrays, mine: tuple[int, int]) -> str:
    return f"k {peer['k']:.0f}, at least {peer['low']:.0f}; ours {mine[0]}, at least {mine[1]}"


def selections(quick: bool) -> Iterator[Duel]:
    raw, metric = load_digits(), Metric("L2", 16)
    n, k, part = (300, 5, 2) if quick else (1797, 10, 60)
    x, y, first = raw.data[:n].astype(np.float32) / 16, raw.target[:n].astype(np.int64), 0
    rows, method = flat(raw.images[:n].astype(np.uint8), metric), METHODS["k-means"]
    train = TrainSplit(x=raw.images[:n, None].astype(np.uint8), y=y, levels=16)
    first = farthest_points(rows, 1, metric)[0]

    def inertia() -> float:
        found = drive(method.condense(train, method.Config(ipc=k), n_classes=10, seed=0, device="cpu"))
        away = [cdist(x[y == c], found.x[found.y == c].reshape(-1, 64), "sqeuclidean").min(1).sum() for c in range(10)]
        return float(sum(away))

    def radius() -> float:
        return float(cdist(x, x[farthest_points(rows, 10 * k, metric)]).min(1).max())

    def apart(peer: Arrays, mine: np.ndarray) -> str:
        return f"apart by {np.abs(peer['distances'] - np.sqrt(mine[:part]) / 16).max():.0e}"

    yield Duel(f"k-means of {n} digits, {k} per class", "scikit-learn, 3 starts", "k_means", "here",
               {"x": x, "y": y, "k": k}, partial(timed, inertia),
               lambda peer, mine: f"inertia {peer['inertia']:.1f}, ours {mine:.1f}")  # fmt: skip
    yield Duel(f"{10 * k} farthest points of {n} digits", "loop on scikit-learn's distances", "k_center", "here",
               {"x": x, "k": 10 * k, "first": first}, partial(timed, radius, 3),
               lambda peer, mine: f"radius {peer['radius']:.4f}, ours {mine:.4f}")  # fmt: skip
    yield Duel(f"all distances of {n} digits", "double loop of torch.norm", "double_loop", "here",
               {"x": x, "part": part}, partial(timed, partial(all_keys, rows, metric), 3), apart)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="rows whose work or peer match this regular expression")
    parser.add_argument("--quick", action="store_true", help="toy sizes")
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache" / "ballast-peers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warm()
    print("| work | peer | peer, CPU s | ours | ratio | same answer? |\n|---|---|---|---|---|---|", flush=True)
    for family in (attacks, kernels, covers, selections):
        for duel in family(options.quick):
            if re.search(options.only, f"{duel.work} {duel.peer}"):
                print(row(duel, options.environments), flush=True)


def row(duel: Duel, folder: Path) -> str:
    """One line of the table; ours is run before the peer, once untimed."""
    try:
        peer = theirs(duel, folder)
    except Unavailable as why:
        return f"| {duel.work} | {duel.peer} | – | – | – | left out: {why} |"
    duel.ours()
    seconds, mine = duel.ours()
    ratio = float(peer["seconds"]) / seconds
    cells = (duel.work, duel.peer, f"{peer['seconds']:.2f}", f"{seconds:.2f}", f"{ratio:.2f}×", duel.agree(peer, mine))
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
