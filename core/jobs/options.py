"""Settings of the jobs on finished runs and covers. Light: read by pages."""

from collections.abc import Sequence
from typing import Literal

from pydantic import field_validator

from core.errors import ConfigError
from core.networks import NETWORKS
from core.types import Norm, Options, option

WIDEST = 8192
Loss = Literal["mse", "ce"]
LAZY = "ntk-mlp"  # the network whose limit the kernel is


class BoundConfig(Options):
    """How the two sides are estimated."""

    eps: float = option(0.1, "attack budget, in the norm of the balls", unit="pixels in [0, 1]", ge=0)
    images: int = option(500, "train images of the left side, the same share of each class", unit="images", ge=1)
    steps: int = option(40, "gradient steps of PGD on either side", unit="steps", ge=1, le=1000)


class KernelConfig(Options):
    """The kernel of a judgement; what is left out comes from the condensed set, else from KIP's defaults."""

    kernel: Literal["fc", "conv"] | None = option(None, "family of the kernel")
    depth: int | None = option(None, "hidden layers of the kernel", ge=1, le=12)
    bias_std: float | None = option(None, "standard deviation of the kernel's biases", ge=0, le=10)
    readout: Literal["flat", "gap"] | None = option(None, "of conv: flat or gap")
    ridge: float | None = option(None, "regularisation, relative to the mean diagonal", ge=0, le=1e3)


class WidthConfig(Options):
    """Which networks are set beside the kernel, and how all are trained and judged."""

    what: Literal["width", "architectures"] = option("width", "NTK MLPs of growing width, or every network there is")
    widths: tuple[int, ...] = option((64, 256, 1024, 4096), "units per hidden layer, at most 8,192")
    networks: tuple[str, ...] = option((), "names of networks instead of every one that takes the images")
    seeds: int = option(1, "networks trained at each stop", ge=1, le=10)
    epochs: int = option(200, "passes over the condensed images", unit="epochs", ge=1, le=100_000)
    loss: Loss = option("mse", "squared error to the labels as the kernel has it, or cross-entropy")
    lazy: bool = option(True, "train NTK networks on all images at once, at the largest stable constant rate")
    centred: bool = option(True, "let NTK networks start from the zero function and see images as the kernel does")
    norm: Norm = option("Linf", "norm of the attacks")
    eps: float = option(0.1, "largest perturbation", unit="pixels in [0, 1]", gt=0)
    images: int = option(200, "test images judged", unit="images", ge=1)

    @field_validator("widths")
    @classmethod
    def _possible(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if not widths or min(widths) < 1 or max(widths) > WIDEST:
            raise ConfigError(f"widths must lie between 1 and {WIDEST}, got {widths}")
        return tuple(sorted(set(widths)))

    @field_validator("networks")
    @classmethod
    def _known(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [name for name in networks if name not in NETWORKS]:
            raise ConfigError(f"there is no network called {unknown[0]!r}; there are: {', '.join(NETWORKS)}")
        return networks

    def sentence(self) -> str:
        """How NTK networks are trained, as it stands beside a number."""
        loss = {"mse": "squared error", "ce": "cross-entropy"}[self.loss]
        how = "lazy training" if self.lazy else "ordinary training"
        start = "from the zero function" if self.centred else "from random functions"
        return f"{how} {start}, {loss}, {self.epochs:,} epochs"

    def names(self, shape: Sequence[int]) -> list[str]:
        """Networks of the row, by their names in the table: the chosen ones that take images of (c, h, w)."""
        if self.what == "width":
            return [LAZY]
        channels, height, width = shape
        wanted = self.networks or tuple(NETWORKS)
        return [name for name in wanted if not NETWORKS[name].Config().refuse((channels, height, width))]
