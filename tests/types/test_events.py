"""Ways to run work: each hands moments on, returns the result, and closes the work however it ends."""

import pytest

from core.errors import Cancelled
from core.events import Progress, Pulse, Work, drive, each, finish, pulsing, through, until


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
    held = work(log)  # a reference of our own: nothing is cleaned up by chance

    def fail(event: Progress) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        drive(held, fail)
    assert log == ["cleaned"]


def test_finish_runs_to_the_end_and_closes_work_that_fails():
    log = []
    assert finish(work(log)) == 42 and log == ["finished", "cleaned"]

    def failing():
        try:
            yield 1
            raise OSError("disk full")
        finally:
            log.append("ended")

    with pytest.raises(OSError, match="disk full"):
        finish(failing())
    assert log[-1] == "ended"


def test_through_says_something_in_the_place_of_each_moment_none_included():
    outer = through(work([]), lambda event: None if event.done == 1 else event.done)
    assert [next(outer), next(outer), next(outer)] == [0, None, 2]
    with pytest.raises(StopIteration) as stop:
        next(outer)
    assert stop.value.value == 42


def test_each_may_say_nothing_or_several_things():
    outer = each(work([], steps=4), lambda event: range(event.done))
    assert list(outer) == [0, 0, 1, 0, 1, 2]


@pytest.mark.parametrize(
    "wrapped", [lambda w: through(w, str), lambda w: pulsing(w, str, Pulse(0.0)), lambda w: each(w, lambda e: (e,))]
)
def test_work_inside_work_is_closed_with_it(wrapped):
    log = []
    held = work(log)
    outer = wrapped(held)
    next(outer)
    outer.close()
    assert log == ["cleaned"]


def test_a_pulse_is_due_once_every_so_many_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("core.events.time.monotonic", lambda: now[0])
    late, early = Pulse(0.5), Pulse(0.5, first=True)
    assert early.due() and not late.due()
    now[0] += 0.4
    assert not early.due() and not late.due()
    now[0] += 0.1
    assert late.due() and early.due() and not late.due()


def test_pulsing_shares_its_pulse_between_pieces_of_work(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("core.events.time.monotonic", lambda: now[0])

    def ticking(steps: int):
        for step in range(steps):
            now[0] += 0.3
            yield step

    pulse = Pulse(0.5)
    assert list(pulsing(ticking(3), lambda step: step, pulse)) == [1]
    assert list(pulsing(ticking(3), lambda step: step, pulse)) == [0, 2]  # 0.3 s had passed before


def test_work_that_is_enough_is_closed_and_gives_nothing():
    log, seen = [], []
    held = work(log)
    outer = until(held, lambda: len(seen) == 2)
    for event in outer:
        seen.append(event.done)
    assert seen == [0, 1] and log == ["cleaned"]
    assert drive(until(work([]), lambda: False)) == 42
