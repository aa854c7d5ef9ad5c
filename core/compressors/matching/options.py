"""Settings of DM, DC and DSA, and how a preset fills those that were left empty. Light: read by pages."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import model_validator

from core.types import Norm, Options, option

Preset = Literal["fast", "paper"]
ROUNDS = 1000  # networks drawn, as published


class MatchingOptions(Options):
    """What the matching methods share. A stored Config is complete: the preset's values stand in it as numbers."""

    PRESETS: ClassVar[Mapping[Preset, Mapping[str, float]]]

    ipc: int = option(10, "learned images per class; a class with fewer has as many as it has", unit="images", ge=1,
                      le=5000)  # fmt: skip
    preset: Preset = option("fast", "values of what is left empty: for a demonstration, or as published")
    steps: int = option(None, "steps on the images; empty takes the preset's", unit="steps", ge=0, le=1_000_000,
                        filled=True)  # fmt: skip
    width: int = option(None, "channels of the networks; empty takes the preset's", ge=1, le=1024, filled=True)
    batch: int = option(None, "real images per class and step; empty takes the preset's", unit="images", ge=1,
                       le=65_536, filled=True)  # fmt: skip
    lr_img: float = option(None, "learning rate of the normalised images; empty takes the preset's", gt=0, le=1000,
                           filled=True)  # fmt: skip
    init: Literal["real", "noise"] = option("real", "first images: drawn from each class, or uniform noise")
    depth: int = option(3, "blocks of the networks", ge=1, le=5, advanced=True)
    momentum: float = option(0.5, "momentum of the steps on the images", ge=0, le=0.999, advanced=True)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: object) -> object:
        """Put the preset's values where nothing was given."""
        if not isinstance(data, dict):
            return data
        preset: Preset = "paper" if data.get("preset") == "paper" else "fast"  # another is refused by its field
        ipc = data.get("ipc", 10)
        values = cls.filling(preset, ipc if isinstance(ipc, int) and 1 <= ipc <= 5000 else 10)  # likewise
        return {**data, **{name: value for name, value in values.items() if data.get(name) is None}}

    @classmethod
    def filling(cls, preset: Preset, ipc: int) -> dict[str, float]:
        """The values of a preset for a number of images per class."""
        return dict(cls.PRESETS[preset])


class DM(MatchingOptions):
    """Settings of distribution matching."""

    PRESETS: ClassVar = {
        "fast": {"steps": 600, "width": 32, "batch": 64},
        "paper": {"steps": 20_000, "width": 128, "batch": 256, "lr_img": 1.0},
    }

    augment: Literal["auto", "off", "flip"] = option(
        "auto", "change real and learned images alike; auto mirrors colour images only, flip all, points never change"
    )

    @classmethod
    def filling(cls, preset: Preset, ipc: int) -> dict[str, float]:
        """As published; the fast steps grow with ipc, since each image has that share of the gradient of a mean."""
        return {"lr_img": min(3 * ipc / 10, 1000.0)} | super().filling(preset, ipc)


