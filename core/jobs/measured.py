"""Parts of what runs found, as JSON values; `core.jobs.results` says what each kind makes of them."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from core.engine.job import Job
from core.evaluation.options import EvaluationConfig
from core.settings.run import MethodChoice
from core.types import Accuracy, CondensedSet, Dataset, NearestReport, RobustnessReport, TrainedModel
from core.types.report import CertifiedReport


def of_data(dataset: Dataset, job: Job) -> dict[str, Any]:
    """What was worked on, where, and how long so far."""
    return {
        "data": dataset.name,
        "data_hash": dataset.hash,
        "classes": list(dataset.classes),
        "shape": list(dataset.train.shape),
        "rgb": dataset.train.shape[0] == 3,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "device": job.device,
        "seconds": round(sum(job.ledger.seconds.values()), 3),
        "seconds_by_stage": dict(job.ledger.seconds),
        "out": str(job.folder),
    }


def of_condensed(condensed: CondensedSet, choice: MethodChoice, seed: int) -> dict[str, Any]:
    """The method with its budget, radius and whatever else it told.

    ipc     as asked for, else the mean number of images per class
    radius  covering radius in pixel units of [0, 1], None where the method has none
    """
    asked = getattr(choice.options, "ipc", None)
    about = {
        "method": choice.name,
        "budget": len(condensed),
        "ipc": asked if asked is not None else round(len(condensed) / condensed.n_classes, 3),
        "radius": condensed.radius,
        "norm": condensed.norm,
        "seed": seed,
    }
    return {**about, **plain(condensed.info.to_json()), **about}  # what a method tells never replaces what we measured


def of_short_classes(dataset: Dataset, condensed: CondensedSet, choice: MethodChoice) -> list[str]:
    """A note where classes have fewer images than were asked for of each; nothing for methods without such a number."""
    asked = getattr(choice.options, "ipc", None)
    if asked is None:
        return []
    real, made = (np.bincount(y, minlength=dataset.n_classes) for y in (dataset.train.y, condensed.y))
    short = np.flatnonzero(real < asked)
    if not len(short):
        return []
    named = ", ".join(f"{dataset.classes[label]} ({real[label]})" for label in short[:5])
    more = f" and {len(short) - 5:,} more" if len(short) > 5 else ""
    budget = (
        f"; the set has {made.sum():,} images instead of {asked * dataset.n_classes:,}" if (made < asked).any() else ""
    )
    return [f"classes with fewer than {asked} train images: {named}{more}{budget}"]


def of_brought(condensed: CondensedSet) -> list[str]:
    """What was decided about a set that was made elsewhere; nothing for those that were made here."""
    return list(condensed.info.to_json().get("set_notes", ()))


def of_members(distance: np.ndarray, norm: str) -> dict[str, Any]:
    """How far train images lie from their owner, for every method."""
    known = distance[np.isfinite(distance)]
    return {
        "largest_distance": float(known.max()) if len(known) else None,
        "mean_distance": float(known.mean()) if len(known) else None,
        "distance_norm": norm,
    }


def of_training(model: TrainedModel, network: str, training: str) -> dict[str, Any]:
    return {
        "network": network,
        "training": training,
        "kept": model.kept,
        "kept_epoch": model.epoch,
        "selection": model.selection,
    }


def of_report(report: RobustnessReport, config: EvaluationConfig) -> dict[str, Any]:
    """Accuracies with everything they were measured with; intervals hold 95 %."""
    return {
        "clean_acc": report.clean.value,
        "clean_interval": list(report.clean.interval),
        "robust_acc": report.robust.value,
        "interval": list(report.robust.interval),
        "attack": report.robust.attack.sentence(),
        "attack_norm": config.norm,
        "eps": config.eps,
        "eval_images": report.robust.images,
        "curve": [_point(point) for point in report.curve],
        "curve_images": report.curve[0].images if report.curve else 0,
        "attacks": [asdict(part) for part in report.parts],
        "by_class": [asdict(count) for count in report.classes],
        "notes": list(report.notes),
    }


def of_certified(report: CertifiedReport) -> dict[str, Any]:
    """What a certificate proves, beside what attacks leave of the same classifier; intervals hold 95 %."""
    return {
        "certified_acc": report.certified.value,
        "certified_interval": list(report.certified.interval),
        "certificate": report.certified.attack.sentence(),
        "certified_curve": [_point(point) for point in report.curve],
        "certified_radius": {f"{q:g}": plain(radius) for q, radius in report.radii.items()},
        "abstained": report.abstained,
    }


def of_nearest(report: NearestReport, config: EvaluationConfig) -> dict[str, Any]:
    """Both ends of the bracket of a nearest-neighbour classifier; intervals hold 95 %."""
    certified, robust = [[_point(pair[place]) for pair in report.curve] for place in (0, 1)]
    return {
        "clean_acc": report.clean.value,
        "clean_interval": list(report.clean.interval),
        "certified_acc": report.certified.value,
        "certified_interval": list(report.certified.interval),
        "certificate": report.certified.attack.sentence(),
        "certified_radius": {f"{q:g}": plain(radius) for q, radius in report.radii.items()},
        "robust_acc": report.robust.value,
        "interval": list(report.robust.interval),
        "attack": report.robust.attack.sentence(),
        "attack_norm": config.norm,
        "eps": config.eps,
        "eval_images": report.clean.images,
        "curve": robust,
        "certified_curve": certified,
        "curve_images": report.curve[0][0].images if report.curve else 0,
        "labels_note": " ".join(report.notes),
    }


def of_networks(found: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> dict[str, Any]:
    """The accuracies of several networks trained on one set, with mean and sample standard deviation.

    found  what `of_report` gave for each; the deviation of a single one is None
    """
    wanted = ("clean_acc", "clean_interval", "robust_acc", "interval", "curve")
    rows = [{"seed": seed, **{name: one[name] for name in wanted}} for seed, one in zip(seeds, found, strict=True)]
    values: dict[str, Any] = {"networks": rows}
    for name in ("clean", "robust"):
        shares = [row[f"{name}_acc"] for row in rows]
        values[f"{name}_mean"] = statistics.fmean(shares)
        values[f"{name}_std"] = statistics.stdev(shares) if len(shares) > 1 else None
    return values


def _point(accuracy: Accuracy) -> dict[str, Any]:
    low, high = accuracy.interval
    attack = accuracy.attack
    return {"eps": attack.eps, "value": accuracy.value, "low": low, "high": high, "attack": attack.sentence()}


def plain(values: Any) -> Any:
    """JSON values: numpy scalars and arrays become Python's, tuples lists, what is not finite None."""
    if isinstance(values, Mapping):
        return {str(name): plain(value) for name, value in values.items()}
    if isinstance(values, np.ndarray):
        return plain(values.tolist())
    if isinstance(values, list | tuple | set | frozenset):
        return [plain(value) for value in values]
    if isinstance(values, np.generic):
        return plain(values.item())
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values if isinstance(values, str | int | float | bool | None) else str(values)
