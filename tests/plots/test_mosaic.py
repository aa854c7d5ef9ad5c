"""Mosaics put every pixel where it belongs, colours included."""

import io

import numpy as np
import pytest
from PIL import Image

from core.errors import ConfigError
from core.plots.mosaic import GAP, mosaic, to_png


def cell(image: np.ndarray, row: int, column: int, h: int, w: int) -> np.ndarray:
    top, left = GAP + row * (h + GAP), GAP + column * (w + GAP)
    return image[top : top + h, left : left + w]


def test_channels_stay_together():
    x = np.random.default_rng(0).random((6, 3, 4, 5)).astype(np.float32)
    y = np.array([1, 0, 1, 1, 0, 1])
    found = mosaic(x, y, scale=1)
    assert (found.shown, found.total) == (6, 6)
    for row, members in enumerate([[1, 4], [0, 2, 3, 5]]):
        for column, index in enumerate(members):
            expected = np.round(x[index] * 255).astype(np.uint8)
            assert np.array_equal(cell(found.image, row, column, 4, 5).transpose(2, 0, 1), expected)


def test_enlarging_repeats_pixels():
    x = np.random.default_rng(1).random((3, 1, 8, 8)).astype(np.float32)
    small, large = mosaic(x, scale=1).image, mosaic(x, scale=3).image
    assert large.shape == (small.shape[0] * 3, small.shape[1] * 3, 3)
    assert np.array_equal(large[::3, ::3], small)
    assert np.array_equal(large[2::3, 1::3], small)


def test_long_classes_wrap_and_what_is_left_out_is_counted():
    x, y = np.zeros((130, 1, 2, 2), np.float32), np.zeros(130, np.int64)
    assert mosaic(x, y, scale=1).shown == 130
    assert mosaic(x, y, columns=2, scale=1).shown == 100


def test_no_class_is_left_out_of_a_large_set():
    """Ten classes of 500: five rows of each; two small classes leave their room to a large one."""
    y = np.repeat(np.arange(10), 500)
    x = (y / 10).astype(np.float32)[:, None, None, None] * np.ones((1, 1, 2, 2), np.float32)
    found = mosaic(x, y, scale=1)
    values = {int(cell(found.image, row, 0, 2, 2)[0, 0, 0]) for row in range(50)}
    assert found.shown == 2500 and len(values) == 10
    assert mosaic(x[:4000], np.repeat([0, 1, 2], [10, 10, 3980]), scale=1).shown == 20 + 48 * 50


def test_png_is_lossless():
    image = mosaic(np.random.default_rng(2).random((4, 3, 6, 6))).image
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(to_png(image)))), image)


def test_points_have_no_mosaic():
    with pytest.raises(ConfigError, match=r"got \(5, 1, 1, 2\)"):
        mosaic(np.zeros((5, 1, 1, 2), np.float32))
