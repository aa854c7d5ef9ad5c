"""Certified and attacked accuracy of the nearest neighbour on ten images per class, by method; and the README's figure.

    python benchmarks/certified.py measure random herding ...   # adds rows to benchmarks/certified.json
    python benchmarks/certified.py figure                       # draws assets/certified.svg from the stored rows

MNIST, Linf 0.1, all 10,000 test images. Needs ../shared/data/mnist.npz to measure; the figure needs nothing.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
STORED, FIGURE = ROOT / "benchmarks" / "certified.json", ROOT / "assets" / "certified.svg"
MNIST = ROOT.parent / "shared" / "data" / "mnist.npz"
LEFT, WIDE, ROW = 150, 480, 44
GREEN, GREY, BLUE = "#009E73", "#8A8F98", "#1F86C4"


def measure(methods: list[str]) -> None:
    from core import api
    from core.evaluation.nearest import judge
    from core.evaluation.options import EvaluationConfig
    from core.events import drive

    data, rows = api.load_now(str(MNIST)), json.loads(STORED.read_text())
    config = EvaluationConfig(norm="Linf", eps=0.1, images=10_000, curve_points=0)
    for name in methods:
        found = drive(judge(api.condense_now(data, method=name, ipc=10, seed=1), data.test, config, seed=1))
        row = {"method": name, "clean": found.clean.value, "proven": found.certified.value, "left": found.robust.value}
        rows = [*(r for r in rows if r["method"] != name), row]
        STORED.write_text(json.dumps(rows, indent=1) + "\n")
        print(row, flush=True)


def figure(rows: list[dict[str, Any]]) -> str:
    """A bar from 0 to what is proven, its end at what attacks leave, and a mark at clean accuracy, for each method."""
    rows = sorted(rows, key=lambda row: -row["proven"])
    high = ROW * len(rows) + 74
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 60} {high}" font-family="sans-serif" '
        'font-size="13" role="img"><title>Proven and attacked accuracy of the nearest neighbour on ten images per '
        'class of MNIST, Linf 0.1</title><rect width="100%" height="100%" fill="white"/>'
    ]
    for share in range(0, 101, 20):
        x = LEFT + WIDE * share / 100
        parts.append(f'<path d="M{x} 8V{high - 66}" stroke="#ddd"/>'
                     f'<text x="{x}" y="{high - 48}" text-anchor="middle" fill="#444">{share} %</text>')  # fmt: skip
    for place, row in enumerate(rows):
        y, proven, left, clean = 14 + ROW * place, *(WIDE * row[key] for key in ("proven", "left", "clean"))
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 17}" text-anchor="end">{row["method"]}</text>'
            f'<rect x="{LEFT}" y="{y}" width="{proven:.1f}" height="24" fill="{GREEN}"/>'
            f'<rect x="{LEFT + proven:.1f}" y="{y}" width="{max(left - proven, 1):.1f}" height="24" fill="{GREY}"/>'
            f'<path d="M{LEFT + clean:.1f} {y - 3}v30" stroke="{BLUE}" stroke-width="3"/>'
            f'<text x="{LEFT + 6}" y="{y + 17}" fill="white">{100 * row["proven"]:.1f} to '
            f"{100 * row['left']:.1f}</text>"
        )
    told = "robust accuracy: green proven, to what attacks leave; blue mark clean · MNIST, Linf 0.1, 10,000 images"
    middle = LEFT + WIDE / 2 - 60
    parts.append(f'<text x="{middle}" y="{high - 18}" text-anchor="middle" fill="#444">{told}</text></svg>')
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2:])
    else:
        FIGURE.write_text(figure(json.loads(STORED.read_text())))
