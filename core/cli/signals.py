"""What an interrupt or a request to terminate means: work is closed, queued runs are cancelled, exit code 130 or 143.

Who asks twice does not wait for that.
"""

import os
import signal
import sys
from types import FrameType

ASKED: list[int] = []


def listen() -> None:
    """Hear both from now on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    if ASKED:
        os._exit(128 + number)
    ASKED.append(number)
    sys.exit(128 + number)
