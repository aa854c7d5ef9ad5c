"""Condensed sets as their authors publish them, drawn small with the truth beside them."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from core.datasets.sets.reading import Target

CLASSES = ("ant", "bee", "cat")
OWN = ((0.4, 0.5, 0.6), (0.3, 0.25, 0.2))
Rng = np.random.Generator


@dataclass(frozen=True)
class Truth:
    """Images (n, 3, 4, 4) in [0, 1], labels, soft ones or None, and the answer that the file needs."""

    path: Path
    x: np.ndarray
    y: np.ndarray
    soft: np.ndarray | None = None
    range: str = ""


def target(channels: int = 3) -> Target:
    """A data set of three classes whose images have four pixels a side."""
    return Target(data="mine", classes=CLASSES, shape=(channels, 4, 4), statistics=tuple(p[:channels] for p in OWN))


def images(rng: Rng, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Images on the grid of bytes that reach black and white, and labels."""
    x = rng.integers(0, 256, (n, 3, 4, 4)).astype(np.float32) / np.float32(255)
    x[0].flat[:2] = (0, 1)
    return x, np.arange(n) % 3


def normalised(x: np.ndarray, statistics=OWN) -> np.ndarray:
    mean, deviation = (np.array(part, np.float64).reshape(1, -1, 1, 1) for part in statistics)
    return ((x - mean) / deviation).astype(np.float32)


def dc(out: Path, rng: Rng) -> Truth:
    """As the code of DC, DSA, DM saves: normalised, accuracies beside as numpy's numbers."""
    x, y = images(rng)
    pair = [torch.tensor(normalised(x)), torch.tensor(y)]
    other = [torch.zeros_like(pair[0]), torch.tensor(y)]
    torch.save({"data": [pair, other], "accs_all_exps": {"ConvNet": [np.float64(0.4), 0.5]}}, out / "dc.pt")
    return Truth(out / "dc.pt", x, y, range="proposal")


def old(out: Path, rng: Rng) -> Truth:
    """The form that torch.save had before version 1.6."""
    x, y = images(rng)
    pair = [torch.tensor(normalised(x)), torch.tensor(y)]
    torch.save({"data": [pair]}, out / "old.pt", _use_new_zipfile_serialization=False)
    return Truth(out / "old.pt", x, y, range="proposal")


def plain(out: Path, rng: Rng) -> Truth:
    x, y = images(rng)
    torch.save([torch.tensor(x, requires_grad=True), torch.tensor(y)], out / "plain.pth")
    return Truth(out / "plain.pth", x, y)


def soft(out: Path, rng: Rng) -> Truth:
    x, y = images(rng)
    rows = rng.random((len(x), 3)).astype(np.float32)
    rows[np.arange(len(x)), y] += 1
    torch.save((torch.tensor(x), torch.tensor(rows)), out / "soft.pt")
    return Truth(out / "soft.pt", x, y, rows)


def named(out: Path, rng: Rng) -> Truth:
    x, y = images(rng)
    torch.save({"images": torch.tensor(2 * x - 1), "labels": torch.eye(3)[y]}, out / "named.pt")
    return Truth(out / "named.pt", x, y, range="-1:1")


def pair(out: Path, rng: Rng) -> Truth:
    """Two files, as MTT keeps them."""
    x, y = images(rng)
    torch.save(torch.tensor(x), out / "images_best.pt")
    torch.save(torch.tensor(y), out / "labels_best.pt")
    return Truth(out / "images_best.pt", x, y)


def npz(out: Path, rng: Rng) -> Truth:
    x, y = images(rng)
    np.savez(out / "set.npz", images=np.rint(255 * x).astype(np.uint8).transpose(0, 2, 3, 1), labels=y)
    return Truth(out / "set.npz", x, y)


def zipped(out: Path, rng: Rng) -> Truth:
    """Class folders, whose order is not that of the labels."""
    x, y = images(rng)
    with zipfile.ZipFile(out / "set.zip", "w") as archive:
        for i, (pixels, label) in enumerate(zip(x, y, strict=True)):
            stream = io.BytesIO()
            Image.fromarray(np.rint(255 * pixels).astype(np.uint8).transpose(1, 2, 0)).save(stream, "PNG")
            archive.writestr(f"{CLASSES[label]}/{i}.png", stream.getvalue())
    order = np.argsort(y, kind="stable")
    return Truth(out / "set.zip", x[order], y[order])


FORMS = (dc, old, plain, soft, named, pair, npz, zipped)
