"""One image file as an array of its own values: nothing is rescaled, and what had to be decided is told.

Pillow reads; what it would cut to 8 bits without a word is told from the file's header and refused. Transparent pixels
are laid on white, turns that a camera wrote beside the pixels are made, of moving pictures the first frame is taken.
Cost: about 2,500 small PNGs a second.
"""

import io
import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageOps

from core.datasets.found import Array
from core.errors import DataError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm")
OTHERS = (".jfif", ".jpe", ".dib", ".pnm")  # further endings of the same formats
FOREIGN = (
    ".heic", ".heif", ".avif", ".svg", ".psd", ".ico", ".tga", ".jp2", ".j2k", ".jxl", ".exr", ".hdr", ".dcm", ".nii",
    ".dng", ".cr2", ".nef", ".arw", ".raw", ".eps", ".pcx", ".fits", ".mat", ".npy",
)  # fmt: skip
MOST_SIDE = 4096
Kind = Literal["grey", "RGB", "either"]
DEPTHS = {"I;16": 65535, "I;16B": 65535, "I;16L": 65535, "I;16N": 65535}
GREY = ("1", "L", "LA", "La", *DEPTHS, "I", "F")
COLOUR = ("RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "P", "PA")
TURN = 0x0112  # EXIF: orientation
BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError, ArithmeticError,
    RuntimeError, MemoryError, struct.error, zlib.error, zipfile.BadZipFile, Image.DecompressionBombError,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """One image.

    x      (c, h, w) in the values of the file: uint8, uint16, int32 or float32
    kind   grey or RGB; "either" has three equal channels only because of its palette
    depth  largest value that the file's header allows; 0 when it does not say
    said   what was decided, as keys of `SAID`
    """

    x: Array
    kind: Kind
    depth: int
    said: frozenset[str]


SAID = {
    "turned": "{n} were turned as their EXIF data ask",
    "alpha": "{n} had transparent pixels, which lie on white now",
    "frames": "of {n} with several frames or pages the first is taken",
    "CMYK": "{n} were CMYK and are RGB now",
    "palette": "{n} had a palette of greys only and are grey",
    "one bit": "{n} had one bit a pixel and are 0 or 255 now",
}


def decode(content: bytes, resize: int | None) -> Picture:
    """Read one image.

    raises  DataError saying what is wrong, without the name of the file
    """
    if not content:
        raise DataError("is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged EXIF data and the like: the pixels are read all the same
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                _refuse(image, content)
                if image.format == "PNG":
                    _check_sums(content)
                return _picture(image, resize)
    except BROKEN as error:
        text = " ".join(str(error).replace(repr(content), "").split())
        raise DataError(f"is no readable image: {text[:120] or type(error).__name__}") from None


def _check_sums(content: bytes) -> None:
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        image.verify()


def _refuse(image: Image.Image, content: bytes) -> None:
    if max(image.size) > MOST_SIDE:
        raise DataError(f"has {image.size[0]}×{image.size[1]} pixels, at most {MOST_SIDE} a side are read")
    if image.mode not in GREY + COLOUR:
        raise DataError(f"has pixel mode {image.mode}, expected grey or RGB: convert it")
    bits = _bits(image, content)
    if bits > 8 and image.mode not in (*DEPTHS, "I", "F"):
        raise DataError(
            f"has {bits} bits a channel in colour or with transparency, of which only 8 would be read: convert it to 8 "
            "bits, or give the values as arrays in an .npz with --range"
        )


def _bits(image: Image.Image, content: bytes) -> int:
    """Bits of one channel as the file's own header says, whatever mode Pillow chose."""
    if image.format == "PNG":
        return content[24]
    if image.format == "TIFF":
        found = getattr(image, "tag_v2", {}).get(258, (8,))
        return max(found) if isinstance(found, tuple) else int(found)
    if image.format == "PPM" and content[:2] in (b"P3", b"P6"):
        return 16 if _most(content) > 255 else 8
    return 8


def _most(content: bytes) -> int:
    """The largest value that the header of a PPM or PGM allows."""
    words = b" ".join(line.partition(b"#")[0] for line in content[:4096].split(b"\n")).split(maxsplit=4)
    return int(words[3]) if len(words) > 3 and words[3].isdigit() else 255


def _picture(image: Image.Image, resize: int | None) -> Picture:
    said = set()
    if getattr(image, "n_frames", 1) > 1:
        said.add("frames")
        image.seek(0)
    turn = image.getexif().get(TURN, 1)
    image.load()
    found: Image.Image = image
    if turn in range(2, 9):
        said.add("turned")
        found = ImageOps.exif_transpose(image)
    if image.mode == "CMYK":
        said.add("CMYK")
    if image.mode == "1" and image.format != "PNG":
        said.add("one bit")
    found, kind = _plain(found, said)
    if resize:
        found = (found.convert("I") if found.mode in DEPTHS else found).resize(
            (resize, resize), Image.Resampling.BILINEAR
        )
    x = np.asarray(found)
    if kind == "either" and x.ndim == 3:
        if (x == x[..., :1]).all():
            said.add("palette")
        else:
            kind = "RGB"
    x = x[None] if x.ndim == 2 else x.transpose(2, 0, 1)
    return Picture(x=x.astype(x.dtype.newbyteorder("=")), kind=kind, depth=_depth(image), said=frozenset(said))


def _plain(image: Image.Image, said: set[str]) -> tuple[Image.Image, Kind]:
    """The image as grey or RGB without transparency, in its own depth."""
    palette = image.mode in ("P", "PA")
    if image.has_transparency_data and image.mode not in (*DEPTHS, "I", "F"):
        whole = image.convert("RGBA")
        if np.asarray(whole.getchannel("A")).min() < 255:
            said.add("alpha")
            paper = Image.new("RGBA", whole.size, (255, 255, 255, 255))
            whole = Image.alpha_composite(paper, whole)
        image = whole.convert("L") if image.mode in GREY else whole.convert("RGB")
    elif image.mode in COLOUR:
        image = image.convert("RGB")
    elif image.mode in ("1", "LA", "La"):
        image = image.convert("L")
    return image, "either" if palette else "RGB" if image.mode == "RGB" else "grey"


def _depth(image: Image.Image) -> int:
    if image.mode in DEPTHS or (image.mode == "I" and image.format == "PPM"):
        return 65535
    return 0 if image.mode in ("I", "F") else 255
