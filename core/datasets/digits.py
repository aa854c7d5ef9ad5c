"""Digits: 1,797 handwritten digits of 8×8 pixels and 17 grey levels, embedded in scikit-learn.

The pixels keep their integers 0..16, so distances stay exact; `levels` is 16. scikit-learn has no test split, so a
fixed stratified fifth is set apart. Source: Alpaydin & Kaynak 1998, UCI Machine Learning Repository.
The table is read from scikit-learn's folder, because importing scikit-learn takes seconds; a test holds them equal.
"""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from core.datasets.split import stratified
from core.events import Progress, Work
from core.types import DataConfig, Dataset, TestSplit, TrainSplit

TEST_SHARE = 0.2


def load(config: DataConfig, *, root: Path) -> Work[Dataset]:
    """1,438 train and 359 test images, (1, 8, 8) uint8 in 0..16; the same whatever the settings."""
    yield Progress(stage="load", unit="images", note="reading the digits")
    spec = find_spec("sklearn")
    assert spec is not None and spec.origin is not None, "scikit-learn is one of the requirements"
    folder = Path(spec.origin).parent
    with gzip.open(folder / "datasets" / "data" / "digits.csv.gz", "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",")
    x, y = table[:, :-1].reshape(-1, 1, 8, 8).astype(np.uint8), table[:, -1].astype(np.int64)
    train, test = stratified(y, TEST_SHARE, seed=0)
    return Dataset(
        name="digits",
        train=TrainSplit(x=x[train], y=y[train], levels=16),
        test=TestSplit(x=x[test], y=y[test], levels=16),
        classes=tuple("0123456789"),
        notes=(f"digits has no test split: a fixed stratified fifth, {len(test)} images, is set apart",),
        source="scikit-learn",
    )
