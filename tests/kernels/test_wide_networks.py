"""The empirical tangent kernel of a finite network converges to the closed form as the network grows wide."""

import numpy as np
import pytest
import torch
from torch import Tensor

from core.kernels import conv_ntk, fc_ntk


@pytest.mark.parametrize("network", ["fc", "flat", "gap"])
def test_empirical_tangent_kernel_of_a_wide_network_converges(network: str):
    """The error of J J' over random draws falls like 1 / sqrt(width): by a factor near 4 for 16 times the width."""
    x = torch.randn(4, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64).abs()
    if network == "fc":
        exact, widths = fc_ntk(x.flatten(1), None, 2, 0.1), (24, 384)
    else:
        exact, widths = conv_ntk(x, None, 2, 0.1, network), (16, 256)
    errors = [
        np.sqrt(np.mean([float((empirical(x, network, w, seed) - exact).norm()) ** 2 for seed in range(8)]))
        for w in widths
    ]
    assert errors[1] < 0.2 * float(exact.norm())
    assert 2.5 < errors[0] / errors[1] < 6.5


def empirical(x: Tensor, network: str, width: int, seed: int) -> Tensor:
    """J J' of a network of two hidden layers in NTK parametrisation with standard normal parameters."""
    source, inputs, kernel = torch.Generator().manual_seed(seed), (16 if network == "fc" else 1), network != "fc"
    sizes = [(width, inputs), (width, width), (1, width * (16 if network == "flat" else 1))]
    parameters = {}
    for layer, (out, fan) in enumerate(sizes):
        window = (3, 3) if kernel and layer < 2 else ()
        parameters[f"w{layer}"] = torch.randn(out, fan, *window, generator=source, dtype=x.dtype)
        parameters[f"b{layer}"] = torch.randn(out, generator=source, dtype=x.dtype)

    def forward(p: dict[str, Tensor], image: Tensor) -> Tensor:
        a = image[None] if kernel else image.flatten()[None]
        for layer in range(3):
            w, b = p[f"w{layer}"], 0.1 * p[f"b{layer}"]
            if layer == 2:
                a = a.mean((2, 3)) if network == "gap" else a.flatten(1)
            fan = w[0].numel()
            if kernel and layer < 2:
                a = torch.nn.functional.conv2d(a, w, padding=1) * (2 / fan) ** 0.5 + b[:, None, None]
            else:
                a = a @ w.T * (2 / fan) ** 0.5 + b
            a = a.relu() if layer < 2 else a
        return a[0, 0]

    rows = torch.func.vmap(torch.func.grad(forward), (None, 0))(parameters, x)
    flat = torch.cat([g.flatten(1) for g in rows.values()], 1)
    return flat @ flat.T
