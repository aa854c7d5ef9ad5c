"""What a reader hands on: the images and labels of each part exactly as the source stores them.

A reader changes no value and decides no meaning. What values and labels mean is decided for all readers alike, in
`core.datasets.ranges`, `core.datasets.labels` and `core.datasets.arrays`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from core.types import LeftOut

Array = np.ndarray[Any, np.dtype[Any]]
Part = Literal["train", "test", "validation"]
PARTS: tuple[Part, ...] = ("train", "test", "validation")


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """The content of a source.

    name      what the data set is called
    layout    the form of the source, in words
    x, y      images and labels by part, as stored; the first axis counts images, labels are numbers or texts
    called    what the source calls the images and labels of a part, for sentences: {"train": ("x_train", "y_train")}
    classes   names by label where labels are numbers; empty when the source has none
    named     class names that the source writes otherwise
    depth     largest value that the source's own header allows (255, 65535), 0 where no header says so
    shaped    "channels first" for (n, c, h, w), "" where the layout has to be told from the sizes
    left_out  what takes no part
    notes     sentences for the reader
    """

    name: str
    source: str
    layout: str
    x: Mapping[Part, Array]
    y: Mapping[Part, Array]
    called: Mapping[Part, tuple[str, str]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    depth: int = 0
    shaped: Literal["", "channels first"] = ""
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def images(self, part: Part) -> str:
        """What the source calls the images of a part."""
        return self.called.get(part, (f"x_{part}", ""))[0]

    def labels(self, part: Part) -> str:
        """What the source calls the labels of a part."""
        return self.called.get(part, ("", f"y_{part}"))[1]
