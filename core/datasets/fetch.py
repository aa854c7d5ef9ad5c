"""Download a data set through torchvision and keep it as <root>/<name>.npz.

python -m core.datasets.fetch NAME WORK TARGET

Runs as a process of its own: torchvision's download blocks, and a process can be ended at any moment. It works in the
folder WORK, which its parent watches and removes, and moves the finished file to TARGET in one step. The last line of
its error output says what went wrong.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torchvision import datasets

from core.datasets.remotes import REMOTES


def fetch(family: Callable, splits: Mapping[str, Mapping[str, object]], work: Path, target: Path) -> None:
    """Download with a class of torchvision.datasets and store x_train, y_train, x_test, y_test and class names.

    family   called as family(root, download=True, **splits[part]); has data and targets or labels
    work     folder for the files as they come
    target   .npz to write; images (n, h, w) or (n, h, w, c) uint8
    """
    arrays: dict[str, np.ndarray] = {}
    for part, choice in splits.items():
        found = family(work, download=True, **choice)
        x = np.asarray(found.data)
        if x.ndim == 4 and x.shape[1] == 3:
            x = x.transpose(0, 2, 3, 1)  # SVHN comes channel first
        arrays[f"x_{part}"] = x
        arrays[f"y_{part}"] = np.asarray(getattr(found, "targets", getattr(found, "labels", None)), dtype=np.int64)
        arrays["classes"] = np.array([str(name) for name in getattr(found, "classes", ())])
    finished = work / "finished.npz"
    np.savez(finished, **dict[str, Any](arrays))
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(finished, target)


def main(name: str, work: str, target: str) -> int:
    remote = REMOTES[name]
    try:
        fetch(getattr(datasets, remote.family), remote.splits, Path(work), Path(target))
    except (OSError, RuntimeError, ValueError) as error:
        sys.stderr.write(f"\n{type(error).__name__}: {' '.join(str(error).split())}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
