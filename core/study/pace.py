"""How much an evaluation has to do, and how long equal work took before.

Effort is counted in gradients of one image: a forward pass, as Square's queries are, counts as a third of one. Attacks
work on images that are right, and but for the first part on those that stand: what stands is taken from finished runs
of the same training where there are any. The seconds of a finished run on the same data with the same network,
divided by its effort, are the best pace there is; no clock that runs for a moment beats it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median

from core.evaluation.options import EvaluationConfig
from core.jobs.results import RunResult
from core.types import RunRecord

RIGHT, STANDING = 0.9, 0.4  # assumed shares of images that are right, and that withstand every attack
MARGIN = 50 * 3  # gradients of margin-PGD in "strong"
STEPS, QUERIES, TARGETS = 100, 5000, 9  # of AutoAttack's parts
RESTARTS_L1, TARGETS_L1 = 5, 5  # of APGD in L1
FORWARD = 1 / 3  # of a gradient
RECENT = 20  # finished runs that are asked at most


@dataclass(frozen=True)
class Shares:
    """Images right without an attack, and images standing under the headline attack, in [0, 1]."""

    right: float = RIGHT
    standing: float = STANDING


def effort(config: EvaluationConfig, n_classes: int, shares: Shares) -> float:
    """Gradients of one image that judging one network takes."""
    first, rest = _headline(config, n_classes)
    headline = config.images * (shares.right * first + shares.standing * rest)
    points = max(0, config.curve_points - 1)  # the point at 0 is no attack
    curve = points * config.curve_images * shares.standing * config.attack_steps * config.restarts
    return headline + curve + FORWARD * (config.images + config.curve_images)


def _headline(config: EvaluationConfig, n_classes: int) -> tuple[float, float]:
    """Gradients of the headline attack on an image that is right, and more on one that the first part leaves."""
    pgd = config.attack_steps * config.restarts
    if config.attack == "pgd":
        return 0.0, pgd
    if config.attack == "strong":
        return 0.0, pgd + MARGIN
    targets, in_l1 = min(TARGETS, n_classes - 1), config.norm == "L1"
    apgd = STEPS * (RESTARTS_L1 if in_l1 else 1)
    targeted = STEPS * min(targets, TARGETS_L1 if in_l1 else TARGETS) if n_classes > 3 else 0
    fab = 2 * STEPS * targets
    return apgd, targeted + fab + (0.0 if in_l1 else FORWARD * QUERIES)


class Known:
    """What finished runs on the same data with the same network say of an evaluation; newest first."""

    def __init__(self, done: Iterable[RunRecord], data: Mapping[str, object], network: Mapping[str, object]) -> None:
        same = (r for r in done if r.config.get("data") == data and r.config.get("network") == network)
        self._runs = [_Judged.of(record) for record in same if record.seconds.get("evaluate")]

    def shares(self, training: str, config: EvaluationConfig) -> Shares:
        """Of the runs of a training under the same attack; what is assumed where there are none."""
        same = [run for run in self._runs if run.training == training and _same(run.config, config)][:RECENT]
        if not same:
            return Shares()
        return Shares(fmean(run.shares.right for run in same), fmean(run.shares.standing for run in same))

    def pace(self, n_classes: int) -> float | None:
        """Seconds of one gradient of one image; None where nothing was judged yet."""
        found = [
            run.seconds / (run.networks * effort(run.config, n_classes, run.shares)) for run in self._runs[:RECENT]
        ]
        return median(found) if found else None


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """What one finished run says: its networks, how they were judged, what that found and the seconds it took."""

    training: str
    config: EvaluationConfig
    networks: int
    shares: Shares
    seconds: float

    @classmethod
    def of(cls, record: RunRecord) -> "_Judged":
        found = RunResult.of(record)
        return cls(
            training=record.config["training"]["name"], config=EvaluationConfig(**record.config["evaluation"]),
            networks=record.config.get("networks", 1), seconds=record.seconds["evaluate"],
            shares=Shares(found.clean_acc or 0.0, found.robust_acc or 0.0),
        )  # fmt: skip


def _same(one: EvaluationConfig, other: EvaluationConfig) -> bool:
    return (one.norm, one.eps, one.attack) == (other.norm, other.eps, other.attack)
