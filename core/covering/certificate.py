"""Verify a cover from the pixels alone.

Nothing the solver computed is believed: distances are taken again, pair by pair, by plain subtraction (int64 for
grey steps, float64 otherwise) instead of matrix products, and compared with what the condensed set claims.
A claim may be looser than the truth, never tighter; lower bounds, proofs and gaps must agree with what the cover
itself reaches (`claims.attack` looks for covers that refute them). Cost: one distance per train image.
"""

from dataclasses import asdict, dataclass

import numpy as np

from core.covering.claims import false_bounds
from core.covering.distances import FLOAT_TOLERANCE, Metric
from core.types import Balls, CondensedSet, TrainSplit, only_train

MOST_TOLD = 5  # rows named in one sentence


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What the pixels say about a cover.

    images, centres    how many train images and centres
    norm               norm of the radii
    exact              whether distances were integers: no tolerance was used
    radius             largest true distance to the assigned centre; None where nothing could be measured
    claimed_radius     what the condensed set says
    radius_per_class   the same by class, None for a class without images
    ball_radius        by centre; with weights and eps, all the bound on the adversarial loss needs
    weights            train images by centre
    mean_radius        ball radii averaged over train images
    violations         sentences; empty when every claim holds
    """

    images: int
    centres: int
    norm: str
    exact: bool
    radius: float | None
    claimed_radius: float | None
    radius_per_class: tuple[float | None, ...]
    ball_radius: tuple[float, ...]
    weights: tuple[int, ...]
    mean_radius: float | None
    violations: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether every claim holds."""
        return not self.violations

    def to_json(self) -> dict[str, object]:
        """Plain values, `valid` included."""
        return {"valid": self.valid, **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}}


def certify(train: TrainSplit, condensed: CondensedSet) -> Certificate:
    """Check that every train image lies in the claimed ball of a centre of its own class.

    returns  Certificate; `violations` lists every claim that fails
    """
    only_train(train)
    violations = _malformed(train, condensed)
    if violations:
        return _empty(train, condensed, violations)
    claimed = condensed.balls
    metric, owner = Metric(claimed.norm, train.levels), claimed.assignment
    centre_rows = claimed.indices[owner]
    violations += _wrong_centres(train, condensed, claimed.indices)
    crossed = np.flatnonzero(train.y[centre_rows] != train.y)
    if len(crossed):
        violations.append(f"images assigned to a centre of another class: {_some(crossed)}")
    keys = np.array(_keys_to(train, centre_rows, metric))
    ball_keys = np.zeros(len(condensed), keys.dtype)
    np.maximum.at(ball_keys, owner, keys)
    weights = np.bincount(owner, minlength=len(condensed))
    violations += _false_claims(claimed, metric, ball_keys, weights)
    radii = np.array([metric.radius(key) for key in ball_keys.tolist()])
    by_class = [keys[train.y == label] for label in range(condensed.n_classes)]
    reached = tuple(metric.radius(own.max().item()) if len(own) else None for own in by_class)
    violations += false_bounds(condensed, reached, exact=bool(metric.levels))
    return Certificate(
        images=len(train), centres=len(condensed), norm=metric.norm, exact=bool(metric.levels),
        radius=float(radii.max()), claimed_radius=condensed.radius,
        radius_per_class=reached,
        ball_radius=tuple(radii.tolist()), weights=tuple(weights.tolist()),
        mean_radius=float(radii @ weights / len(train)), violations=tuple(violations),
    )  # fmt: skip


def _malformed(train: TrainSplit, condensed: CondensedSet) -> list[str]:
    """Faults that leave nothing to measure."""
    if missing := condensed.missing():
        return [f"not a cover: {', '.join(missing)} missing"]
    m, faults = len(condensed), []
    shapes = {"indices": (m,), "assignment": (len(train),), "ball_radius": (m,), "weights": (m,)}
    for name, shape in shapes.items():
        if getattr(condensed, name).shape != shape:
            faults.append(f"{name} must have shape {shape}, got {getattr(condensed, name).shape}")
    for name, top in (("indices", len(train)), ("assignment", m)):
        array = getattr(condensed, name)
        outside = np.flatnonzero((array < 0) | (array >= top))
        if len(outside):
            faults.append(f"{name} must be in 0..{top - 1}, it is not at {_some(outside)}")
    if m == 0:
        faults.append("a cover needs at least one centre, got none")
    return faults


def _wrong_centres(train: TrainSplit, condensed: CondensedSet, indices: np.ndarray) -> list[str]:
    """Centres that are not the train images they claim to be."""
    faults = []
    if condensed.x.shape[1:] != train.shape:
        faults.append(f"images must have shape {train.shape}, got {condensed.x.shape[1:]}")
    else:
        differ = (condensed.x != train.pixels(indices)).reshape(len(condensed), -1).any(axis=1)
        if differ.any():
            faults.append(f"centres whose pixels are not those of their train image: {_some(np.flatnonzero(differ))}")
    wrong = np.flatnonzero(condensed.y != train.y[indices])
    if len(wrong):
        faults.append(f"centres whose label is not that of their train image: {_some(wrong)}")
    return faults


def _false_claims(claimed: Balls, metric: Metric, ball_keys: np.ndarray, weights: np.ndarray) -> list[str]:
    slack = 1.0 if metric.levels else 1.0 + FLOAT_TOLERANCE
    pairs = list(zip(ball_keys.tolist(), claimed.ball_radius.tolist(), strict=True))
    small = [s for s, (key, claim) in enumerate(pairs) if not metric.radius(key) <= claim * slack]
    faults = []
    if small:
        faults.append(f"ball radius understated at centres {_some(np.array(small))}")
    reached = metric.radius(ball_keys.max().item())
    if not reached <= claimed.radius * slack:
        faults.append(f"radius understated: claimed {claimed.radius!r}, the pixels say {reached!r}")
    wrong = np.flatnonzero(weights != claimed.weights)
    if len(wrong):
        faults.append(f"weight is not the number of assigned images at centres {_some(wrong)}")
    return faults


def _keys_to(train: TrainSplit, rows: np.ndarray, metric: Metric) -> list[float]:
    """Key between every train image and the train image at `rows`, by plain subtraction."""
    kind, keys = np.int64 if metric.levels else np.float64, []
    for first in range(0, len(train), 2_000):
        block = slice(first, first + 2_000)
        step = np.abs(train.x[block].astype(kind) - train.x[rows[block]].astype(kind)).reshape(len(rows[block]), -1)
        keys += (
            step.max(1) if metric.norm == "Linf" else (step if metric.norm == "L1" else step * step).sum(1)
        ).tolist()
    return keys


def _empty(train: TrainSplit, condensed: CondensedSet, violations: list[str]) -> Certificate:
    return Certificate(
        images=len(train), centres=len(condensed), norm=str(condensed.norm), exact=bool(train.levels), radius=None,
        claimed_radius=condensed.radius, radius_per_class=(None,) * condensed.n_classes, ball_radius=(), weights=(),
        mean_radius=None, violations=tuple(violations),
    )  # fmt: skip


def _some(rows: np.ndarray) -> str:
    told = ", ".join(str(r) for r in rows[:MOST_TOLD])
    return told + (f" and {len(rows) - MOST_TOLD} more" if len(rows) > MOST_TOLD else "")
