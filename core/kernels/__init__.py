"""Kernels of infinitely wide networks, and regression with them.

| function | source | file |
|---|---|---|
| `fc_ntk`, `fc_nngp` | Jacot et al. 2018; Lee et al. 2018 | ntk.py |
| `conv_ntk`, `conv_nngp` | Arora et al. 2019 | ntk.py |
| `HomogeneousRegressor`, fast `fc_ntk` without bias | Arora et al. 2019, arXiv:1904.11955 | homogeneous.py |
| `KernelRegressor` | Nguyen et al. 2021 | regressor.py |
| `FromZero`, `sharpness`, `descend`: networks on their way to the limit | Lee et al. 2019, arXiv:1902.06720 | lazy.py |
| `measure`, `condensing`, `refuse` | cost before the work | cost.py |

One recursion (recursion.py) over pairs of positions (layout.py), in blocks with a closed-form reverse (engine.py).
"""

from core.kernels.cost import Cost, Pace, condensing, measure, refuse
from core.kernels.homogeneous import HomogeneousRegressor
from core.kernels.kernel import Family, Kernel
from core.kernels.lazy import FromZero, descend, sharpness
from core.kernels.ntk import Readout, conv_nngp, conv_ntk, fc_nngp, fc_ntk
from core.kernels.regressor import KernelRegressor, centred, fit_condensed, mean_image, precise
from core.kernels.solve import MAX_SUPPORTS, Solution, refuse_supports, solve

__all__ = [
    "MAX_SUPPORTS",
    "Cost",
    "Family",
    "FromZero",
    "HomogeneousRegressor",
    "Kernel",
    "KernelRegressor",
    "Pace",
    "Readout",
    "Solution",
    "centred",
    "condensing",
    "conv_nngp",
    "conv_ntk",
    "descend",
    "fc_nngp",
    "fc_ntk",
    "fit_condensed",
    "mean_image",
    "measure",
    "precise",
    "refuse",
    "refuse_supports",
    "sharpness",
    "solve",
]  # fmt: skip
