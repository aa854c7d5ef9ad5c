"""Take a condensed set or a network elsewhere: in the forms that others read, each with the lines that load it.

Pixels are those of the set, in [0, 1]; only PNG rounds them, to 8 bits, and says by how much. Networks take images in
[0, 1] and normalise them first.
"""

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from core.engine import artifacts, writing
from core.errors import ConfigError, DataError
from core.jobs.taken import SETS, refused, source
from core.networks.model import restore
from core.plots.mosaic import to_png
from core.types import CondensedSet


def write(folder: Path, form: str, out: Path, kept: str = "last") -> str:
    """Write what a run left in another form.

    folder  of a finished run
    kept    which weights it is judged by, "last" or "best"
    returns a sentence on what the form changed, or ""
    raises  DataError when the run has no such thing, ConfigError for a form that this installation cannot write
    """
    left = folder / source(form, kept)
    if not left.exists():
        raise DataError(f"the run has left no {left.name}: choose a finished run with one")
    said = ""
    if form in SETS:
        content, said = WRITERS[form](artifacts.load_condensed(left))
    else:
        content = left.read_bytes() if form == "safetensors" else _onnx(left)
    writing.save_bytes(out, content)
    return said


def _labels(condensed: CondensedSet) -> np.ndarray:
    return condensed.y if condensed.soft_labels is None else condensed.soft_labels


def _names(condensed: CondensedSet) -> list[str]:
    return list(condensed.origin.classes) or [str(label) for label in range(condensed.n_classes)]


def _npz(condensed: CondensedSet) -> tuple[bytes, str]:
    out = io.BytesIO()
    np.savez(out, images=condensed.x, labels=_labels(condensed), classes=np.array(_names(condensed)))
    return out.getvalue(), ""


def _pt(condensed: CondensedSet) -> tuple[bytes, str]:
    """The list form of DC, DSA, DM and their like; readers of that form leave the further entries alone."""
    out = io.BytesIO()
    pair = [torch.tensor(condensed.x), torch.tensor(_labels(condensed))]
    torch.save({"data": [pair], "classes": _names(condensed), "range": "0:1", "method": condensed.method}, out)
    return out.getvalue(), ""


def _png(condensed: CondensedSet) -> tuple[bytes, str]:
    """A zip of one folder a class; what folders cannot say is said."""
    if sentence := refused("png", condensed.x.shape[1:]):
        raise DataError(sentence)
    grid = np.rint(255 * condensed.x.astype(np.float64)).astype(np.uint8)
    out, names = io.BytesIO(), _names(condensed)
    with zipfile.ZipFile(out, "w") as archive:
        for row, (pixels, label) in enumerate(zip(grid, condensed.y, strict=True)):
            image = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
            entry = zipfile.ZipInfo(f"{names[label].replace('/', '_')}/{row:06d}.png", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, to_png(np.ascontiguousarray(image)))
    off = float(np.abs(grid / 255 - condensed.x).max())
    said = [f"pixels are rounded to 8 bits, by up to {off:.2g}"] if off > 1e-6 else []
    if condensed.soft_labels is not None:
        said.append("soft labels are left out: the folder is the class of the largest")
    return out.getvalue(), "; ".join(said)


WRITERS: Mapping[str, Callable[[CondensedSet], tuple[bytes, str]]] = {"npz": _npz, "pt": _pt, "png": _png}


def _onnx(left: Path) -> bytes:
    model = artifacts.load_model(left)
    if sentence := refused("onnx", model.shape):
        raise ConfigError(sentence)
    network, example = restore(model), torch.zeros(2, *model.shape)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "network.onnx"
        try:
            torch.onnx.export(
                network, (example,), str(out), input_names=["images"], output_names=["logits"], dynamo=True,
                dynamic_shapes=({0: torch.export.Dim("n")},), external_data=False, verbose=False,
            )  # fmt: skip
        except torch.onnx.OnnxExporterError as error:
            why = str(error).partition("\n")[0][:200]
            raise DataError(f"{model.network} cannot be written as ONNX: {why}; take safetensors") from None
        return out.read_bytes()
