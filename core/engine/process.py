"""Which process is meant: a pid with the moment of its birth, told so that no step of the clock changes it.

A pid is given again to later processes. On Linux the birth is counted in ticks since the machine started; psutil adds
the time of that start, which moves with the clock. Elsewhere the system keeps the moment as it was written.
"""

import os
import platform
import time
from contextlib import suppress
from pathlib import Path

import psutil


def _machine() -> str:
    """The name of this machine, with what tells it from another one of that name where the system has that."""
    try:
        mark = Path("/etc/machine-id").read_text(encoding="ascii").strip()[:8]
    except (OSError, ValueError):
        mark = ""
    return f"{platform.node()} {mark}".strip()


HOST = _machine()
NEAR = 0.02  # two births closer than this are one: a tick is a hundredth of a second


def born(pid: int) -> float | None:
    """When a process began, in seconds of a scale that never changes while the machine runs; None when it is gone."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        if stat.exists():
            after_name = stat.read_text(errors="replace").rpartition(")")[2].split()
            return int(after_name[19]) / os.sysconf("SC_CLK_TCK")  # starttime, the 22nd field of proc(5)
        return float(psutil.Process(pid).create_time())
    except (OSError, psutil.Error, IndexError, ValueError):
        return None


def kill(pid: int, birth: float) -> bool:
    """End the process that was born then with this pid, whatever it is doing; False when there is none."""
    now = born(pid)
    if now is None or abs(now - birth) > NEAR:
        return False
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).kill()
    return True


def silence(beat: float | None) -> float | None:
    """Seconds since a sign of life, by the clock that is never set; None before the first."""
    return None if beat is None else max(0.0, time.monotonic() - beat)
