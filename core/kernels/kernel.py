"""A kernel as a value: which family, how deep, which readout; callable on images."""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from core.errors import ConfigError
from core.kernels.ntk import Readout, conv_nngp, conv_ntk, fc_nngp, fc_ntk

Family = Literal["fc", "conv"]


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A kernel between images (n, c, h, w).

    family   "fc" sees pixels without places, "conv" through 3x3 neighbourhoods
    depth    hidden ReLU layers
    readout  of "conv" only: "flat" or "gap"
    tangent  neural tangent kernel, or else NNGP
    """

    family: Family = "fc"
    depth: int = 3
    bias_std: float = 0.0
    readout: Readout = "flat"
    tangent: bool = True

    def __post_init__(self) -> None:
        if self.family not in ("fc", "conv"):
            raise ConfigError(f"the kernel family must be fc or conv, got {self.family!r}")

    def __call__(self, x: Tensor, z: Tensor | None = None) -> Tensor:
        """(n, c, h, w), (m, c, h, w) -> (n, m); z None means x, with the exact diagonal."""
        if self.family == "fc":
            function = fc_ntk if self.tangent else fc_nngp
            return function(x.flatten(1), None if z is None else z.flatten(1), self.depth, self.bias_std)
        function = conv_ntk if self.tangent else conv_nngp
        return function(x, z, self.depth, self.bias_std, self.readout)

    def pairs(self, shape: tuple[int, int, int]) -> int:
        """Pairs of positions that two images of (c, h, w) are compared at."""
        if self.family == "fc":
            return 1
        positions = shape[1] * shape[2]
        return positions**2 if self.readout == "gap" else positions

    def sentence(self) -> str:
        """As it stands beside a number: `FC-3 NTK`, `conv-2 gap NTK, bias 0.1`."""
        name = f"FC-{self.depth}" if self.family == "fc" else f"conv-{self.depth} {self.readout}"
        return f"{name} {'NTK' if self.tangent else 'NNGP'}" + (f", bias {self.bias_std:g}" if self.bias_std else "")
