"""Make the examples that ship with Ballast: finished runs below assets/examples.

    python -m benchmarks.examples WORK                         those of digits
    python -m benchmarks.examples WORK --mnist mnist.npz       those of MNIST as well

Runs are done in WORK, a folder that becomes a home, one after the other; what is done there already is not done
again. About ten CPU minutes, most of it the study. `--only example-digits-random` makes one.
"""

import argparse
import os
import shutil
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from core import api
from core.api import queue
from core.api.workplace import store
from core.engine import artifacts, inline, shelf, writing
from core.engine.perform import folder_of
from core.errors import RunError
from core.jobs.kinds import KINDS
from core.settings.run import RunConfig
from core.settings.study import Study, plan
from core.types import DataConfig, RunRecord

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "assets" / "examples"
OF_CELLS = (
    "last.safetensors", "map.npz", "members.npz", "condensed.npz", "certificate.json", "radii.npz", "report.json",
    "explained.npz",
)  # fmt: skip
STUDIES = ("example-transfer", "example-mnist-transfer")
LEFT_OUT = {  # files too large to ship for what they show
    **dict.fromkeys(STUDIES, OF_CELLS),
    "example-mnist-adv-kip": ("last.safetensors", "explained.npz"),
}
COMMAND = "python -m benchmarks.examples WORK --mnist mnist.npz"
EPS, IMAGES = 0.1, 200
SMALL_CNN = {"name": "small-cnn", "options": {}}
ADVERSARIAL = {"name": "adversarial", "options": {"epochs": 100, "eps": EPS}}
STANDARD = {"name": "standard", "options": {"epochs": 100}}
JUDGED = {
    "eps": EPS, "attack": "strong", "attack_steps": 40, "images": IMAGES, "curve_end": 0.35, "curve_images": 100,
    "live_images": 100,
}  # fmt: skip
KERNEL: dict[str, Any] = {"ipc": 10, "steps": 300, "eps": EPS}


def digits(method: str, training: Mapping[str, Any] = ADVERSARIAL, **options: Any) -> dict[str, Any]:
    """Settings of a run on digits."""
    return {
        "data": {"name": "digits"}, "method": {"name": method, "options": options}, "network": SMALL_CNN,
        "training": dict(training), "evaluation": JUDGED,
    }  # fmt: skip


def mnist(path: str, method: str, **options: Any) -> dict[str, Any]:
    """Settings of a run on 200 images of each class of MNIST."""
    return {
        "data": {"name": path, "limit": 200}, "method": {"name": method, "options": options},
        "network": {"name": "ntk-mlp", "options": {"width": 1024, "depth": 3}},
        "training": {"name": "standard", "options": {"epochs": 100, "loss": "mse"}},
        "evaluation": JUDGED | {"eps": 0.3, "curve_end": 0.3},
    }  # fmt: skip


# id -> (name, settings)
DIGITS: dict[str, tuple[str, dict[str, Any]]] = {
    "example-digits-mfc": ("Covering, 10 per class, digits, adversarial training", digits("mfc", ipc=10)),
    "example-digits-random": ("Random, 10 per class, digits, adversarial training", digits("random", ipc=10)),
    "example-digits-adv-kip": (
        "adv-KIP, 10 per class, digits, standard training", digits("adv-kip", STANDARD, **KERNEL)
    ),
    "example-digits-adv-kip-adversarial": (
        "adv-KIP, 10 per class, digits, adversarial training", digits("adv-kip", **KERNEL)
    ),
    "example-digits-k-means": ("k-means, 10 per class, digits, adversarial training", digits("k-means", ipc=10)),
    "example-digits-dm": (
        "Distribution matching, 10 per class, digits, adversarial training", digits("dm", ipc=10, steps=300)
    ),
    "example-digits-prototypes": (
        "Certified prototypes, 10 per class, digits, adversarial training",
        digits("prototypes", ipc=10, eps=EPS, steps=300),
    ),
    "example-digits-full": (
        "All of digits, adversarial training",
        digits("full", {"name": "adversarial", "options": {"epochs": 100, "eps": EPS}}),
    ),
}  # fmt: skip
STUDY: dict[str, Any] = {
    "data": {"name": "digits"}, "network": {"name": "mlp", "options": {"width": 128, "depth": 2}},
    "methods": ("random", "mfc"), "ipc": (2, 5, 10), "seeds": 3, "eps": (0.05, 0.1, 0.2),
    "trainings": ("standard", "warm-start"), "epochs": 60, "full_epochs": 5, "attack": "strong", "attack_images": 200,
    "images": 200, "attack_steps": 20, "set": ("mfc.rounds=20", "mfc.nodes=0", "mfc.steps=30000"),
}  # fmt: skip
STUDY_MNIST: dict[str, Any] = {  # beside its data, 200 images of each class
    "methods": ("random", "k-means", "mfc"), "ipc": (10,), "seeds": 3, "eps": (0.1, 0.2),
    "trainings": ("standard", "adversarial"), "epochs": 100, "full_epochs": 5, "attack": "strong",
    "attack_images": 100, "images": 200, "attack_steps": 20, "set": ("mfc.rounds=20", "mfc.nodes=0", "mfc.steps=30000"),
}  # fmt: skip


