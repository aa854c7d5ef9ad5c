"""Read thousands of drawn and damaged data sets: every one is read right or refused in a sentence, never anything else.

python benchmarks/wild_data.py [NUMBER] [FIRST SEED]

Prints how many of each form were read and refused, the slowest, and the memory it took; exit code 1 with the seeds
of those that failed. About 60 a second on one core.
"""

import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.datasets.test_wild import tried
from tests.datasets.wild import FORMS, damaged, drawn, files_of


def main(number: int, first: int) -> int:
    """Damage one file of each of `number` sources and read it; 1 when one of them failed."""
    counts: Counter[tuple[str, str]] = Counter()
    failed, slowest = [], (0.0, 0)
    for seed in range(first, first + number):
        with tempfile.TemporaryDirectory() as folder:
            truth, rng = drawn(Path(folder) / "in", seed), np.random.default_rng(10**6 + seed)
            files = files_of(truth)
            file = files[rng.integers(len(files))]
            file.write_bytes(damaged(file.read_bytes(), rng))
            began = time.monotonic()
            try:
                outcome = "read" if tried(truth, bool(rng.integers(2))) == "read" else "refused"
            except Exception:
                traceback.print_exc()
                outcome = "failed"
                failed.append(seed)
            slowest = max(slowest, (time.monotonic() - began, seed))
            counts[truth.form, outcome] += 1
    for form in FORMS:
        name = {"zipped": "zip", "table": "csv"}.get(form.__name__, form.__name__)
        row = ", ".join(f"{counts[name, outcome]:5} {outcome}" for outcome in ("read", "refused", "failed"))
        print(f"{name:8} {row}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{number} sources, slowest {slowest[0]:.2f} s (seed {slowest[1]}), peak {peak:,.0f} MB, failed seeds: {failed}"
    )
    return int(bool(failed))


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(numbers + [2000, 0][len(numbers) :])))
