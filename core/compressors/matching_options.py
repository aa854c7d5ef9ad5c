"""Settings that DM, DC and DSA share, and how a preset fills those that were left empty. Light: read by the page."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from core.types import Options, option

Preset = Literal["fast", "paper"]


class MatchingOptions(Options):
    """What the matching methods share. A stored Config is complete: the preset's values stand in it as numbers."""

    PRESETS: ClassVar[Mapping[Preset, Mapping[str, Any]]]

    ipc: int = option(10, "learned images per class; a class with fewer has as many as it has", unit="images", ge=1,
                      le=5000)  # fmt: skip
    preset: Preset = option("fast", "values of what is left empty: for a demonstration, or as published")
    steps: int | None = option(None, "steps on the images; empty takes the preset's", unit="steps", ge=0, le=1_000_000)
    width: int | None = option(None, "channels of the networks; empty takes the preset's", ge=1, le=1024)
    batch: int | None = option(None, "real images per class and step; empty takes the preset's", unit="images", ge=1,
                               le=65_536)  # fmt: skip
    lr_img: float | None = option(None, "learning rate of the normalised images; empty takes the preset's", gt=0,
                                  le=1000)  # fmt: skip
    init: Literal["real", "noise"] = option("real", "first images: drawn from each class, or uniform noise")
    depth: int = option(3, "blocks of the networks", ge=1, le=5, advanced=True)
    momentum: float = option(0.5, "momentum of the steps on the images", ge=0, le=0.999, advanced=True)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: object) -> object:
        """Put the preset's values where nothing was given."""
        if not isinstance(data, dict):
            return data
        values = cls.filling(data.get("preset", "fast"), data.get("ipc", 10))
        return {**data, **{name: value for name, value in values.items() if data.get(name) is None}}

    @classmethod
    def filling(cls, preset: object, ipc: object) -> Mapping[str, Any]:
        """The values of a preset; none for a name that does not exist, which the field itself refuses."""
        return cls.PRESETS.get(preset, {})
