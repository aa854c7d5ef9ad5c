"""Files of `torch.save`, read as weights only: tensors, plain values, and the numpy scalars that published code leaves.

PyTorch's own restricted unpickler builds them and refuses everything else. Before it begins the archive's directory is
looked at: the sizes that it declares are bounded, and the checksum of every entry is compared, which PyTorch does not.
"""

import pickle
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.datasets.found import Array
from core.engine import limits
from core.errors import DataError

SUFFIXES = (".pt", ".pth")
DEEPEST = 6  # lists and dicts within each other
DAMAGED = (
    RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OSError, AssertionError,
    OverflowError, MemoryError, RecursionError, UnicodeError, ImportError, struct.error, pickle.UnpicklingError,
    zlib.error, zipfile.BadZipFile, NotImplementedError,
)  # fmt: skip
SCALAR = np.float64(0).__reduce__()[0]
SCALARS: list[Any] = [  # accuracies beside the images are often numpy's numbers
    SCALAR, (SCALAR, "numpy.core.multiarray.scalar"), np.dtype,
    np.dtypes.Float64DType, np.dtypes.Float32DType, np.dtypes.Int64DType,
]  # fmt: skip


def load(path: Path) -> Any:
    """What the file holds, tensors as arrays in memory of their own.

    raises  DataError when it is damaged, too large, or asks for anything but tensors and plain values
    """
    _look(path)
    try:
        with torch.serialization.safe_globals(SCALARS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # advice about how the file was written
            content = torch.load(path, map_location="cpu", weights_only=True)
        return _plain(content, path.name, [path.stat().st_size])
    except DataError:
        raise
    except pickle.UnpicklingError as error:
        if "Unsupported" in str(error) or "GLOBAL" in str(error):
            raise DataError(
                f"{path.name} holds more than tensors and plain values, which is never opened: save it again as "
                "torch.save([images, labels], ...)"
            ) from None
        raise DataError(_damaged(path, error)) from None
    except DAMAGED as error:
        raise DataError(_damaged(path, error)) from None


def _damaged(path: Path, error: BaseException) -> str:
    first = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
    return f"{path.name} is no readable file of torch.save: {first}; is it complete?"


def _look(path: Path) -> None:
    """Refuse an archive that would grow too large, or of which an entry is not what was written."""
    try:
        size = path.stat().st_size
        if not size:
            raise DataError(f"{path.name} is empty: copy it again")
        if not zipfile.is_zipfile(path):
            limits.refuse(path.name, decoded=size, packed=size)
            return
        with zipfile.ZipFile(path) as archive:
            limits.refuse(path.name, decoded=sum(info.file_size for info in archive.infolist()), packed=size)
            if (bad := archive.testzip()) is not None:
                raise DataError(f"{bad[:80]!r} in {path.name} is not what was written: copy the file again")
    except DataError:
        raise
    except DAMAGED as error:
        raise DataError(_damaged(path, error)) from None


def _plain(value: Any, name: str, left: list[int], depth: int = 0) -> Any:
    """Tensors as arrays, within lists and dicts too.

    left  bytes that may still be taken: a tensor may declare more elements than the file has numbers, and a list may
          hold the same list many times over
    """
    if depth > DEEPEST:
        raise DataError(f"{name} has lists within lists, {DEEPEST} deep and more: save [images, labels]")
    if isinstance(value, torch.Tensor):
        return _array(value, name, left)
    if isinstance(value, dict | list | tuple):
        _take(1 + len(value), name, left)  # a file needs a byte or more for each
    if isinstance(value, dict):
        return {str(key): _plain(part, name, left, depth + 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, name, left, depth + 1) for part in value]
    return value


def _take(count: int, name: str, left: list[int]) -> None:
    left[0] -= count
    if left[0] < 0:
        raise DataError(f"the parts of {name} declare more numbers than the file holds: it is damaged")


def _array(tensor: torch.Tensor, name: str, left: list[int]) -> Array:
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
        raise DataError(f"{name} holds a tensor that is sparse, quantised or complex: save plain ones")
    _take(tensor.numel() * tensor.element_size(), name, left)
    tensor = tensor.detach()
    if tensor.dtype in (torch.bfloat16, torch.float16):
        tensor = tensor.float()
    found: Array = tensor.numpy().copy()
    return found
