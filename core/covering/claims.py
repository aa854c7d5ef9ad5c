"""What a cover claims about how good it is: held against what it reaches, and attacked.

A lower bound cannot be read off the pixels as a radius can. Two things can be done without believing the solver that
proved it. Cheap: a bound is not above what the cover itself reaches, and what is called proven meets it. For a quick
solve: look for the cover that it says does not exist, by asking the *other* problem. That k centres reach no radius
below r is the same as more than k centres at the next smaller radius, so both kinds of claim are asked of
fixed_radius.py, which knows no bounds on radii. It finds such a cover, or derives the bound again, or cannot tell.
Cost of the attack: a few CPU s for a class of 6,000 MNIST images and the memory of its ball graph.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from core.covering.cover import cover_by
from core.covering.distances import FLOAT_TOLERANCE, SHARED, Metric, flat
from core.covering.fixed_radius import cover_radius
from core.covering.frontier import Frontier
from core.covering.solve import QUICK, Effort
from core.errors import ResourceError
from core.events import finish, through
from core.types import CondensedSet, Told, TrainSplit

REFUTING = replace(QUICK, rounds=30, nodes=50)  # to derive a bound again takes proofs as well
LISTS = ("lower_bound_per_class", "radius_per_class", "k_per_class", "gap_per_class", "proven_per_class")
SINGLE = ("lower_bound_radius", "lower_bound_k", "gap", "proven")
Entries = list[float | None]


@dataclass(frozen=True)
class Attack:
    """What became of the lower bounds when better covers were looked for.

    claimed  classes whose bound says anything
    derived  those whose bound was derived again
    beaten   sentences, one for each class with a cover that its bound says does not exist
    """

    claimed: int
    derived: int
    beaten: tuple[str, ...]


def false_bounds(condensed: CondensedSet, radii: Sequence[float | None], *, exact: bool) -> list[str]:
    """Sentences about claims in `info` that the cover itself contradicts.

    radii  by class the true radius, None for a class without images
    exact  whether distances are integers, so that nothing is excused
    """
    info, n, slack = condensed.info, condensed.n_classes, 1.0 if exact else 1.0 + FLOAT_TOLERANCE
    odd = [name for name in LISTS if not _fits(getattr(info, name), n)]
    odd += [name for name in SINGLE if not _number(getattr(info, name))]
    if odd:
        return [f"{', '.join(odd)}: expected a number or nothing, in lists one for each of {n} classes"]
    counts: Entries = [count or None for count in np.bincount(condensed.y, minlength=n).tolist()]
    faults = [
        f"{name} understated: {told!r} in class {label}, it is {true!r}"
        for name, claims, truth in (
            ("radius_per_class", info.radius_per_class, radii),
            ("k_per_class", info.k_per_class, counts),
        )
        for label, (told, true) in enumerate(zip(_entries(claims, n), truth, strict=True))
        if told is not None and told * slack < (true or 0)
    ]
    budget = info.lower_bound_radius is not None
    if not budget and info.lower_bound_k is None:
        return faults + (["called proven without a lower bound"] if _called_proven(info) else [])
    return faults + _against(info, radii if budget else counts, "radius" if budget else "number of centres", slack)


def _against(info: Told, reached: Sequence[float | None], what: str, slack: float) -> list[str]:
    """Bounds, proofs and gaps against what every class reaches, in one unit."""
    n, lower = len(reached), _entries(info.lower_bound_per_class, len(reached))
    pairs = list(zip(reached, lower, strict=True))
    faults = [
        f"false proof: class {label} has the lower bound {bound!r}, but its {what} is {value!r}"
        for label, (value, bound) in enumerate(pairs)
        if bound is not None and bound > (value or 0) * slack
    ]
    short = [
        label
        for label, (value, bound) in enumerate(pairs)
        if value is not None and (bound is None or bound * slack < value)
    ]
    for label, proven in enumerate(_entries(info.proven_per_class, n)):
        if proven and label in short:
            faults.append(f"class {label} is called proven, but its {what} is above its lower bound")
    if short and (info.proven or info.optimal == "proven optimal"):
        faults.append(f"called proven, but above the lower bound in classes {', '.join(map(str, short))}")
    total: Callable[[list[float]], float] = max if what == "radius" else sum
    top = total([value for value, _ in pairs if value is not None] or [0])
    bottom = total([bound or 0 for value, bound in pairs if value is not None] or [0])
    whole = info.lower_bound_radius if what == "radius" else info.lower_bound_k
    if whole is not None and whole > bottom * slack:
        faults.append(f"false proof: the lower bound of all classes is told as {whole!r}, theirs give {bottom!r}")
    gaps: list[tuple[str, float | None, float, float]] = [("of all classes", info.gap, top, bottom)]
    for label, gap in enumerate(_entries(info.gap_per_class, n)):
        gaps.append((f"of class {label}", gap, reached[label] or 0, lower[label] or 0))
    faults += [
        f"gap {whose} understated: told {gap!r} for a {what} of {value!r} above {bound!r}"
        for whose, gap, value, bound in gaps
        if gap is not None and value * (1 - 1e-9) > bound * (1 + gap)
    ]
    return faults


def _called_proven(info: Told) -> bool:
    return bool(info.proven) or info.optimal == "proven optimal" or any(info.proven_per_class)


def _entries(told: Sequence[float | None], n: int) -> Entries:
    """What is told by class, nothing for every class where there is none."""
    return list(told) or [None] * n


def _number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float, np.number)) and bool(np.isfinite(value)))


def _fits(values: Sequence[object], n: int) -> bool:
    return len(values) in (0, n) and all(map(_number, values))


def attack(train: TrainSplit, condensed: CondensedSet, effort: Effort = REFUTING) -> Generator[Attack, None, Attack]:
    """Look for covers that the lower bounds of a cover, free of `false_bounds`, say do not exist.

    yields   Attack so far, about once a second
    returns  Attack over all classes
    """
    info, balls, found = condensed.info, condensed.balls, Attack(0, 0, ())
    metric, lower = Metric(balls.norm, train.levels), _entries(info.lower_bound_per_class, condensed.n_classes)
    budget = info.lower_bound_radius is not None
    for label, bound in enumerate(lower):
        count = int((condensed.y == label).sum())
        if bound is None or not count or bound <= (0 if budget else 1):
            continue
        enough = count + 1 if budget else int(bound)
        threshold = just_below(metric, bound) if budget else metric.threshold(balls.radius)
        rows = flat(train.x[train.y == label], metric)
        centres, derived = yield from through(tried(rows, metric, threshold, enough, effort), partial(_still, found))
        beaten: tuple[str, ...] = ()
        if len(centres) < enough:
            reached = f"{len(centres)} centres within {metric.radius(cover_by(rows, centres, metric).key)!r}"
            beaten = (f"false proof: class {label} has the lower bound {bound!r}, but there is a cover by {reached}",)
        found = Attack(found.claimed + 1, found.derived + derived, found.beaten + beaten)
    yield found
    return found


def _still(found: Attack, moment: object) -> Attack:
    return found


def tried(
    rows: np.ndarray, metric: Metric, threshold: float, enough: int, effort: Effort
) -> Generator[None, None, tuple[np.ndarray, bool]]:
    """Ask whether a class needs `enough` centres for a threshold.

    yields   now and then
    returns  the fewest centres found, and whether it was derived that no fewer than `enough` will do; all images and
             False where the ball graph does not fit the memory
    """
    centres = np.arange(len(rows))
    try:
        for step in cover_radius(rows, metric, threshold, effort, 0):
            centres = step.centres
            if len(centres) < enough or step.lower_k >= enough:
                break
            yield
    except ResourceError:
        return centres, False
    return centres, len(centres) >= enough and step.lower_k >= enough


def just_below(metric: Metric, radius: float) -> float:
    """The largest key that is certainly nearer than a radius."""
    return metric.threshold(float(np.nextafter(radius, 0)) if metric.levels else radius * (1 - SHARED))


def false_frontier(rows: np.ndarray, metric: Metric, found: Frontier, effort: Effort | None = None) -> list[str]:
    """Sentences about entries of a frontier that do not hold, its radii taken again from the centres.

    effort  with which covers below the lower bounds are looked for, too; None for no search
    """
    faults = []
    entries = zip(found.radius.tolist(), found.lower.tolist(), found.proven.tolist(), found.centres, strict=True)
    slack = 1.0 if metric.levels else 1.0 + FLOAT_TOLERANCE
    for k, (radius, lower, proven, centres) in enumerate(entries, start=1):
        true = metric.radius(cover_by(rows, centres, metric).key)
        if len(np.unique(centres)) > k or true > radius * slack:
            faults.append(f"{k} centres are said to reach {radius!r}, those kept are {len(centres)} and reach {true!r}")
        if lower > radius * slack or (proven and lower * slack < radius):
            faults.append(f"false proof: {k} centres reach {radius!r}, the lower bound is {lower!r}, proven {proven}")
        elif effort is not None and lower > 0:
            better, _ = finish(tried(rows, metric, just_below(metric, lower), k + 1, effort))
            if len(better) <= k:
                faults.append(f"false proof: {k} centres reach a radius below the lower bound {lower!r}")
    if (np.diff(found.radius) > 0).any() or (np.diff(found.lower) > 0).any():
        faults.append("radii and lower bounds must not grow with the number of centres")
    return faults
