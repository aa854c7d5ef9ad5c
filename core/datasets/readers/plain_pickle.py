"""Pickles of plain values and arrays, read by an unpickler that can build nothing else.

A pickle is a program. Of everything that it may ask for, the few names below are known, and each is answered by a
stand-in of our own: no function of numpy or of the standard library is ever called by a file, and whatever else it
names ends the reading. An array is made from its bytes at last, after its kind and length were compared.
"""

import io
import pickle
import struct
from typing import Any, ClassVar, NoReturn

import numpy as np

from core.datasets.found import Array
from core.errors import DataError

KINDS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "b1")
MOST_BYTES = 2_000_000_000


class Refused(pickle.UnpicklingError):
    """The pickle asked for something that is not plain."""


class _Sealed:
    """Base of the stand-ins: no state from the file, no attributes."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        _refuse("state for what has none")


def _refuse(what: str) -> NoReturn:
    raise Refused(what)


class _Kind(_Sealed):
    """A dtype by its text; the byte order comes as state."""

    __slots__ = ("order", "text")

    def __init__(self, text: object) -> None:
        text = text.decode("ascii", "replace") if isinstance(text, bytes) else text
        if not isinstance(text, str) or text not in KINDS:
            _refuse(f"an array of {text!r}")
        self.text, self.order = text, "|"

    def __setstate__(self, state: object) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) > 1 else None
        order = order.decode("ascii", "replace") if isinstance(order, bytes) else order
        if order not in ("<", ">", "|", "="):
            _refuse("a strange byte order")
        self.order = order


class _Blank(_Sealed):
    """An array to be: shape, kind and bytes come as state."""

    __slots__ = ("array",)

    def __init__(self) -> None:
        self.array: Array | None = None

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            _refuse("an array without its five values")
        _, shape, kind, fortran, raw = state
        self.fill(raw, kind, shape, bool(fortran))

    def fill(self, raw: object, kind: object, shape: object, fortran: bool) -> None:
        """Make the array of bytes that are as many as its shape and kind need."""
        raw = bytes(raw) if isinstance(raw, bytearray) else raw
        raw = raw.encode("latin-1") if isinstance(raw, str) else raw
        if not isinstance(kind, _Kind) or not isinstance(raw, bytes) or not isinstance(shape, tuple):
            _refuse("an array of no plain values")
        if not all(isinstance(side, int) and 0 <= side <= MOST_BYTES for side in shape) or len(shape) > 4:
            _refuse("an array of a strange shape")
        dtype = np.dtype(f"{kind.order}{kind.text}")
        if int(np.prod(shape, dtype=object)) * dtype.itemsize != len(raw):
            _refuse("an array whose bytes do not fill its shape")
        self.array = np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


class _Call(_Sealed):
    """A name that a pickle may call."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *arguments: object) -> object:
        if self.name == "dtype" and 1 <= len(arguments) <= 3:
            return _Kind(arguments[0])
        if self.name == "reconstruct" and len(arguments) == 3 and arguments[0] is NDARRAY:
            return _Blank()
        if self.name == "encode" and len(arguments) == 2 and isinstance(arguments[0], str) and arguments[1] == "latin1":
            return arguments[0].encode("latin-1")
        if self.name == "frombuffer" and len(arguments) == 4:
            blank = _Blank()
            blank.fill(*arguments[:3], fortran=arguments[3] == "F")
            return blank
        return _refuse(f"a call of {self.name} with strange values")


NDARRAY, DTYPE, RECONSTRUCT, ENCODE = _Call("ndarray"), _Call("dtype"), _Call("reconstruct"), _Call("encode")
FROM_BUFFER = _Call("frombuffer")
ALLOWED: dict[tuple[str, str], _Call] = {
    ("numpy", "ndarray"): NDARRAY,
    ("numpy", "dtype"): DTYPE,
    ("numpy.core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): FROM_BUFFER,
    ("numpy._core.numeric", "_frombuffer"): FROM_BUFFER,
    ("_codecs", "encode"): ENCODE,
}


IN_PYTHON: Any = pickle._Unpickler


class _Reader(IN_PYTHON):
    """Answers the allowed names with their stand-ins and refuses all others.

    It is the one in Python: that in C takes memory for as many values as a damaged file says it remembers.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(IN_PYTHON.dispatch)

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._most = len(content)

    def load_bytearray8(self) -> None:
        """Refuse to make room for more bytes than the whole pickle has."""
        (size,) = struct.unpack("<Q", self.read(8))
        if size > self._most:
            _refuse("more bytes than there are")
        self.append(bytearray(self.read(size)))

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8

    def find_class(self, module: str, name: str) -> Any:
        return ALLOWED[module, name] if (module, name) in ALLOWED else _refuse(f"{module}.{name}")


def loads(content: bytes, name: str) -> Any:
    """The value in a pickle: dicts, lists, tuples, numbers, texts, bytes and arrays of numbers.

    raises  DataError when it asks for anything else, or is damaged
    """
    try:
        return _plain(_Reader(content).load(), 0)
    except Refused as error:
        raise DataError(
            f"{name} asks for {error} when it is unpickled: only plain values and arrays are read"
        ) from None
    except Exception as error:
        raise DataError(f"{name} is no readable pickle: {type(error).__name__}; is it complete?") from None


def _plain(value: object, depth: int) -> Any:
    """The value with arrays in the place of their stand-ins."""
    if depth > 8:
        _refuse("values within values without end")
    if isinstance(value, _Blank):
        return value.array if value.array is not None else _refuse("an array without values")
    if isinstance(value, dict):
        return {_plain(key, depth + 1): _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, depth + 1) for inner in value]
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    return _refuse(f"a value of type {type(value).__name__}")
