"""95 % intervals of mean accuracies over seeds, and of differences between them.

A mean over seeds errs in two ways: seeds differ, which Student's t over seeds covers, and few images were judged, which
Wilson's interval over all judged images covers. The wider of the two stands; of one seed there is only the second.
A difference takes its interval from the two intervals of what is subtracted (Newcombe 1998, method 10; Zou & Donner
2008), as if both were independent: seeds and images that they share make the truth less uncertain than it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from core.types.report import Z95

T975 = (  # two-sided 95 % quantiles of Student's t with 1, 2, ... degrees of freedom
    12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139, 2.200985,
    2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024,
)  # fmt: skip
Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One accuracy minus another, in [-1, 1], with its 95 % interval."""

    value: float
    low: float
    high: float


def of_mean(values: Sequence[float], images: int) -> Interval:
    """The interval of the mean of one accuracy a seed, in [0, 1].

    images  judged images of all seeds together
    """
    low, high = wilson(fmean(values), images)
    if len(values) > 1:
        half = T975[min(len(values) - 1, len(T975)) - 1] * stdev(values) / sqrt(len(values))
        low, high = min(low, fmean(values) - half), max(high, fmean(values) + half)
    return max(0.0, low), min(1.0, high)


def wilson(share: float, images: int) -> Interval:
    """The score interval of a share of images (Wilson 1927); everything when no image was judged."""
    if images < 1:
        return 0.0, 1.0
    centre = (share + Z95 * Z95 / (2 * images)) / (1 + Z95 * Z95 / images)
    half = Z95 * sqrt(share * (1 - share) / images + (Z95 / images) ** 2 / 4) / (1 + Z95 * Z95 / images)
    return max(0.0, centre - half), min(1.0, centre + half)


def difference(one: float, of_one: Interval, other: float, of_other: Interval) -> Difference:
    """`one` minus `other`, each with its interval."""
    value = one - other
    down = sqrt((one - of_one[0]) ** 2 + (of_other[1] - other) ** 2)
    up = sqrt((of_one[1] - one) ** 2 + (other - of_other[0]) ** 2)
    return Difference(value=value, low=max(-1.0, value - down), high=min(1.0, value + up))


def overlap(one: Interval, other: Interval) -> bool:
    """Whether two intervals share a point: then the data do not say which of the two is larger."""
    return one[0] <= other[1] and other[0] <= one[1]
