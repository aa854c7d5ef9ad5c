"""Which data set a condensed set or a network was made from: the names of its classes, and the hash of its train split.

Of the train split alone: nothing that is made of it may depend on test images, not even by a name.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from core.types.data import Dataset


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What travels with everything that is made from a data set; blank where nobody wrote it down.

    classes     names by label
    train_hash  of the train split as it was loaded
    """

    classes: tuple[str, ...] = ()
    train_hash: str = ""

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """The origin of what is made from this data set."""
        return cls(classes=dataset.classes, train_hash=dataset.train.hash)

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """From JSON values; ValueError for any that are no origin."""
        classes, train_hash = value.get("classes", []), value.get("train_hash", "")
        if not isinstance(classes, list) or not isinstance(train_hash, str):
            raise ValueError("an origin has a list of classes and a hash")
        return cls(classes=tuple(str(name) for name in classes), train_hash=train_hash)

    def to_json(self) -> dict[str, Any]:
        """JSON values that `read` takes."""
        return asdict(self) | {"classes": list(self.classes)}

    @property
    def named(self) -> bool:
        """Whether the classes have names; mere numbers say nothing about what a label means."""
        return bool(self.classes) and self.classes != tuple(map(str, range(len(self.classes))))

    def is_of(self, dataset: Dataset) -> bool:
        """Whether its train split has the same pixels and labels."""
        return bool(self.train_hash) and self.train_hash == dataset.train.hash

    def contradicts(self, dataset: Dataset) -> bool:
        """Whether a label means something else here than there, as far as names tell."""
        there = Origin(classes=dataset.classes)
        return not self.is_of(dataset) and self.named and there.named and self.classes != there.classes
