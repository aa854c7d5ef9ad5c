"""Where images and labels are in what a file holds, by the forms in which condensed sets are published.

`{"data": [[images, labels], ...]}` is what the code of DC, DSA, DM and their descendants saves, an entry a repetition;
`[images, labels]`, a dict of both under their usual names, and two files images_….pt and labels_….pt (MTT) are known
too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.datasets.found import Array
from core.errors import DataError

IMAGES = ("images", "image", "x", "x_train", "images_train", "train_images", "image_syn", "images_syn", "x_syn",
          "syn_images", "img", "data")  # fmt: skip
LABELS = ("labels", "label", "y", "y_train", "labels_train", "train_labels", "label_syn", "labels_syn", "y_syn",
          "syn_labels", "targets", "target")  # fmt: skip
WANTED = "expected {'data': [[images, labels], ...]} or [images, labels]"


@dataclass(frozen=True, kw_only=True, eq=False)
class Content:
    """A set as stored: images with one label each, or one row of a soft label.

    layout  in words
    sets    how many sets the file holds
    """

    images: Array
    labels: Array
    layout: str
    sets: int = 1
    notes: tuple[str, ...] = field(default=())


def chosen(content: Any, number: int, name: str) -> Content:
    """One set of what a file holds.

    number  which, counted from 1
    raises  DataError naming what was expected and what there is
    """
    found, layout = _sets(content, name)
    if not 1 <= number <= len(found):
        raise DataError(f"{name} holds {len(found)} sets, there is no {number}: give --number 1 to {len(found)}")
    images, labels = found[number - 1]
    if len(images) != len(labels):
        raise DataError(f"{name} has {len(images)} images and {len(labels)} labels: one each is needed")
    if not len(images):
        raise DataError(f"{name} has no images: {WANTED}")
    notes = (f"the file holds {len(found)} sets, number {number} is taken",) if len(found) > 1 else ()
    return Content(images=images, labels=labels, layout=layout, sets=len(found), notes=notes)


def _sets(content: Any, name: str) -> tuple[list[tuple[Array, Array]], str]:
    if isinstance(content, Mapping):
        inner = content.get("data")
        if isinstance(inner, list) and inner and all(map(_is_pair, inner)):
            return [tuple(pair) for pair in inner], "a dict whose data is a list of [images, labels]"
        lower = {key.lower(): value for key, value in content.items()}
        images, labels = _first(lower, IMAGES), _first(lower, LABELS)
        if images is not None and labels is not None:
            return [(images, labels)], "a dict of images and labels"
        raise DataError(f"{name} is a dict of {_listed(content)}, in which no images and labels are found: {WANTED}")
    if isinstance(content, list) and _is_pair(content):
        return [(content[0], content[1])], "[images, labels]"
    if isinstance(content, list) and content and all(map(_is_pair, content)):
        return [tuple(pair) for pair in content], "a list of [images, labels]"
    if isinstance(content, np.ndarray):
        raise DataError(
            f"{name} is one tensor of shape {content.shape}: give images and labels together, or as images_….pt with "
            "labels_….pt beside it"
        )
    raise DataError(f"{name} holds a {type(content).__name__}, no condensed set: {WANTED}")


def _is_pair(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(part, np.ndarray) for part in value)
        and value[0].ndim >= 2
        and value[1].ndim in (1, 2)
    )


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> Array | None:
    return next((values[n] for n in names if isinstance(values.get(n), np.ndarray) and values[n].ndim >= 1), None)


def _listed(content: Mapping[str, Any]) -> str:
    names = [key[:30] for key in content]
    return ", ".join(names[:6]) + (" …" if names[6:] else "") if names else "nothing"
