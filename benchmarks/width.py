"""Networks beside the kernel on one condensed set of MNIST: of growing width, or of every architecture.

    python -m core condense --data ../shared/data/mnist.npz --method adv-kip --kernel fc --depth 1 --ipc 10 \\
        --norm Linf --eps 0.1 --steps 1500 --seed 0 --out SET
    python benchmarks/width.py SET/condensed.npz width --widths 64 256 1024 --seeds 2
    python benchmarks/width.py SET/condensed.npz architectures --networks mlp lenet --seeds 3

The job of the Kernel page in a home of its own, on 200 test images at Linf 0.1; nothing is chosen by them. Prints a row
for each network: accuracies without attack, under FGSM, PGD-20, PGD-20 with margin-PGD 50 x 3, and the loss on the set.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core import api

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist.npz"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("support", type=Path)
    parser.add_argument("what", choices=("width", "architectures"))
    parser.add_argument("--widths", type=int, nargs="+", default=(64, 256, 1024, 2048, 4096, 8192))
    parser.add_argument("--networks", nargs="+", default=())
    parser.add_argument("--loss", choices=("mse", "ce"), default="mse")
    parser.add_argument("--seeds", type=int, default=2)
    asked = vars(parser.parse_args())
    support = asked.pop("support").resolve()
    settings = api.parse({"data": str(DATA)}).to_json()
    with tempfile.TemporaryDirectory() as home:
        os.environ["BALLAST_HOME"] = home
        record = api.here("width", {"settings": settings, "condensed": str(support), "width": asked})
    if record.status != "done":
        sys.exit(record.error)
    print("| network | seed | clean | FGSM | PGD-20 | strong | loss on the set |\n|---|---|---|---|---|---|---|")
    for row in record.result["rows"]:
        shares = " | ".join(f"{100 * row[f'{name}_acc']:.1f}" for name in ("clean", "fgsm", "pgd", "strong"))
        loss = "–" if row["train_loss"] is None else f"{row['train_loss']:.1e}"
        print(f"| {row['title']} | {row['seed']} | {shares} | {loss} |")
    found = record.result
    print(f"{found['training']}; wall s {record.seconds}, announced: {found['price_s']:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