class GradientOptions(MatchingOptions):
    """What DC and DSA share."""

    PRESETS: ClassVar = {
        "fast": {"steps": 200, "width": 32, "batch": 64, "lr_img": 0.1, "outer": 10, "inner": 5},
        "paper": {"width": 128, "batch": 256, "lr_img": 0.1},
    }

    outer: int = option(None, "steps on the images before a new network is drawn; empty takes the preset's",
                        unit="steps", ge=1, le=10_000, advanced=True, filled=True)  # fmt: skip
    inner: int = option(None, "passes over the learned images that train the network between two of these; empty takes "
                        "the preset's", unit="passes", ge=0, le=10_000, advanced=True, filled=True)  # fmt: skip
    lr_net: float = option(0.01, "learning rate of the networks", gt=0, le=10, advanced=True)

    @classmethod
    def filling(cls, preset: Preset, ipc: int) -> dict[str, float]:
        """As published for 1, 10, 20 and 50 images per class; in between by the same rule."""
        values = super().filling(preset, ipc)
        if preset == "paper":
            outer = min(ipc, 50)
            values |= {"outer": outer, "inner": 1 if ipc == 1 else 500 // outer, "steps": ROUNDS * outer}
        return values


class DC(GradientOptions):
    """Settings of gradient matching."""


class DSA(GradientOptions):
    """Settings of DSA."""

    augment: Literal["auto", "off", "flip"] = option(
        "auto", "change real and learned images alike; auto mirrors colour images only, flip all, points never change"
    )


class RobustDM(MatchingOptions):
    """Settings of robust distribution matching."""

    PRESETS: ClassVar = {
        "fast": {"steps": 200, "width": 16, "batch": 32, "lr_img": 2.0, "pool": 8, "inner": 2, "lr_net": 0.05,
                 "attack_steps": 4, "told_apart": 0.05},
        "paper": {"steps": 20_000, "width": 128, "lr_img": 0.2, "pool": 100, "inner": 10, "lr_net": 0.01,
                  "attack_steps": 10},
    }  # fmt: skip

    norm: Norm = option("Linf", "norm of the attack on real images")
    eps: float = option(0.1, "largest perturbation; 8/255 is usual for colour images", unit="pixels in [0, 1]", ge=0)
    attack_steps: int = option(None, "gradient steps of the attack, each 2.5 eps / steps; empty takes the preset's",
                               unit="steps", ge=0, le=1000, filled=True)  # fmt: skip
    aim: Literal["untargeted", "next"] = option(
        "untargeted", "attack away from the class, or towards the next one as published", advanced=True
    )
    robust_share: float = option(
        0.2, "weight of matching attacked images; the rest is for being told apart", ge=0, le=1
    )
    told_apart: float = option(None, "weight of the cross-entropy of the learned images; empty takes the preset's, "
                               "published 0.5, and 0.1 for 50 images per class", ge=0, le=100, advanced=True,
                               filled=True)  # fmt: skip
    distance: Literal["squared", "tv"] = option(
        "squared", "between mean features: squared L2 as in DM, or squared half L1 as published", advanced=True
    )
    contrast: float = option(
        0.0, "share of a supervised contrast with attacked images (C²R); 0 is off, published 0.4 to 0.6", ge=0, le=1
    )
    temperature: float = option(0.1, "of the contrast", gt=0, le=10, advanced=True)
    order: Literal["random", "margin"] = option(
        "random", "real images of a class: at random, or those that attacks broke widest first (C²R)"
    )
    pool: int = option(None, "most networks kept; empty takes the preset's", ge=1, le=1000, advanced=True, filled=True)
    fresh: int = option(None, "steps until a fresh network comes; empty takes 30, and 5 for one image per class",
                        unit="steps", ge=1, le=100_000, advanced=True, filled=True)  # fmt: skip
    inner: int = option(None, "training steps of a network at each step; empty takes the preset's", unit="steps", ge=0,
                        le=1000, advanced=True, filled=True)  # fmt: skip
    lr_net: float = option(None, "learning rate of the networks; empty takes the preset's", gt=0, le=10,
                           advanced=True, filled=True)  # fmt: skip
    augment: Literal["auto", "off", "flip"] = option(
        "auto", "change real and learned images alike; auto mirrors colour images only, flip all, points never change"
    )

    @classmethod
    def filling(cls, preset: Preset, ipc: int) -> dict[str, float]:
        """As published for 1, 10 and 50 images per class; between them as for the fewer."""
        values: dict[str, float] = {"told_apart": 0.5 if ipc < 50 else 0.1, "fresh": 5 if ipc == 1 else 30}
        if preset == "paper":
            values["batch"] = 5000 if ipc == 1 else 256
        return values | super().filling(preset, ipc)
