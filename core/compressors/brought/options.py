"""Settings of a set that was made elsewhere. Light: read by pages."""

from typing import Self

from pydantic import model_validator

from core.types import Options, option
from core.types.data import pairs


class Imported(Options):
    """Where the set is, and how its values are to be read; all of it is known by the file's content."""

    set: str = option("", "the set: a file (.pt, .npz, .zip, class folders) or a run that left one")
    ipc: int | None = option(None, "images per class that the set must have; empty takes it as it is", unit="images",
                             ge=1)  # fmt: skip
    number: int = option(1, "which set, where the file holds several", ge=1, advanced=True)
    set_range: str = option("", "stored values that mean black and white, as -1:1, or a pair a channel with commas",
                        advanced=True)  # fmt: skip
    clip: bool = option(False, "bring values beyond black and white to them", advanced=True)

    @model_validator(mode="after")
    def _range_can_be_read(self) -> Self:
        pairs(self.set_range)
        return self