class Bench:
    """Does runs in a home, each once, and puts them on the shelf under names that a person can read."""

    def __init__(self, work: Path, target: Path, only: str = "") -> None:
        self.work, self.target, self.only = work, target, only
        self.made: dict[str, RunRecord] = {}
        self.paths: dict[str, str] = {}  # texts of this machine's, and what stands for them

    def do(self, name: str, kind: str, config: Mapping[str, Any], title: str, study: str = "") -> RunRecord | None:
        """A run under the id `name`, done now unless it was done before; None when it is not asked for."""
        if self.only and self.only not in (name, study):
            return None
        found = next((r for r in store().runs(kind=kind, status=("done",)) if r.name == f"{name}|{title}"), None)
        if found is None:
            began, run_id = time.monotonic(), queue.create(kind, config, name=f"{name}|{title}", lane=inline.LANE)
            inline.InlineExecutor(store(), self.work, KINDS).submit(run_id)
            found = store().get(run_id)
            print(f"{time.monotonic() - began:6.0f} s  {found.status}  {name}  {found.error}", flush=True)
        if found.status != "done":
            raise RunError(f"{name} did not finish: {found.error or found.status}")
        self.made[name] = found
        return found

    def digits(self) -> None:
        for name, (title, config) in DIGITS.items():
            self.do(name, "run", RunConfig(**config).to_json(), title)
        cover = api.covering.settings({"name": "digits"}, "L2", ipc=10)
        self.do("example-digits-cover", "covering", cover, "Covering of digits, L2, 10 per class")
        self.do("example-digits-data", "data", DataConfig(name="digits").model_dump(mode="json"), "digits")
        self.judged()
        self.study(STUDIES[0], Study(**STUDY))

    def judged(self) -> None:
        """An attack that is watched, an audit, AutoAttack, and networks of growing width."""
        if (run := self.made.get("example-digits-mfc")) is not None:
            title = run.name.partition("|")[2]
            attack = api.AttackConfig(eps=EPS).model_dump(mode="json")
            self.do("example-attack", "attack", api.of_model(run.id) | {"attack": attack}, f"Attack on {title}")
            settings = RunConfig(**run.config).replace(evaluation=JUDGED | {"attack": "autoattack", "images": 100})
            wanted = api.of_model(run.id) | {"settings": settings.to_json()}
            self.do("example-autoattack", "evaluate", wanted, f"AutoAttack on {title}")
            audit = api.audit_settings(run.id, {"images": 50, "eps": EPS})
            self.do("example-audit", "audit", audit, f"Audit of {title}")
        if (run := self.made.get("example-digits-adv-kip")) is not None:
            chosen = api.WidthConfig(widths=(16, 64, 256, 1024), eps=EPS, images=IMAGES).model_dump(mode="json")
            condensed = str(folder_of(self.work, run.id) / "condensed.npz")
            values = {"run": run.id, "settings": dict(run.config), "condensed": condensed, "width": chosen}
            self.do("example-width", "width", values, f"Widths on {run.name.partition('|')[2]}")

    def study(self, name: str, study: Study) -> None:
        for number, cell in enumerate(plan(study)):
            self.do(f"{name}-{number:03d}", "run", cell.values, cell.words, study=name)
        if self.only in ("", name):
            told = shelf.renamed(study.to_json(), self.paths)
            writing.save_json(self.target / "studies" / f"{name}.json", told)

    def mnist(self, path: Path) -> None:
        self.paths[str(path)] = "mnist"
        kernel = mnist(str(path), "adv-kip", ipc=10, steps=300, eps=0.3, batch=200)
        title = "adv-KIP, 10 per class, MNIST (200 per class), standard training"
        self.do("example-mnist-adv-kip", "run", RunConfig(**kernel).to_json(), title)
        cover = api.covering.settings({"name": str(path), "limit": 200}, "L2", ipc=10)
        self.do("example-mnist-cover", "covering", cover, "Covering of MNIST (200 per class), L2, 10 per class")
        data = DataConfig(name=str(path), limit=200)
        self.study(STUDIES[1], Study(**STUDY_MNIST, data=data))

    def shelve(self) -> None:
        """Write what was made to the shelf, with the data sets that it is about."""
        ids = {record.id: name for name, record in self.made.items()}
        names = {f"{self.work}/": "", **ids, **self.paths}
        for name, record in self.made.items():
            found = api.get(record.id)
            title = found.name.partition("|")[2]
            shelved = RunRecord(**{**vars(found), "id": name, "name": title})
            events = store().events(record.id)
            if name.startswith(STUDIES):
                events = list({event.stage: event for event in events}.values())  # there are many; their ends will do
            shelf.put(self.target, folder_of(self.work, record.id), shelved, events, names)
            if not name.startswith(("example-digits-adv-kip", "example-mnist-adv-kip")):
                (self.target / "runs" / name / "frames.npz").unlink(missing_ok=True)
            for start, left in LEFT_OUT.items():
                if name.startswith(start):
                    for file in left:
                        (self.target / "runs" / name / file).unlink(missing_ok=True)
            if name.startswith(STUDIES) and found.config["method"]["name"] == "full":
                (self.target / "runs" / name / "condensed.png").unlink(missing_ok=True)  # all images of the data
            if found.data_hash:
                shutil.copytree(
                    self.work / "cache" / found.data_hash, self.target / "cache" / found.data_hash, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(".*"),
                )  # fmt: skip
        for path in self.target.rglob("*.npz"):
            _pack(path)
        for path in self.target.rglob("*.png"):
            _shrink(path)
        told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        writing.save_json(self.target / "about.json", {"version": told["version"], "command": COMMAND})


