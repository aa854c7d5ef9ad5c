"""Look for false proofs: bounds and covers of small clustered classes against all subsets of their images.

    python benchmarks/proofs.py --instances 3000     about 20 CPU seconds
    python benchmarks/proofs.py --begin 100000       instances of other seeds

Every instance is solved four ways: frontier, fixed budget, fixed radius, and fixed radius in shards, with efforts from
hardly any to enough. Whatever is handed out on the way counts as a claim: its bound may not pass the truth, its cover
must reach what it says, and what is called proven must be best. Ends with 1 when a claim is false. The tests do the
same for a few hundred instances.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.covering.compose import cover_in_shards
from core.covering.distances import Metric, keys_between
from core.covering.fixed_budget import cover_budget
from core.covering.fixed_radius import cover_radius
from core.covering.frontier import frontier
from core.covering.solve import Effort
from tests.covering.clusters import fewest, problem, smallest_keys

EFFORTS = (Effort(steps=20, rounds=1, nodes=0), Effort(steps=300), Effort(steps=300, nodes=0))
WAYS = ("frontier", "budget", "radius", "shards")


def claims(seed: int, most: int) -> Iterator[tuple[str, bool]]:
    """What is claimed of the instance of a seed: which way was solved, and whether the claim is true."""
    rows, metric, rng = problem(seed, most)
    keys, effort = keys_between(rows, rows, metric), EFFORTS[seed // 15 % 3]
    best = smallest_keys(keys)
    yield from _frontier(rows, metric, keys, best, effort, seed)
    k = int(rng.integers(1, len(rows) + 1))
    for step in cover_budget(rows, metric, k, effort, seed):
        reached = keys[step.centres].min(0).max().item()
        bounded = step.lower_key <= best[k] <= step.key == reached and len(step.centres) <= k
        yield "budget", bounded and (not step.proven or step.key == best[k])
    threshold = rng.choice(np.unique(keys)).item() * float(rng.choice([1, 1, 1.01]))
    few, shards = fewest(best, threshold), int(rng.integers(1, 5))
    for way, work in (
        ("radius", cover_radius(rows, metric, threshold, effort, seed)),
        ("shards", cover_in_shards(rows, metric, threshold, effort, seed, shards)),
    ):
        for step in work:
            covered = keys[step.centres].min(0).max() <= threshold
            bounded = step.lower_k <= few <= len(step.centres)
            yield way, bool(covered) and bounded and (not step.proven or len(step.centres) == few)


def _frontier(
    rows: np.ndarray, metric: Metric, keys: np.ndarray, best: list[float], effort: Effort, seed: int
) -> Iterator[tuple[str, bool]]:
    for found in frontier(rows, metric, len(rows), effort, seed):
        for k, centres in enumerate(found.centres, start=1):
            true, radius, lower = metric.radius(best[k]), found.radius[k - 1], found.lower[k - 1]
            reached = metric.radius(keys[centres].min(0).max().item())
            yield "frontier", lower <= true <= radius == reached and (not found.proven[k - 1] or radius == true)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=3000)
    parser.add_argument("--begin", type=int, default=0, help="seed of the first instance")
    parser.add_argument(
        "--images", type=int, default=12, help="images of an instance at most: all 2^n subsets are tried"
    )
    asked = parser.parse_args()
    began, made, false = time.process_time(), dict.fromkeys(WAYS, 0), list[tuple[str, int]]()
    for seed in range(asked.begin, asked.begin + asked.instances):
        for way, true in claims(seed, asked.images):
            made[way] += 1
            if not true and (way, seed) not in false:
                false.append((way, seed))
                print(f"FALSE: {way}, seed {seed}", flush=True)
    print("| solved by | claims | instances with a false one |\n|---|---:|---:|")
    for way in WAYS:
        print(f"| {way} | {made[way]:,} | {sum(which == way for which, _ in false)} |")
    print(f"\n{asked.instances:,} instances of 3 to {asked.images} images, {time.process_time() - began:.0f} CPU s")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
