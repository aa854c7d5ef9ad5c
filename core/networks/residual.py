"""The basic residual block. Source: He et al. 2016, arXiv:1512.03385, figure 2 and section 3.3."""

from collections.abc import Callable

from torch import Tensor, nn


class Block(nn.Module):
    """Two 3×3 convolutions beside an identity, or a 1×1 convolution where the shape changes."""

    def __init__(self, fan_in: int, fan_out: int, stride: int, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(fan_in, fan_out, 3, stride=stride, padding=1, bias=False),
            norm(fan_out),
            nn.ReLU(),
            nn.Conv2d(fan_out, fan_out, 3, padding=1, bias=False),
            norm(fan_out),
        )
        self.side = nn.Sequential()
        if stride != 1 or fan_in != fan_out:
            self.side = nn.Sequential(nn.Conv2d(fan_in, fan_out, 1, stride=stride, bias=False), norm(fan_out))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.main(x) + self.side(x))
