"""The film of condensed images: few frames, the first and the last among them, in order, after a break too."""

from pathlib import Path

import numpy as np

from core.engine import artifacts
from core.engine.job import Job
from core.events import Progress, drive
from core.jobs import frames, keeping


def job(folder: Path) -> Job:
    return Job(folder=folder, home=folder.parent, device="cpu")


def learning(count: int, start: int = 0):
    for step in range(start, start + count):
        x = np.full((2, 1, 2, 2), step / 255, np.float32)
        yield Progress(stage="condense", done=step, total=1000, x=x, y=np.arange(2))
    return "done"


def test_a_long_condensation_leaves_at_most_a_dozen_frames_in_order(tmp_path: Path):
    assert drive(keeping.keeping(learning(200), job(tmp_path), "condense")) == "done"
    found = artifacts.load_arrays(tmp_path / frames.NAME)
    steps = found["step"].tolist()
    assert 6 <= len(steps) <= frames.MOST and steps == sorted(set(steps)) and (steps[0], steps[-1]) == (0, 199)
    assert found["x"].dtype == np.uint8 and found["x"][:, 0, 0, 0, 0].tolist() == steps


def test_a_stopped_condensation_goes_on_with_its_first_frames(tmp_path: Path):
    work = keeping.keeping(learning(200), job(tmp_path), "condense")
    for _ in range(5):
        next(work)
    work.close()
    drive(keeping.keeping(learning(5, 5), job(tmp_path), "condense"))
    steps = artifacts.load_arrays(tmp_path / frames.NAME)["step"].tolist()
    assert (steps[0], steps[-1]) == (0, 9) and steps == sorted(set(steps))


def test_a_single_picture_is_no_film(tmp_path: Path):
    drive(keeping.keeping(learning(1), job(tmp_path), "condense"))
    assert not (tmp_path / frames.NAME).exists()
