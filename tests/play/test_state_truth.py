"""Links and files of Play: what goes in comes out."""

import io

import numpy as np
import pytest

from tests.play.conftest import Ask

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("count", [0, 1, 2, 3, 77, 400])
def test_points_survive_the_link(js: Ask, count: int):
    generator = np.random.default_rng(count)
    xy, labels = generator.integers(0, 4096, 2 * count) / 4095, generator.integers(0, 3, count)
    code = """{ const text = packPoints({ xy, labels }), back = unpackPoints(text);
      return [text, Array.from(back.xy), Array.from(back.labels)]; }"""
    text, found, classes = js(code, xy=xy, labels=labels)
    np.testing.assert_allclose(found, xy, atol=1e-12)
    assert classes == labels.tolist() and len(text) <= 1734 and text.isascii()


def test_settings_survive_the_link_and_nonsense_does_not(js: Ask):
    wanted = {"play.data": "own", "play.method": "cover", "play.k": "7", "play.eps": "0.123", "play.width": "Infinity"}
    query = "&".join(f"{name}={value}" for name, value in wanted.items()) + "&other=1"
    back = js("writeState(readState(query), query)", query=query)
    assert dict(pair.split("=") for pair in back.split("&")) == wanted | {"other": "1"}
    nonsense = "play.eps=9&play.k=half&play.norm=L7&play.method=%3Cscript%3E&play.depth=-1"
    assert js("readState(query)", query=nonsense) == js("readState('')")


def test_the_saved_file_is_what_numpy_reads(js: Ask):
    code = """{ const bytes = packArrays({ x_train: Float32Array.from(xy), y_train: Uint8Array.from(y) });
      return Array.from(bytes); }"""
    xy = np.float32(np.random.default_rng(0).random(14))
    with np.load(io.BytesIO(bytes(js(code, xy=xy, y=[0, 1, 2, 0, 1, 2, 1])))) as found:
        np.testing.assert_array_equal(found["x_train"], xy.reshape(-1, 2))
        assert found["y_train"].tolist() == [0, 1, 2, 0, 1, 2, 1]
