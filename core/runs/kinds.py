"""The kinds of runs there are, and what a warm worker loads before the first of them."""

from collections.abc import Callable, Mapping

from core.runs import bound_jobs, covering_jobs, describe, frontier_jobs, judging_jobs, kernel_jobs, pipeline
from core.runs.job import Kind

KINDS: Mapping[str, Kind] = {
    "run": Kind(lane="work", perform=pipeline.run),
    "condense": Kind(lane="work", perform=pipeline.condense),
    "train": Kind(lane="work", perform=pipeline.train),
    "evaluate": Kind(lane="work", perform=pipeline.evaluate),
    "audit": Kind(lane="work", perform=judging_jobs.audit),
    "attack": Kind(lane="work", perform=judging_jobs.attack),
    "kernel": Kind(lane="work", perform=kernel_jobs.judge),
    "width": Kind(lane="work", perform=kernel_jobs.width),
    "covering": Kind(lane="work", perform=covering_jobs.cover, torch=False),
    "frontier": Kind(lane="work", perform=frontier_jobs.frontier, torch=False),
    "bound": Kind(lane="work", perform=bound_jobs.estimate),
    "certify": Kind(lane="work", perform=pipeline.certify),
    "data": Kind(lane="light", perform=describe.data, torch=False),
}


def load_libraries() -> None:
    """Import what every run needs; torch takes the longest."""
    import sklearn.datasets
    import torch

    import core.attacks
    import core.training.loop  # noqa: F401

    torch.zeros(1)
    sklearn.datasets.load_digits()


def compile_covering() -> None:
    """Compile the distances and the greedy cover on a handful of images."""
    import numpy as np

    from core.compressors import METHODS
    from core.events import drive
    from core.types import TrainSplit

    x = np.random.default_rng(0).integers(0, 256, (40, 1, 4, 4), np.uint8)
    train = TrainSplit(x=x, y=np.arange(40) % 2)
    for name in ("mfc", "k-center"):
        method = METHODS[name]
        drive(method.condense(train, method.Config(ipc=2), n_classes=2, seed=0, device="cpu"))


def compile_map() -> None:
    """Compile UMAP on 300 points."""
    import numpy as np

    from core.maps.umap import fit

    fit(np.random.default_rng(0).random((300, 8), np.float32), 0)


def compile_convnet() -> None:
    """Compile the one operation of a ConvNet's norm, ReLU and pooling, forward and back."""
    import torch

    from core.networks import build

    network = build("convnet", {"width": 2, "depth": 1}, (1, 4, 4), 2, (0.5,), (0.5,), seed=0)
    network(torch.zeros(1, 1, 4, 4)).sum().backward()


WARM: tuple[Callable[[], None], ...] = (load_libraries, compile_covering, compile_map, compile_convnet)
