"""What the work runs on: device, versions, memory. Written into every record, never assumed."""

import os
import platform
import threading
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Self

import psutil

from core.errors import ConfigError

DEVICES = ("cuda", "mps", "cpu")
LIBRARIES = ("torch", "torchvision", "torchattacks", "numpy", "scipy", "scikit-learn", "umap-learn", "faiss-cpu")
TINY = 256  # pixels: 16×16 grey, or 9×9 in colour
SAMPLE_S = 0.05  # seconds between two looks at the memory


def choose() -> str:
    """The device for numerical work: $BALLAST_DEVICE if set, else cuda, else mps, else cpu. Imports torch.

    raises  ConfigError when $BALLAST_DEVICE names a device that is unknown or not here
    """
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    wanted = os.environ.get("BALLAST_DEVICE", "").lower()
    if not wanted:
        return next(name for name in DEVICES if there[name])
    if not there.get(wanted):
        usable = ", ".join(name for name in DEVICES if there[name])
        raise ConfigError(f"BALLAST_DEVICE is {wanted!r}, this machine has: {usable}; set one of them or unset it")
    return wanted


def describe(device: str) -> str:
    """The device in words: `cuda (NVIDIA H200)`, `cpu (x86_64, 2 cores)`. Imports torch."""
    import torch

    if device == "cuda":
        return f"cuda ({torch.cuda.get_device_name()})"
    machine = platform.machine() or "unknown machine"
    if device == "mps":
        return f"mps ({machine})"
    cores = os.cpu_count() or 1
    return f"cpu ({machine}, {cores} core{'s' if cores != 1 else ''})"


def share_threads(pixels: int) -> None:
    """Compute with one thread on tiny images, else with as many as the environment allows. Imports torch.

    Handing a few microseconds of work to a second thread costs more than it saves: digits trained in half the time
    with one.

    pixels  of one image, all channels
    """
    import torch

    allowed = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    torch.set_num_threads(1 if pixels <= TINY else allowed)


def versions() -> dict[str, str]:
    """Python and the installed libraries that touch numbers, without importing them."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


class PeakMemory:
    """The largest resident memory of this process while the `with` block runs, sampled by a thread."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._peak = 0
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)

    @property
    def megabytes(self) -> float:
        """MB of 10^6 bytes, up to now."""
        self._look()
        return round(self._peak / 1e6, 1)

    def _look(self) -> None:
        with suppress(OSError, psutil.Error):  # no more descriptors, for example: the peak is that of the other looks
            self._peak = max(self._peak, self._process.memory_info().rss)

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_S):
            self._look()

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
