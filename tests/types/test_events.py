"""The one driver: hands events on, returns the result, closes the work when asked to stop."""

import pytest

from core.errors import Cancelled
from core.events import Progress, Work, drive


def work(log: list[str], steps: int = 3) -> Work[int]:
    try:
        for step in range(steps):
            yield Progress(stage="condense", done=step, total=steps)
        log.append("finished")
        return 42
    finally:
        log.append("cleaned")


def test_result_and_events():
    log, seen = [], []
    assert drive(work(log), seen.append) == 42
    assert [event.done for event in seen] == [0, 1, 2]
    assert log == ["finished", "cleaned"]


def test_cancel_closes_the_work():
    log, seen = [], []
    with pytest.raises(Cancelled):
        drive(work(log), seen.append, cancelled=lambda: len(seen) == 2)
    assert len(seen) == 2
    assert log == ["cleaned"]


def test_a_listener_that_fails_closes_the_work():
    log = []

    def fail(event: Progress) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        drive(work(log), fail)
    assert log == ["cleaned"]
