"""What a GPU must get right, and how fast it is: one JSON value on standard output, within some minutes.

    python benchmarks/gpu.py [--data mnist.npz]     # on the GPU that is there
    python benchmarks/gpu.py --device cpu --toy     # the same code on a CPU in a minute

Checks compare the device with the CPU in float32 and float64: attacks, kernels, training; the same seed twice; verdicts
when attacks search in bfloat16, or when products round to TF32; memory against the estimate made before the work. Rates
are of whole steps, with the share that their products have of the fastest large product of the same kind. Needs torch,
numpy, numba, pydantic, psutil and, for AutoAttack alone, torchattacks; without --data the images are drawn from a seed.
Exit code 1 when a check does not hold. The clock is looked at between parts: what no longer fits is named as left out.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import gpu_checks, gpu_rates
from benchmarks.gpu_pieces import FULL, TOY, Sizes, images
from core.engine import device as machine
from core.types import TrainSplit

CHECKS = (
    gpu_checks.attacks_agree, gpu_checks.kernels_agree, gpu_checks.training_agrees, gpu_checks.seeds_repeat,
    gpu_checks.searches_agree, gpu_checks.memory_is_kept,
)  # fmt: skip
RATES = (
    gpu_rates.training_speed, gpu_rates.kernel_speed, gpu_rates.kip_speed, gpu_rates.dm_speed,
    gpu_rates.autoattack_speed,
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="", help="cuda, mps or cpu; the best one that is there by default")
    parser.add_argument("--data", type=Path, help="an npz with x_train and y_train, such as MNIST's")
    parser.add_argument("--toy", action="store_true", help="small sizes, for a CPU")
    parser.add_argument("--minutes", type=float, default=8.0, help="no part begins after these")
    asked = parser.parse_args()
    device, sizes = asked.device or machine.choose(), TOY if asked.toy else FULL
    result = measured(device, sizes, images(asked.data), time.monotonic() + 60 * asked.minutes)
    print(json.dumps(result, indent=1))
    return 0 if all(check["holds"] for check in result["checks"]) else 1


def measured(device: str, sizes: Sizes, train: TrainSplit, until: float) -> dict[str, Any]:
    """Everything as JSON; parts that would begin after `until` on the monotonic clock are named in `left_out`."""
    checks: list[dict[str, object]] = []
    rates: list[dict[str, object]] = []
    left_out: list[str] = []
    for part in CHECKS:
        if time.monotonic() > until:
            left_out.append(part.__name__)
            continue
        checks += [{**asdict(check), "holds": check.holds} for check in part(device, sizes, train)]
    for speed in RATES:
        if time.monotonic() > until:
            left_out.append(speed.__name__)
            continue
        rates += [asdict(rate) for rate in speed(device, sizes, train)]
    if not find_spec("torchattacks"):
        left_out.append("AutoAttack: torchattacks is not installed")
    return {
        "device": machine.describe(device), "versions": machine.versions(), "sizes": asdict(sizes), "checks": checks,
        "rates": rates, "left_out": left_out,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
