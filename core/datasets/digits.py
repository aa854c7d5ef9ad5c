"""Digits: 1,797 handwritten digits of 8×8 pixels and 17 grey levels, embedded in scikit-learn.

The pixels keep their integers 0..16, so distances stay exact; `levels` is 16. scikit-learn has no test split, so a
fixed stratified fifth is set apart. Source: Alpaydin & Kaynak 1998, UCI Machine Learning Repository.
"""

from pathlib import Path

import numpy as np

from core.datasets.split import stratified
from core.events import Progress, Work
from core.types import DataConfig, Dataset, TestSplit, TrainSplit

TEST_SHARE = 0.2


def load(config: DataConfig, *, root: Path) -> Work[Dataset]:
    """1,438 train and 359 test images, (1, 8, 8) uint8 in 0..16; the same whatever the settings."""
    from sklearn.datasets import load_digits

    yield Progress(stage="load", unit="images", note="reading the digits")
    x, y = load_digits(return_X_y=True)
    x, y = x.reshape(-1, 1, 8, 8).astype(np.uint8), y.astype(np.int64)
    train, test = stratified(y, TEST_SHARE, seed=0)
    return Dataset(
        name="digits",
        train=TrainSplit(x=x[train], y=y[train], levels=16),
        test=TestSplit(x=x[test], y=y[test], levels=16),
        classes=tuple("0123456789"),
        notes=(f"digits has no test split: a fixed stratified fifth, {len(test)} images, is set apart",),
        source="scikit-learn",
    )
