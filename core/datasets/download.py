"""Data sets by download: watch the process that fetches, report its bytes, end it on cancel, leave nothing half done.

Source: torchvision.datasets, which knows addresses and checksums. Once fetched, a data set is an .npz like any other.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.datasets.arrays import assemble
from core.datasets.readers import npz
from core.datasets.remotes import REMOTES
from core.errors import DataError
from core.events import Progress, Work
from core.types import DataConfig, Dataset

POLL_S = 0.2


def load(name: str, config: DataConfig, *, root: Path) -> Work[Dataset]:
    """Read <root>/<name>.npz, fetching it first when it is not there."""
    target = root / f"{name}.npz"
    if not target.exists():
        yield from fetched(name, target)
    found = yield from npz.read(target, config)
    named = replace(found, name=name, source=f"torchvision.datasets.{REMOTES[name].family}")
    _, dataset = yield from assemble(named, config)
    assert dataset is not None, f"the values of {name} are bytes"
    return dataset


def fetched(name: str, target: Path, command: Sequence[str] = (sys.executable, "-m", "core.datasets.fetch")) -> Work:
    """Fetch a data set to `target` in another process.

    yields   Progress in MB five times a second
    raises   DataError when it fails: no network, no space on disk, a wrong checksum
    """
    total = REMOTES[name].megabytes
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
    log = work / "errors.txt"
    try:
        with log.open("wb") as errors:
            child = subprocess.Popen(
                [*command, name, str(work), str(target)], cwd=Path(__file__).resolve().parents[2],
                stdout=subprocess.DEVNULL, stderr=errors, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            while child.poll() is None:
                done = min(_megabytes(work), total)
                yield Progress(stage="load", done=round(done), total=round(total), unit="MB", note=f"fetching {name}")
                time.sleep(POLL_S)
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
        if child.returncode or not target.exists():
            raise DataError(_reason(name, log.read_text(errors="replace"), child.returncode))
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _megabytes(folder: Path) -> float:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.suffix in ("", ".gz", ".mat", ".part") else 0
        except FileNotFoundError:
            continue  # it was moved or unpacked meanwhile
    return total / 1e6


def _reason(name: str, log: str, code: int) -> str:
    last = next((line for line in reversed(log.splitlines()) if line.strip()), f"the process ended with {code}")
    if "No space left" in last:
        return f"{name} could not be stored, the disk is full: free some space and try again"
    return f"{name} could not be fetched ({last[:300]}): check the network, or put {name}.npz into the folder data"


mnist, fashion_mnist, kmnist = (partial(load, name) for name in ("mnist", "fashion-mnist", "kmnist"))
svhn, cifar10, cifar100 = (partial(load, name) for name in ("svhn", "cifar10", "cifar100"))
