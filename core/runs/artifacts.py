"""The files a run leaves, written so that a half-written one is never seen, and read with suspicion.

Every write goes to a temporary name beside its target and is moved there in one step. Nothing is ever
unpickled.
"""

import csv
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import DataError
from core.types import CondensedSet, EventRow, TrainedModel

TEMPORARY = ".tmp"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what a killed process was in the middle of writing."""
    for path in folder.glob(f".*{TEMPORARY}"):
        path.unlink(missing_ok=True)


def resumable(folder: Path) -> bool:
    """Whether a later attempt would find a checkpoint, a condensed set or a trained network."""
    return any(any(folder.glob(left)) for left in ("checkpoint-*.npz", "condensed.npz", "*.safetensors"))


def save_bytes(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def save_json(path: Path, value: Any) -> None:
    save_bytes(path, json.dumps(value, indent=1, allow_nan=False).encode())


def load_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path.name} cannot be read: {error}; run again to write it anew") from None


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as .npz; equal arrays give equal bytes."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read an .npz without unpickling.

    raises  DataError when the file is missing, damaged, or holds objects
    """
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise DataError(f"{path.name} is a single array, expected an .npz with several")
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: check the path") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path.name} is no readable .npz of plain arrays: {error}") from None


# --- condensed sets -------------------------------------------------------------------------------
def save_condensed(path: Path, condensed: CondensedSet) -> None:
    """Write x, y and whatever else the set has; scalars go into the array `meta` as JSON text."""
    meta = {name: getattr(condensed, name) for name in ("n_classes", "method", "norm", "radius")}
    meta["info"] = dict(condensed.info)
    save_arrays(path, {**condensed.arrays(), "meta": np.array(json.dumps(meta))})


def load_condensed(path: Path) -> CondensedSet:
    """Read a condensed set, from here or from elsewhere: x and y are enough.

    raises  DataError when the arrays do not make a condensed set
    """
    arrays = load_arrays(path)
    meta = _meta(path, arrays.pop("meta", None))
    if not {"x", "y"} <= set(arrays):
        raise DataError(f"{path.name} must hold x and y, it holds: {', '.join(sorted(arrays)) or 'nothing'}")
    unknown = set(arrays) - set(CondensedSet.ARRAYS)
    if unknown:
        raise DataError(f"{path.name} holds unknown arrays {', '.join(sorted(unknown))}: remove them")
    x, y = _images(path, arrays.pop("x")), _labels(path, arrays.pop("y"))
    if len(x) != len(y):
        raise DataError(f"{path.name} has {len(x)} images and {len(y)} labels: one label per image is needed")
    n_classes = meta.pop("n_classes", int(y.max()) + 1)
    if y.max() >= n_classes:
        raise DataError(f"{path.name} has label {y.max()}, expected labels below its {n_classes} classes")
    _check_lengths(path, arrays, len(x))
    return CondensedSet(x=x, y=y, n_classes=n_classes, **{"method": "file", **meta}, **arrays)


def _meta(path: Path, array: np.ndarray | None) -> dict[str, Any]:
    try:
        found = json.loads(str(array)) if array is not None else {}
        allowed = {field.name for field in fields(CondensedSet)} - set(CondensedSet.ARRAYS)
        if not isinstance(found, dict) or set(found) - allowed:
            raise ValueError("unexpected entries")
        return found
    except ValueError as error:
        raise DataError(f"the entry meta of {path.name} is not ours ({error}): remove it") from None


def _images(path: Path, x: np.ndarray) -> np.ndarray:
    if x.ndim != 4 or not len(x) or x.dtype.kind != "f":
        raise DataError(f"x of {path.name} must be (n, c, h, w) floats in [0, 1], got {x.shape} {x.dtype}")
    x = x.astype(np.float32)
    if not np.isfinite(x).all():
        raise DataError(f"x of {path.name} must lie in [0, 1], got NaN or infinite pixels")
    if x.min() < 0 or x.max() > 1:
        raise DataError(f"x of {path.name} must lie in [0, 1], got {x.min():.3g} to {x.max():.3g}")
    return x


def _labels(path: Path, y: np.ndarray) -> np.ndarray:
    if y.ndim != 1 or not len(y) or y.dtype.kind not in "iu" or y.min() < 0:
        raise DataError(f"y of {path.name} must be (n,) integer labels from 0, got {y.shape} {y.dtype}")
    return y.astype(np.int64)


def _check_lengths(path: Path, arrays: Mapping[str, np.ndarray], m: int) -> None:
    """Everything is one entry per condensed image, except `assignment`, whose entries are rows of the set."""
    for name, array in arrays.items():
        wrong = array.max(initial=0) >= m if name == "assignment" else len(array) != m
        if wrong or array.dtype.kind not in "fiu":
            raise DataError(f"{name} of {path.name} does not belong to its {m} images, got {array.shape} {array.dtype}")


# --- models ---------------------------------------------------------------------------------------
def save_model(path: Path, model: TrainedModel) -> None:
    """Write weights as safetensors; how to rebuild the network travels in its metadata."""
    from safetensors.numpy import save

    about = {name: getattr(model, name) for name in ("network", "n_classes", "kept", "epoch", "selection")}
    about |= {"options": dict(model.options), "shape": list(model.shape)}
    state = {name: np.array(array, order="C") for name, array in model.state.items()}
    save_bytes(path, save(state, metadata={"model": json.dumps(about)}))


def load_model(path: Path) -> TrainedModel:
    """Read weights that `save_model` wrote.

    raises  DataError when the file is missing, damaged, or lacks the description of its network
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["model"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return TrainedModel(**{**about, "shape": tuple(about["shape"])}, state=state)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is no readable safetensors file: {error}") from None
    except (KeyError, TypeError, ValueError):
        raise DataError(f"{path.name} does not say which network it belongs to: train again to write it") from None


# --- tables ---------------------------------------------------------------------------------------
def metrics_csv(events: Sequence[EventRow]) -> bytes:
    """Events as CSV: one line each, one column for every value that occurs."""
    names = list(dict.fromkeys(name for event in events for name in event.values))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["seq", "time", "stage", "done", "total", "unit", *names, "note"])
    for e in events:
        row = [e.seq, e.time, e.stage, e.done, e.total, e.unit, *(e.values.get(name, "") for name in names), e.note]
        writer.writerow(row)
    return out.getvalue().encode()
