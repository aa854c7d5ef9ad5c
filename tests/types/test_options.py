"""Settings validate themselves, describe themselves, and speak in sentences."""

import re
from typing import Literal

import pytest

from core.errors import ConfigError
from core.types import Options, option


class Sample(Options):
    radius: float = option(1.0, "radius of a ball", unit="pixels in [0, 1]", gt=0, le=10, step=0.5)
    norm: Literal["L2", "Linf"] = option("L2", "norm of the ball")
    limit: int | None = option(None, "how many", unit="images", ge=1, advanced=True)


def test_describe_tells_a_form_everything():
    radius, norm, limit = Sample.describe()
    assert (radius.minimum, radius.maximum, radius.step, radius.unit) == (0, 10, 0.5, "pixels in [0, 1]")
    assert (norm.choices, norm.type, norm.default) == (("L2", "Linf"), str, "L2")
    assert (limit.optional, limit.type, limit.advanced, limit.minimum) == (True, int, True, 1)


def test_frozen_and_hashable():
    assert hash(Sample(radius=2)) == hash(Sample(radius=2.0))
    with pytest.raises(Exception, match="frozen"):
        Sample().radius = 3


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"radius": 0.0}, "radius: .*greater than 0, got 0.0"),
        ({"radius": float("nan")}, "radius: .*, got nan"),
        ({"norm": "L3"}, "norm: .*'L2' or 'Linf', got 'L3'"),
        ({"rdius": 1.0}, "rdius is not a setting here; there are: radius, norm, limit"),
        ({"limit": 0}, "limit: .*greater than or equal to 1, got 0"),
        ({"radius": -1, "norm": "x"}, "radius: .*; norm: "),
    ],
)
def test_wrong_settings_say_what_is_wrong(settings: dict, sentence: str):
    with pytest.raises(ConfigError, match=sentence):
        Sample(**settings)


def test_replace_validates():
    assert Sample().replace(radius=3.0).radius == 3.0
    with pytest.raises(ConfigError, match=re.escape("got 11")):
        Sample().replace(radius=11)
