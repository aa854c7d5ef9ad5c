"""LeNet-5 with ReLU and max pooling, sized by the image.

The second convolution is padded on small images, so that 8×8 digits keep a 2×2 map before the hidden layers.
Source: LeCun, Bottou, Bengio & Haffner 1998, doi:10.1109/5.726791.
"""

from collections.abc import Sequence

from torch import nn

from core.networks.classifier import Classifier, assemble
from core.networks.options import LeNet as Config


def build(
    config: Config,
    shape: tuple[int, int, int],
    n_classes: int,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    seed: int,
) -> Classifier:
    """(n, c, h, w) images in [0, 1] -> (n, C) logits."""
    channels, h, w = shape
    first = 0 if min(h, w) >= 32 else 2  # LeNet-5 took 32×32; 28×28 is padded to it
    halved = [(side + 2 * first - 4) // 2 for side in (h, w)]
    second = 0 if min(halved) >= 8 else 2
    flat = [(side + 2 * second - 4) // 2 for side in halved]
    wide = config.width * 8 // 3  # 6 -> 16, as in LeNet-5

    def make() -> tuple[nn.Module, nn.Module]:
        body = nn.Sequential(
            nn.Conv2d(channels, config.width, 5, padding=first),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(config.width, wide, 5, padding=second),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(wide * flat[0] * flat[1], 20 * config.width),
            nn.ReLU(),
            nn.Linear(20 * config.width, 14 * config.width),
            nn.ReLU(),
        )
        return body, nn.Linear(14 * config.width, n_classes)

    return assemble(make, mean, std, seed=seed)
