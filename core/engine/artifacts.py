"""The files a run leaves: written by `core.engine.writing`, and read with suspicion. Nothing is ever unpickled."""

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from core.engine import claims, limits, trouble, writing
from core.errors import DataError
from core.types import CondensedSet, Experts, Origin, Told, TrainedModel

UNREADABLE = (  # what numpy and zipfile raise for rubbish
    OSError, ValueError, EOFError, KeyError, IndexError, TypeError, RuntimeError, NotImplementedError, MemoryError,
    OverflowError, SyntaxError, struct.error, zlib.error, zipfile.BadZipFile,
)  # fmt: skip


def resumable(folder: Path) -> bool:
    """Whether a later attempt would find a checkpoint, a condensed set or a trained network.

    Where nobody may look at the moment it counts as resumable: an attempt that finds nothing begins anew.
    """
    try:
        return any(any(folder.glob(left)) for left in ("checkpoint-*.npz", "condensed.npz", "*.safetensors"))
    except OSError:
        return True


def load_json(path: Path) -> Any:
    """Read JSON.

    raises  DataError when the file is missing or damaged, ResourceError when the machine refuses to read it now
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if trouble.passing(error):
            raise trouble.of_files(error, path) from None
        raise DataError(f"{path.name} cannot be read: {error}; run again to write it anew") from None


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as .npz; equal arrays give equal bytes."""
    with writing.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **dict[str, Any](arrays))


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read an .npz without unpickling.

    raises  DataError when the file is missing, damaged, or holds objects; ResourceError when the machine refuses now
    """
    try:
        with path.open("rb") as stream:
            if stream.read(2) == b"PK":  # what is no archive is said below
                limits.arrays(stream, path.name)
            stream.seek(0)
            file = np.load(stream, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise DataError(f"{path.name} is a single array, expected an .npz with several")
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: check the path") from None
    except UNREADABLE as error:
        if trouble.passing(error):
            raise trouble.of_files(error, path) from None
        raise DataError(f"{path.name} is no readable .npz of plain arrays: {error or type(error).__name__}") from None


# --- condensed sets -------------------------------------------------------------------------------
def save_condensed(path: Path, condensed: CondensedSet) -> None:
    """Write x, y and whatever else the set has; scalars go into the array `meta` as JSON text."""
    meta = {name: getattr(condensed, name) for name in ("n_classes", "method", "norm", "radius")}
    meta |= {"info": condensed.info.to_json(), "origin": condensed.origin.to_json()}
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
    n_classes = claims.count(path, meta.pop("n_classes", int(y.max()) + 1))
    if y.max() >= n_classes:
        raise DataError(f"{path.name} has label {y.max()}, expected labels below its {n_classes} classes")
    _check_lengths(path, arrays, len(x))
    claims.check(path, arrays, meta, n_classes)
    rest: dict[str, Any] = {"method": "file", **meta, **arrays}
    return CondensedSet(x=x, y=y, n_classes=n_classes, **rest)


def _meta(path: Path, array: np.ndarray | None) -> dict[str, Any]:
    try:
        found = json.loads(str(array)) if array is not None else {}
        allowed = {field.name for field in fields(CondensedSet)} - set(CondensedSet.ARRAYS)
        if not isinstance(found, dict) or set(found) - allowed:
            raise ValueError("unexpected entries")
        return {**found, "info": Told.read(found.get("info", {})), "origin": Origin.read(found.get("origin", {}))}
    except (ValueError, AttributeError, DataError) as error:
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
        numbers = array.dtype.kind in "fiu" and array.ndim >= 1
        if not numbers or (array.max(initial=0) >= m if name == "assignment" else len(array) != m):
            raise DataError(f"{name} of {path.name} does not belong to its {m} images, got {array.shape} {array.dtype}")


# --- models ---------------------------------------------------------------------------------------
def save_model(path: Path, model: TrainedModel) -> None:
    """Write weights as safetensors; how to rebuild the network travels in its metadata."""
    about = {name: getattr(model, name) for name in ("network", "n_classes", "kept", "epoch", "selection")}
    about |= {"options": dict(model.options), "shape": list(model.shape), "origin": model.origin.to_json()}
    state = {name: np.array(array, order="C") for name, array in model.state.items()}
    about["checksum"] = _checksum(state)
    writing.save_bytes(path, save(state, metadata={"model": json.dumps(about)}))


def load_model(path: Path) -> TrainedModel:
    """Read weights that `save_model` wrote.

    raises  DataError when the file is missing, damaged, or lacks the description of its network; ResourceError when the
            machine refuses to read it now
    """
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {})["model"])
            names = file.keys()
            state = {name: file.get_tensor(name) for name in names}
        if about.pop("checksum", None) not in (None, _checksum(state)):  # files of earlier versions have none
            raise DataError(f"the weights in {path.name} are not those that were written: train again to write them")
        read = {"shape": tuple(about["shape"]), "origin": Origin.read(about.get("origin", {}))}
        return TrainedModel(**{**about, **read}, state=state)
    except (OSError, SafetensorError) as error:
        if isinstance(error, OSError) and (trouble.passing(error) or "os error 24" in str(error)):
            raise trouble.of_files(error, path) from None
        raise DataError(f"{path} is no readable safetensors file: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(f"{path.name} does not say which network it belongs to: train again to write it") from None


def _checksum(state: Mapping[str, np.ndarray]) -> str:
    """Tells weights with a flipped bit from those that were written; safetensors itself does not."""
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(state):
        found.update(name.encode() + np.ascontiguousarray(state[name]).tobytes())
    return found.hexdigest()


# --- experts --------------------------------------------------------------------------------------
def save_experts(path: Path, experts: Experts) -> None:
    """Write trajectories; what they are of goes into the array `meta` as JSON text."""
    about = {name: getattr(experts, name) for name in ("network", "n_classes", "shape", "mean", "std", "training")}
    about |= {"options": dict(experts.options), "origin": experts.origin.to_json()}
    save_arrays(path, {"weights": experts.weights, "meta": np.array(json.dumps(about))})


def load_experts(path: Path) -> Experts:
    """Read trajectories that `save_experts` wrote.

    raises  DataError when the file is missing or damaged, or holds something else
    """
    arrays = load_arrays(path)
    try:
        about, weights = json.loads(str(arrays["meta"])), arrays["weights"]
        tuples = {name: tuple(about[name]) for name in ("shape", "mean", "std")}
        made = Experts(**{**about, **tuples, "origin": Origin.read(about["origin"])}, weights=weights)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(f"{path.name} holds no trajectories of ours: name a run that trained experts") from None
    if weights.ndim != 3 or weights.dtype != np.float32 or not np.isfinite(weights).all():
        raise DataError(
            f"{path.name} has weights {weights.shape} {weights.dtype}, expected three axes of finite floats"
        )
    return made
