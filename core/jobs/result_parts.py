"""What the values of several kinds of runs have in common: where, what was judged, what is proven, what was condensed.

Light. Accuracies lie in [0, 1], intervals hold 95 %. `core.jobs.results` has a value for each kind.
"""

from collections.abc import Mapping
from typing import Any, Self

from core.jobs.result_rows import AttackPart, ClassRow, Interval, Point
from core.types import RunRecord, Told, Values


class Result(Values):
    """What every kind says.

    seconds      wall seconds of all stages
    peak_rss_mb  largest resident memory, MB of 10^6 bytes
    out          folder with what the run left
    notes        sentences a reader needs
    """

    seconds: float | None = None
    peak_rss_mb: float | None = None
    out: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """JSON values of a result that has just been found; a name or kind of value that is not foreseen is refused."""
        return cls.read(dict(values)).to_json()

    @classmethod
    def of(cls, record: RunRecord) -> Self:
        """What a run found; blank while it has found nothing."""
        return cls.read(dict(record.result))


class OnData(Result):
    """On which data set, and where: shape is (c, h, w) of one image."""

    data: str = ""
    data_hash: str = ""
    classes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    rgb: bool = False
    train_images: int = 0
    test_images: int = 0
    device: str = ""
    seconds_by_stage: Mapping[str, float] = {}
    seed: int | None = None


class Judged(OnData):
    """A clean and a robust accuracy with the attack behind it: `attack` is its whole sentence."""

    clean_acc: float | None = None
    clean_interval: Interval | None = None
    robust_acc: float | None = None
    interval: Interval | None = None
    attack: str = ""
    attack_norm: str = ""
    eps: float | None = None
    eval_images: int = 0


class Evaluated(Judged):
    """With the eps-curve, the parts of the headline attack and counts by class; of which weights, if of a network."""

    curve: tuple[Point, ...] = ()
    curve_images: int = 0
    attacks: tuple[AttackPart, ...] = ()
    by_class: tuple[ClassRow, ...] = ()
    network: str = ""
    training: str = ""
    kept: str = ""
    kept_epoch: int | None = None
    selection: str = ""
    model_run: str = ""


class Proven(Values):
    """What a certificate proves of the classifier that the accuracies beside it are of.

    certified_acc     share of images proven right within eps
    certified_curve   the same at each eps of the curve
    certified_radius  quantiles of the proven radius over all judged images, 0 for wrong ones; {} where none is known
    abstained         images at which the certificate says nothing
    """

    certified_acc: float | None = None
    certified_interval: Interval | None = None
    certificate: str = ""
    certified_curve: tuple[Point, ...] = ()
    certified_radius: Mapping[str, float | None] = {}
    abstained: int | None = None


class Condensed(OnData, Told):
    """A condensed set.

    budget      images in it; ipc as asked for, else their mean number by class
    radius      covering radius in pixel units of [0, 1], None where the method has none
    separation  smallest distance between images of different classes; mixed_balls hold an image of another class
    """

    method: str = ""
    budget: int | None = None
    ipc: int | float | None = None
    radius: float | None = None
    norm: str | None = None
    separation: float | None = None
    mixed_balls: int | None = None
