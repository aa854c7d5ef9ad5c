"""Minimal finite covering: the fewest train images whose balls hold every image of their own class.

Give a radius and it looks for the fewest centres (P1), or a number of centres per class and it looks for the
smallest radius (P2); class by class, in L2, L1 or Linf, with proven lower bounds beside what it found.

Source: Chen & Selvan, "Is Adversarial Training with Compressed Datasets Effective?", arXiv:2402.05675. There the
covers come from a commercial solver; here from local search, linear programming and branch and bound.
Cost: about 3 s a class of 6,000 MNIST images for a radius, 15 s for a number of centres, 150-600 MB.
"""

import time
from collections.abc import Generator, Mapping

import numpy as np

from core.compressors.selection.options import MFC as Config
from core.covering.assemble import as_condensed
from core.covering.compose import cover_in_shards
from core.covering.distances import Metric, flat
from core.covering.fixed_budget import cover_budget
from core.covering.fixed_radius import cover_radius
from core.covering.solve import Effort, Step
from core.errors import ConfigError
from core.events import Progress, Work
from core.types import CondensedSet, TrainSplit, stream


def condense(
    train: TrainSplit,
    config: Config,
    *,
    n_classes: int,
    seed: int,
    device: str,
    checkpoint: Mapping[str, np.ndarray] | None = None,
) -> Work[CondensedSet]:
    """Cover every class.

    yields   Progress; done and total count classes; values `centres`, `radius`, `lower_bound`, `gap` over all
             classes; `state` holds all covers of the moment with their bounds, x and y too whenever one changed
    checkpoint  state of an earlier event: classes finished there are not solved again
    returns  CondensedSet that is a cover, with bounds, gaps and times in `info`
    raises   ConfigError when there is nothing to cover; ResourceError when the distances would not fit
    """
    if not len(train):
        raise ConfigError("mfc needs at least one train image, got none")
    metric, began = Metric(config.norm, train.levels), time.process_time()
    members = {int(label): np.flatnonzero(train.y == label) for label in np.unique(train.y)}
    steps = _restored(checkpoint, finished=True) if checkpoint else {}
    done = len(steps)
    solvers = {
        label: _solver(train, rows, metric, config, seed, label)
        for label, rows in members.items()
        if label not in steps
    }
    try:
        for label, solver in solvers.items():
            steps[label] = next(solver)
            yield _progress(train, members, steps, metric, config, done, f"first cover of class {label}", changed=True)
        for label, solver in solvers.items():
            for step in solver:
                changed = not np.array_equal(step.centres, steps[label].centres)
                steps[label] = step
                yield _progress(train, members, steps, metric, config, done, f"class {label}: {step.phase}", changed)
            done += 1
            yield _progress(train, members, steps, metric, config, done, f"class {label} finished", changed=False)
    finally:
        for solver in solvers.values():
            solver.close()
    return _measured(train, steps, metric, config, n_classes, time.process_time() - began)


def measured(
    train: TrainSplit, state: Mapping[str, np.ndarray], config: Config, *, n_classes: int
) -> CondensedSet | None:
    """The cover that the state of an event holds, with the bounds known then; None while a class has no cover."""
    steps = _restored(state)
    if set(steps) != set(np.unique(train.y).tolist()):
        return None
    return _measured(train, steps, Metric(config.norm, train.levels), config, n_classes, None)


def _measured(
    train: TrainSplit, steps: dict[int, Step], metric: Metric, config: Config, n_classes: int,
    seconds: float | None,
) -> CondensedSet:  # fmt: skip
    info = _summary(steps, metric, config, n_classes)
    indices = np.concatenate([np.flatnonzero(train.y == label)[step.centres] for label, step in sorted(steps.items())])
    distances = sum(step.seconds_distances for step in steps.values())
    info |= {"seconds_distances": distances, "seconds_solve": None if seconds is None else seconds - distances}
    return as_condensed(train, indices, metric, n_classes=n_classes, method="mfc", info=info)


def _state(steps: dict[int, Step]) -> dict[str, np.ndarray]:
    """Every class that has a cover as arrays; those that are `finished` are not solved again."""
    parts = list(steps.values())
    return {
        "labels": np.array(list(steps), np.int64),
        "counts": np.array([len(step.centres) for step in parts], np.int64),
        "centres": np.concatenate([step.centres for step in parts]),
        "numbers": np.array([[s.key, s.lower_k, s.lower_key, s.seconds_distances] for s in parts], np.float64),
        "flags": np.array([[s.proven, s.struck] for s in parts], bool),
        "finished": np.array([s.phase == "end" for s in parts], bool),
    }


