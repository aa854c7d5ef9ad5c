"""What each kind of run on coverings found: a cover, its bound, a frontier, what a certificate says."""

from core.jobs.result_parts import Condensed, OnData, Result


class CoverResult(Condensed):
    """A cover that may have been stopped early, measured and certified; train_counts are by class in label order.

    overlap  train images by the number of balls of their class that hold them: 0, 1, 2, 3, 4 or more
    nearest_right, nearest_median  share of nearest_images test images that nearest neighbour on the centres keeps right
                                   within a proven radius, and the median of that radius, 0 for wrong images
    """

    nearest_right: float | None = None
    nearest_median: float | None = None
    nearest_images: int = 0

    stopped: bool = False
    fix: str = ""
    radius_asked: float | None = None
    valid: bool = False
    violations: tuple[str, ...] = ()
    exact: bool = False
    mean_radius: float | None = None
    train_counts: tuple[int, ...] = ()
    overlap: tuple[int, ...] | None = None
    overlap_other: int | None = None


class BoundResult(OnData):
    """Both sides of the bound of a cover, each estimated by PGD from below."""

    left: float | None = None
    right: float | None = None
    holds: bool | None = None
    estimate: bool = True
    eps: float | None = None
    norm: str = ""
    radius: float | None = None
    images: int = 0
    centres: int = 0
    steps: int = 0
    restarts: int = 0
    model_run: str = ""


class FrontierResult(Result):
    """A traced frontier; its rows are in the cache of the data set."""

    data_hash: str = ""
    norm: str = ""
    coarse: bool = False
    points: int = 0
    seed: int | None = None


class CertifyResult(OnData):
    """What the pixels say of a cover, with how its lower bounds stood up to attack, or of a list of radii."""

    claim: str = ""
    radii_claimed: int = 0
    radii_wrong: int = 0
    valid: bool = False
    violations: tuple[str, ...] = ()
    images: int = 0
    centres: int = 0
    norm: str = ""
    exact: bool = False
    radius: float | None = None
    claimed_radius: float | None = None
    radius_per_class: tuple[float | None, ...] = ()
    ball_radius: tuple[float, ...] = ()
    weights: tuple[int, ...] = ()
    mean_radius: float | None = None
    bounds_claimed: int = 0
    bounds_derived_again: int = 0
