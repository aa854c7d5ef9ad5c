"""Search for adversarial images in bfloat16 where a device computes it faster; judge them in float32.

An attack needs a direction, and eight bits give one; a robust accuracy needs a verdict, and only float32 gives that.
So an attack takes its gradients of `searching(model, device, precision)` and hands what it finds to the model itself.
Cost: half the memory traffic of float32, and the matrix units of devices that have them for bfloat16.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Precision = Literal["auto", "float32", "bfloat16"]
Logits = Callable[[Tensor], Tensor]
AMPERE = (8, 0)  # the first CUDA capability with bfloat16 matrix units


def gains(device: str) -> bool:
    """Whether bfloat16 is faster than float32 on a device as a rule: CUDA of capability 8.0 and above.

    On CPUs it depends on the network, and the reader may ask for it: with AVX-512 BF16 a ResNet-18 or an MLP gained
    1.8 to 2 times, a ConvNet nothing.
    """
    return device.startswith("cuda") and torch.cuda.get_device_capability(device) >= AMPERE


def searching(model: Logits, device: str, precision: Precision) -> Logits | None:
    """What an attack should differentiate in place of a model: it under bfloat16 autocast with float32 logits, or None
    for the model itself.

    precision  "auto" decides by the device. Only networks are searched so, and none that sets `full_precision`, as
               those do whose answers are small differences of large numbers
    """
    wanted = precision == "bfloat16" or (precision == "auto" and gains(device))
    if not wanted or not isinstance(model, nn.Module) or getattr(model, "full_precision", False):
        return None
    kind = torch.device(device).type

    def logits(x: Tensor) -> Tensor:
        with torch.autocast(kind, torch.bfloat16):
            out: Tensor = model(x)
            return out.float()

    return logits
