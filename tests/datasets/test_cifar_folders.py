"""A well-known set, its folders renamed to each convention: every image is in the part it was in."""

import hashlib
import io
import zipfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import understand
from core.events import drive
from core.types import DataConfig, Split

CIFAR = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cifar10.zip"
CLASSES = ("airplane", "cat", "truck")
TAKEN = {"train": 6, "test": 3, "val": 2}  # of each class; validation images are further ones of the train part
LAYOUTS = {  # train, test and validation, each where a convention keeps it
    "training-testing": {"train": "training", "test": "testing"},
    "nested": {"train": "cifar/CIFAR-10/train", "test": "cifar/CIFAR-10/test"},
    "doubles": {"train": "seg_train/seg_train", "test": "seg_test/seg_test"},
    "train-val": {"train": "train", "val": "val"},
    "train-valid-test": {"train": "train", "test": "test", "val": "valid"},
    "tr-ts-val": {"train": "tr", "test": "ts", "val": "val"},
    "capitals-and-dev": {"train": "Train", "test": "TEST", "val": "Dev"},
    "validation-set": {"train": "training_set", "test": "test_set", "val": "validation_set"},
    "train-only": {"train": "train"},
    "classes-alone": {"train": "."},
}
Images = dict[str, dict[str, list[bytes]]]  # PNG files by part and class
pytestmark = pytest.mark.skipif(not CIFAR.exists(), reason="needs ../shared/data/cifar10.zip beside the checkout")


@pytest.fixture(scope="module")
def images() -> Images:
    """A few files of three classes, each content once."""
    found: Images = {part: defaultdict(list) for part in TAKEN}
    seen: set[str] = set()
    with zipfile.ZipFile(CIFAR) as archive:
        for name in archive.namelist():
            part, _, rest = name.partition("/")
            kind = rest.partition("/")[0]
            if kind not in CLASSES or part not in ("train", "test") or not rest.endswith(".png"):
                continue
            part = "val" if part == "train" and len(found["train"][kind]) == TAKEN["train"] else part
            if len(found[part][kind]) < TAKEN[part]:
                content = archive.read(name)
                if (key := hashlib.sha256(content).hexdigest()) not in seen:
                    seen.add(key)
                    found[part][kind].append(content)
    assert all(len(files) == TAKEN[part] for part, kinds in found.items() for files in kinds.values())
    return found


def laid(folder: Path, layout: dict[str, str], images: Images) -> Path:
    for part, place in layout.items():
        for kind, files in images[part].items():
            (folder / place / kind).mkdir(parents=True, exist_ok=True)
            for row, content in enumerate(files):
                (folder / place / kind / f"{row:04d}.png").write_bytes(content)
    return folder


def pixels(files: dict[str, list[bytes]]) -> set[tuple[str, bytes]]:
    opened = ((kind, Image.open(io.BytesIO(content)).convert("RGB")) for kind in files for content in files[kind])
    return {(kind, np.asarray(image).transpose(2, 0, 1).tobytes()) for kind, image in opened}


def held(split: Split) -> set[tuple[str, bytes]]:
    assert split.x.dtype == np.uint8
    return {(CLASSES[label], image.tobytes()) for image, label in zip(split.x, split.y.tolist(), strict=True)}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_every_image_stays_in_its_part(name: str, zipped: bool, images: Images, tmp_path: Path):
    layout = LAYOUTS[name]
    path = laid(tmp_path / "cifar", layout, images)
    if zipped:
        with zipfile.ZipFile(tmp_path / "cifar.zip", "w") as archive:
            for file in sorted(path.rglob("*.png")):
                archive.write(file, file.relative_to(path))
        path = tmp_path / "cifar.zip"
    found, dataset = drive(understand(DataConfig(name=str(path)), root=tmp_path))
    assert found is not None and dataset is not None
    assert dataset.classes == CLASSES and not found.left_out
    whole = {part: pixels(images[part]) for part in layout}
    test = next((part for part in ("test", "val") if part in layout), None)
    if test is None:
        assert held(dataset.train) | held(dataset.test) == whole["train"]
        assert not held(dataset.train) & held(dataset.test)
        assert any("stratified fifth" in note for note in found.notes + dataset.notes)
        return
    assert held(dataset.train) == whole["train"] and held(dataset.test) == whole[test]
    kept = {"test", "val"} <= set(layout)
    assert found.parts["validation"] == (len(whole["val"]) if kept else 0)
    said = " ".join((*found.notes, *dataset.notes)).lower()
    assert "validation" in said or "val" not in layout
