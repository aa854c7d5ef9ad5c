"""Which array is images and which labels, of which part, by its name alone.

Known are x_train and y_train, train_images and train_labels (MedMNIST), images and labels, data and target, X and y, in
any case, with x_val or val_images for validation.
"""

import re
from collections.abc import Sequence

from core.datasets.found import PARTS, Part
from core.datasets.names import EXACT, listed
from core.errors import DataError

NAMES = ("x_train", "y_train", "x_test", "y_test")
IMAGES = ("x", "images", "image", "imgs", "img", "data", "pixels", "features", "inputs")
LABELS = ("y", "labels", "label", "targets", "target")


def roles(names: Sequence[str], owner: str) -> tuple[dict[str, tuple[Part, str]], list[str]]:
    """Which array is which, (part, "x" or "y") by name, and the names of the others.

    raises  DataError when images or labels are missing, or two arrays claim one role
    """
    found: dict[str, tuple[Part, str]] = {name: role for name in names if (role := role_of(name)) is not None}
    doubled = [role for role in found.values() if list(found.values()).count(role) > 1]
    if doubled:
        same = [name for name, role in found.items() if role == doubled[0]]
        raise DataError(f"{owner} has {listed(same)}, which are the same by their names: remove one")
    have, all_ = set(found.values()), listed(names, 8) or "nothing"
    for part in PARTS:
        x, y = (part, "x") in have, (part, "y") in have
        if part == "train" and not x:
            raise DataError(f"{owner} has no x_train, it has: {all_}; name the arrays {', '.join(NAMES)}")
        if part == "train" and not y:
            raise DataError(f"{owner} has no y_train, it has: {all_}; add it")
        if x != y:
            word = {"test": "x_test and y_test", "validation": "x_val and y_val"}[part]
            raise DataError(f"{owner} has only one of {word}: give both, or none for a split of our own")
    return found, [name for name in names if name not in found]


def role_of(name: str) -> tuple[Part, str] | None:
    """The part and kind that an array's name says, or None."""
    words = [word for word in re.split(r"[\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()) if word]
    if len(words) == 1 and (glued := re.fullmatch(r"(x|y)(train|test|val|valid)", words[0])):
        words = list(glued.groups())
    kinds = ["x" if word in IMAGES else "y" for word in words if word in IMAGES + LABELS]
    parts = [EXACT[word] for word in words if word in EXACT]
    if len(kinds) != 1 or len(parts) > 1 or len(kinds) + len(parts) != len(words):
        return None
    return (parts[0] if parts else "train"), kinds[0]
