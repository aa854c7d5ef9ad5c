"""What a warm worker loads before its first run. To import at a chosen moment is the work of these functions."""

from importlib import import_module


def load_libraries() -> None:
    """Import what every run needs; torch takes the longest."""
    import torch

    for module in ("core.attacks", "core.training.loop"):
        import_module(module)
    torch.zeros(1)


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


def compile_convnet() -> None:
    """Compile the one operation of a ConvNet's norm, ReLU and pooling, forward and back."""
    import torch

    from core.networks.model import build

    network = build("convnet", {"width": 2, "depth": 1}, (1, 4, 4), 2, (0.5,), (0.5,), seed=0)
    network(torch.zeros(1, 1, 4, 4)).sum().backward()


def compile_nearest() -> None:
    """Compile the proof and the attack of the nearest-neighbour classifier on a few points."""
    import numpy as np

    from core.certificates.line import towards_each
    from core.certificates.nearest import Centres, prove
    from core.events import finish

    x, y = np.random.default_rng(0).random((8, 4)), np.arange(8) % 2
    centres = Centres.of(x[:4], y[:4])
    finish(prove(x, y, centres, "Linf"))
    finish(towards_each(x, y, centres, "Linf", 0.1))
