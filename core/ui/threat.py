"""The threat model that is usual for a data set: what the form suggests before the reader chooses.

Sources: Madry et al. 2018, arXiv:1706.06083 (MNIST, CIFAR-10); RobustBench, arXiv:2010.09670 (CIFAR, L2); Tramèr &
Boneh 2019, arXiv:1904.13000 (MNIST, L1); Croce & Hein 2021, arXiv:2103.01208 (CIFAR, L1). Digits of 8×8 pixels start at
the smallest of the three Linf budgets usual for MNIST, with the others on the curve, because 0.3 leaves little to
see; their L2 and L1 budgets are scaled down by their smaller size, and the plane's are chosen here.
"""

from dataclasses import dataclass

from core import api
from core.types import Norm


@dataclass(frozen=True, kw_only=True)
class Threat:
    """A budget with the strength of the attacks that train and judge at it.

    eps        pixel units of [0, 1]
    top        right end of the slider, same units
    train_steps, eval_steps   PGD steps
    curve_end  largest eps of the curve, 0 for the evaluation's own choice
    rgb        whether eps is written n/255
    """

    norm: Norm
    eps: float
    top: float
    train_steps: int = 10
    eval_steps: int = 100
    curve_end: float = 0.0
    rgb: bool = False

    @property
    def unit(self) -> int:
        """Slider steps per 1.0 of eps where eps is written n/255, else 1."""
        return 255 if self.rgb else 1


GREY: dict[Norm, Threat] = {
    "Linf": Threat(norm="Linf", eps=0.3, top=0.5),
    "L2": Threat(norm="L2", eps=1.5, top=5.0),
    "L1": Threat(norm="L1", eps=10.0, top=30.0),
}
DIGITS = GREY | {
    "Linf": Threat(norm="Linf", eps=0.1, top=0.5, curve_end=0.35),
    "L2": Threat(norm="L2", eps=0.5, top=2.0),
    "L1": Threat(norm="L1", eps=1.5, top=5.0),
}
FASHION = GREY | {"Linf": Threat(norm="Linf", eps=0.1, top=0.5, eval_steps=40)}
COLOUR: dict[Norm, Threat] = {
    "Linf": Threat(norm="Linf", eps=8 / 255, top=32 / 255, eval_steps=20, rgb=True),
    "L2": Threat(norm="L2", eps=0.5, top=3.0, eval_steps=20),
    "L1": Threat(norm="L1", eps=12.0, top=30.0, eval_steps=20),
}
PLANE: dict[Norm, Threat] = {n: Threat(norm=n, eps=0.05, top=0.3, eval_steps=40) for n in ("Linf", "L2", "L1")}
USUAL = {
    "digits": DIGITS,
    "fashion-mnist": FASHION,
    **dict.fromkeys(("svhn", "cifar10", "cifar100"), COLOUR),
}


def usual(data: str, norm: Norm, channels: int = 1) -> Threat:
    """The suggestion for a data set by its name in the table, or by its colour channels for a file."""
    of_images = USUAL.get(data, COLOUR if channels == 3 else GREY)
    return (PLANE if api.plane.is_plane(data) else of_images)[norm]
