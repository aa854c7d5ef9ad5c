"""The picture of a classifier in the plane is of the network that is judged, under the attack that is named."""

from pathlib import Path

import numpy as np
import torch

from core import datasets
from core.engine import artifacts
from core.engine.job import Job
from core.events import drive
from core.jobs import plane, run
from core.networks.model import restore
from core.plots import classifier
from core.settings.run import RunConfig
from core.types import DataConfig

CONFIG = {
    "data": {"name": "moons", "limit": 40}, "method": {"name": "random", "options": {"ipc": 5}},
    "network": {"name": "mlp", "options": {"width": 32, "depth": 1}},
    "training": {"name": "standard", "options": {"epochs": 60}},
    "evaluation": {"norm": "L2", "eps": 0.08, "images": 60, "attack_steps": 20, "curve_points": 2, "live_images": 0},
}  # fmt: skip


def test_regions_and_points_are_what_the_network_says(tmp_path: Path) -> None:
    job = Job(folder=tmp_path / "run", home=tmp_path, device="cpu")
    drive(run.run(RunConfig(**CONFIG).to_json(), job))
    found = artifacts.load_arrays(job.folder / "plane.npz")
    network = restore(artifacts.load_model(job.folder / "last.safetensors"), device="cpu")

    def says(xy: np.ndarray) -> list[int]:
        with torch.no_grad():
            return network(torch.from_numpy(xy.astype(np.float32).reshape(-1, 1, 1, 2))).argmax(1).tolist()

    places = [(row, column) for row in (0, 17, 60, 120) for column in (3, 50, 118)]
    at = np.array([[column / (plane.SIDE - 1), row / (plane.SIDE - 1)] for row, column in places])
    assert [int(found["cells"][place]) for place in places] == says(at) and len(np.unique(found["cells"])) == 2
    assert found["before"].tolist() == says(found["clean"]) and found["after"].tolist() == says(found["attacked"])
    moved = np.linalg.norm(found["attacked"] - found["clean"], axis=1)
    assert moved.max() <= 0.08 + 1e-6 and moved.max() > 0.04
    right, fooled = classifier.counts(found)
    assert 0 < fooled < right <= plane.POINTS
    drawn = {trace.name: trace for trace in classifier.figure(found, ("a", "b")).data}
    assert len(drawn["flipped"].x) == fooled and len(drawn["way under attack"].x) == 3 * len(found["y"])


def test_images_have_no_such_picture() -> None:
    digits = drive(datasets.load(DataConfig(name="digits"), root=Path()))
    assert not plane.in_plane(digits)
