"""Neural tangent kernels (NTK) and random-network covariance kernels (NNGP) of ReLU networks, in closed form.

NTK parametrisation with weight variance 2 and bias variance bias_std^2; depth counts hidden ReLU layers.
Source: Jacot et al. 2018, arXiv:1806.07572; Lee et al. 2018, arXiv:1711.00165 (NNGP); Arora et al. 2019,
arXiv:1904.11955 (convolution). Each function is differentiable once in both arguments.
Cost: n m pairs; convolution multiplies by the positions (flat) or their square (gap).
"""

from typing import Literal

from torch import Tensor

from core.errors import ConfigError
from core.kernels.engine import Architecture, kernel_matrix
from core.kernels.layout import FLAT, FULL, GAP

Readout = Literal["flat", "gap"]


def fc_ntk(x: Tensor, z: Tensor | None = None, depth: int = 3, bias_std: float = 0.0) -> Tensor:
    """Tangent kernel of a fully connected network.

    x, z     (n, d), (m, d) float32 or float64; z None means x, with the exact diagonal
    returns  (n, m)
    """
    return _fc(x, z, depth, bias_std, tangent=True)


def fc_nngp(x: Tensor, z: Tensor | None = None, depth: int = 3, bias_std: float = 0.0) -> Tensor:
    """Covariance of the outputs of a random fully connected network; arguments as for `fc_ntk`."""
    return _fc(x, z, depth, bias_std, tangent=False)


def conv_ntk(
    x: Tensor, z: Tensor | None = None, depth: int = 3, bias_std: float = 0.0, readout: Readout = "flat"
) -> Tensor:
    """Tangent kernel of a network of 3x3 zero-padded convolutions.

    x, z     (n, c, h, w), (m, c, h, w) float32 or float64; z None means x, with the exact diagonal
    readout  "flat": a linear layer over all positions; "gap": global average pooling before it
    returns  (n, m)
    """
    return _conv(x, z, depth, bias_std, readout, tangent=True)


def conv_nngp(
    x: Tensor, z: Tensor | None = None, depth: int = 3, bias_std: float = 0.0, readout: Readout = "flat"
) -> Tensor:
    """Covariance of the outputs of a random convolutional network; arguments as for `conv_ntk`."""
    return _conv(x, z, depth, bias_std, readout, tangent=False)


def _fc(x: Tensor, z: Tensor | None, depth: int, bias_std: float, *, tangent: bool) -> Tensor:
    _check(x, z, 2, depth, bias_std)
    return kernel_matrix(x, z, Architecture(FULL, depth, bias_std**2, tangent))


def _conv(x: Tensor, z: Tensor | None, depth: int, bias_std: float, readout: Readout, *, tangent: bool) -> Tensor:
    if readout not in ("flat", "gap"):
        raise ConfigError(f"readout must be flat or gap, got {readout!r}")
    _check(x, z, 4, depth, bias_std)
    architecture = Architecture(GAP if readout == "gap" else FLAT, depth, bias_std**2, tangent)
    return kernel_matrix(_positions_first(x), None if z is None else _positions_first(z), architecture)


def _positions_first(x: Tensor) -> Tensor:
    """(n, c, h, w) -> (h, w, n, c): the means between layers then move whole contiguous slices."""
    return x.permute(2, 3, 0, 1).contiguous()


def _check(x: Tensor, z: Tensor | None, ndim: int, depth: int, bias_std: float) -> None:
    shape = "(n, d)" if ndim == 2 else "(n, c, h, w)"
    if x.ndim != ndim or not x.is_floating_point():
        raise ConfigError(f"the kernel takes {shape} float32 or float64, got {tuple(x.shape)} {x.dtype}")
    if z is not None and (z.shape[1:] != x.shape[1:] or z.dtype != x.dtype):
        raise ConfigError(
            f"both sides of a kernel must agree in all but the number, got {tuple(x.shape)} {x.dtype} and "
            f"{tuple(z.shape)} {z.dtype}"
        )
    if depth < 1 or bias_std < 0:
        raise ConfigError(f"depth must be at least 1 and bias_std at least 0, got {depth} and {bias_std}")
