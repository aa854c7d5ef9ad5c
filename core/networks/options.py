"""Settings of every network, and which images each refuses. Light: read by pages."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from core.types import NetworkOptions, option

Shapes = Sequence[tuple[int, ...]]
Candidates = Iterator[dict[str, Any]]


def _firsts(shapes: Shapes, axes: int) -> list[int]:
    """The different numbers of outputs of tensors with so many axes, in their order."""
    return list(dict.fromkeys(shape[0] for shape in shapes if len(shape) == axes))


def _perceptrons(shapes: Shapes) -> Candidates:
    """Width and depth of a chain of matrices whose inner ones are square."""
    matrices = [shape for shape in shapes if len(shape) == 2]
    for width in _firsts(shapes, 2) if max(map(len, shapes), default=0) == 2 else ():
        if matrices.count((width, width)) >= len(matrices) - 2:
            yield {"width": width, "depth": len(matrices) - 1}


def _at_least_4x4(network: str, shape: tuple[int, int, int]) -> str:
    _, h, w = shape
    return f"{network} needs images of at least 4×4 pixels, got {h}×{w}: choose mlp" if min(h, w) < 4 else ""


class MLP(NetworkOptions):
    """A multilayer perceptron."""

    width: int = option(512, "units per hidden layer", ge=1, le=16384)
    depth: int = option(3, "hidden layers", ge=1, le=12)

    @classmethod
    def of_weights(cls, shapes: Shapes) -> Candidates:
        yield from _perceptrons(shapes)


class ConvNet(NetworkOptions):
    """The ConvNet of the condensation literature."""

    width: int = option(32, "channels per layer; 128 is the field's reference", ge=1, le=1024)
    depth: int = option(3, "blocks of convolution, norm, ReLU and pooling", ge=1, le=5)

    def refuse(self, shape: tuple[int, int, int]) -> str:
        return _at_least_4x4("convnet", shape)

    @classmethod
    def of_weights(cls, shapes: Shapes) -> Candidates:
        depth = sum(len(shape) == 4 for shape in shapes)
        yield from ({"width": width, "depth": depth} for width in _firsts(shapes, 4))


class SmallCNN(NetworkOptions):
    """Two strided convolutions and one hidden layer."""

    width: int = option(16, "channels of the first convolution; the second has twice as many", ge=1, le=512)
    hidden: int = option(100, "units of the hidden layer", ge=1, le=4096)

    def refuse(self, shape: tuple[int, int, int]) -> str:
        return _at_least_4x4("small-cnn", shape)

    @classmethod
    def of_weights(cls, shapes: Shapes) -> Candidates:
        yield from ({"width": width, "hidden": hidden} for width in _firsts(shapes, 4) for hidden in _firsts(shapes, 2))


class LeNet(NetworkOptions):
    """LeNet-5."""

    width: int = option(6, "channels of the first convolution; 6 is LeNet-5", ge=1, le=256)

    def refuse(self, shape: tuple[int, int, int]) -> str:
        return _at_least_4x4("lenet", shape)

    @classmethod
    def of_weights(cls, shapes: Shapes) -> Candidates:
        yield from ({"width": width} for width in _firsts(shapes, 4))


class ResNet18(NetworkOptions):
    """ResNet-18 for small images."""

    width: int = option(64, "channels of the first stage; 64 is ResNet-18", ge=1, le=256)
    normalisation: Literal["group", "batch"] = option(
        "group", "normalisation of the feature maps: in groups of channels, or over the batch", formerly="norm"
    )

    def refuse(self, shape: tuple[int, int, int]) -> str:
        _, h, w = shape
        if min(h, w) < 8:
            return f"resnet18 needs images of at least 8×8 pixels, got {h}×{w}: choose mlp or convnet"
        if max(h, w) > 64:
            return f"resnet18 here is made for images of at most 64×64 pixels, got {h}×{w}: choose convnet"
        return ""

    @classmethod
    def of_weights(cls, shapes: Shapes) -> Candidates:
        counted = "batch" if () in shapes else "group"  # batch normalisation counts its batches
        yield from ({"width": width, "normalisation": counted} for width in _firsts(shapes, 4)[:1])


class NTKMLP(NetworkOptions):
    """An MLP in NTK parametrisation."""

    width: int = option(1024, "units per hidden layer", ge=1, le=65536)
    depth: int = option(1, "hidden layers, as in the kernel", ge=1, le=12)
    bias_std: float = option(0.0, "standard deviation of the biases; 0 has none", ge=0, le=10)

    @classmethod
    def of_weights(cls, shapes: Shapes) -> Candidates:
        if all(len(shape) == 2 for shape in shapes):  # how much biases weigh is not in the file
            yield from ({**found, "bias_std": 0.0} for found in _perceptrons(shapes))