def _pack(path: Path) -> None:
    """Write the arrays of a file again, compressed."""
    arrays = artifacts.load_arrays(path)
    with writing.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **dict[str, Any](arrays))


def _shrink(path: Path) -> None:
    """Write a picture again without what enlarged it: every pixel once, grey ones as grey. The page enlarges it."""
    pixels = np.asarray(Image.open(path))
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    for times in (6, 5, 4, 3, 2):
        small = pixels[::times, ::times]
        if np.array_equal(small.repeat(times, 0).repeat(times, 1), pixels):
            pixels = small
            break
    with writing.replacing(path) as temporary, temporary.open("wb") as file:
        Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument(
        "--mnist", type=Path, help="an .npz of MNIST; without it the examples of MNIST stay as they are"
    )
    parser.add_argument("--only", default="", help="the id of the one example, or the name of the study, to make")
    parser.add_argument("--target", type=Path, default=TARGET)
    chosen = parser.parse_args()
    os.environ["BALLAST_HOME"] = str(chosen.work.resolve())
    os.environ.setdefault("BALLAST_DEVICE", "cpu")
    bench = Bench(chosen.work.resolve(), chosen.target, chosen.only)
    bench.digits()
    if chosen.mnist is not None:
        bench.mnist(chosen.mnist.resolve())
    bench.shelve()


if __name__ == "__main__":
    main()