def _restored(state: Mapping[str, np.ndarray], finished: bool = False) -> dict[int, Step]:
    """The inverse of `_state`; all its classes, or the finished ones only."""
    centres = np.split(np.asarray(state["centres"]), np.cumsum(state["counts"])[:-1])
    ended = state.get("finished", np.ones(len(state["labels"]), bool))  # older checkpoints hold finished classes only
    return {
        int(label): Step(
            centres=own, key=float(key), lower_k=int(lower_k), lower_key=float(lower_key), phase="end",
            proven=bool(proven), struck=bool(struck), seconds_distances=float(seconds),
        )
        for label, own, (key, lower_k, lower_key, seconds), (proven, struck), end in zip(
            state["labels"], centres, state["numbers"], state["flags"], ended, strict=True
        )
        if end or not finished
    }  # fmt: skip


def _solver(
    train: TrainSplit, rows: np.ndarray, metric: Metric, config: Config, seed: int, label: int
) -> Generator[Step, None, Step]:
    effort = Effort(
        steps=config.steps, rounds=config.rounds, nodes=config.nodes,
        seconds=config.seconds, memory=config.memory * 1_000_000,
    )  # fmt: skip
    points, own = flat(train.x[rows], metric), stream(seed, "mfc", label)
    if config.radius is None:
        assert config.ipc is not None and config.shards == 1, config
        return cover_budget(points, metric, config.ipc, effort, own)
    threshold = metric.threshold(config.radius)
    if config.shards > 1:
        return cover_in_shards(points, metric, threshold, effort, own, config.shards)
    return cover_radius(points, metric, threshold, effort, own)


def _progress(
    train: TrainSplit, members: dict[int, np.ndarray], steps: dict[int, Step], metric: Metric, config: Config,
    done: int, note: str, changed: bool,
) -> Progress:  # fmt: skip
    """The state over all classes that have a cover so far."""
    indices = np.concatenate([members[label][step.centres] for label, step in steps.items()])
    values = {"centres": float(len(indices))}
    if config.radius is None:
        values["radius"] = max(metric.radius(step.key) for step in steps.values())
        values["lower_bound"] = max(metric.radius(step.lower_key) for step in steps.values())
    else:
        values["radius"] = config.radius
        values["lower_bound"] = float(sum(step.lower_k for step in steps.values()))
    reached = values["radius"] if config.radius is None else values["centres"]
    if values["lower_bound"] > 0 and len(steps) == len(members):
        values["gap"] = reached / values["lower_bound"] - 1
    return Progress(
        stage="condense", done=done, total=len(members), unit="classes", values=values, note=note,
        x=train.pixels(indices) if changed else None, y=train.y[indices] if changed else None,
        state=_state(steps),
    )  # fmt: skip


def _summary(steps: dict[int, Step], metric: Metric, config: Config, n_classes: int) -> dict[str, object]:
    """Bounds and gaps as JSON values; lists are by class, None for a class without images."""
    by_class: list[Step | None] = [steps.get(label) for label in range(n_classes)]
    budget = config.radius is None
    lower: list[float | None] = [
        None if step is None else metric.radius(step.lower_key) if budget else step.lower_k for step in by_class
    ]
    reached: list[float | None] = [
        None if s is None else metric.radius(s.key) if budget else len(s.centres) for s in by_class
    ]
    known = [(r, bound) for r, bound in zip(reached, lower, strict=True) if r is not None and bound is not None]
    total = max if budget else sum
    top, bottom = total(r for r, _ in known), total(bound for _, bound in known)
    proven = all(step.proven for step in steps.values())
    gap = 0.0 if proven or top == bottom else top / bottom - 1 if bottom else None
    return {
        "lower_bound_k": None if budget else bottom,
        "lower_bound_radius": bottom if budget else None,
        "lower_bound_per_class": lower,
        "gap": gap,
        "gap_per_class": [_gap(*pair) for pair in zip(reached, lower, strict=True)],
        "proven": proven,
        "proven_per_class": [None if step is None else step.proven for step in by_class],
        "optimal": _optimal(proven, gap),
        "time_limit_struck": any(step.struck for step in steps.values()),
    }


def _optimal(proven: bool, gap: float | None) -> str:
    if proven:
        return "proven optimal"
    if gap == 0:
        return "largest radius proven optimal, not every class's"
    return "no bound" if gap is None else f"gap {gap:.1%}, not proven optimal"


def _gap(reached: float | None, lower: float | None) -> float | None:
    if reached is None or lower is None:
        return None
    return 0.0 if reached == lower else reached / lower - 1 if lower else None
