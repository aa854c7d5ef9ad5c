"""Faults on purpose: every step that changes what is on disk passes here, so that tests can fail at any of them.

Steps are counted from 1 in each process. `BALLAST_FAULT=kill:17` ends the process at its seventeenth step as a kill
would, `full:17` says there that the disk is full, and `full:17-` from there on. Nothing happens unless it is armed.
"""

import errno
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import ConfigError

Fault = Callable[[str, Path], None]


class Failpoint:
    """Counts steps and hands each to the fault that is armed, or to none."""

    def __init__(self) -> None:
        self.fault = of_environment(os.environ.get("BALLAST_FAULT", ""))

    def reach(self, step: str, path: Path) -> None:
        """About to do `step` with what is at `path`."""
        if self.fault is not None:
            self.fault(step, path)

    @contextmanager
    def armed(self, fault: Fault) -> Iterator[None]:
        """Let `fault` see every step of this process while the block lasts."""
        before, self.fault = self.fault, fault
        try:
            yield
        finally:
            self.fault = before


def of_environment(text: str) -> Fault | None:
    """The fault that `kill:N`, `full:N` or `full:N-` describes; None for an empty text."""
    if not text:
        return None
    found = re.fullmatch(r"(kill|full):(\d+)(-?)", text)
    if found is None:
        raise ConfigError(f"BALLAST_FAULT is kill:N, full:N or full:N-, got {text!r}: unset it")
    return counted({"kill": killed, "full": full}[found[1]], int(found[2]), onwards=bool(found[3]))


def counted(fault: Fault, number: int, *, onwards: bool = False) -> Fault:
    """The fault at step `number` only, or from there on."""
    seen = 0

    def at(step: str, path: Path) -> None:
        nonlocal seen
        seen += 1
        if seen == number or (onwards and seen > number):
            fault(step, path)

    return at


def killed(step: str, path: Path) -> None:
    """End this process at once, with nothing flushed and nothing closed."""
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(137)


def full(step: str, path: Path) -> None:
    """Say that the disk is full, where something is about to be written."""
    if step in ("write", "sync", "commit"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


FAILPOINT = Failpoint()
