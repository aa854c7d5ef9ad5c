"""Rows within what runs found: points of curves, attacks, classes, networks and stops of a comparison. Light."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.types import Values

Interval = tuple[float, float]


class Point(Values):
    """One point of an eps-curve; a proof has no interval."""

    eps: float
    value: float
    low: float | None = None
    high: float | None = None
    attack: str = ""


class AttackPart(Values):
    """What one attack of several did: images it was given, images it broke, images it had judged."""

    name: str
    images: int
    broken: int
    seconds: float
    queries: int


class ClassRow(Values):
    """Judged images of a class that are right without an attack, and under the headline attack."""

    label: int
    images: int
    clean: int
    robust: int


class NetworkRow(Values):
    """The accuracies of one of several networks trained on a set."""

    seed: int
    clean_acc: float
    clean_interval: Interval
    robust_acc: float
    interval: Interval
    curve: tuple[Point, ...] = ()


class WidthRow(Values):
    """A model beside a kernel: its accuracies without an attack and under three; width None for what has none."""

    network: str
    title: str
    width: int | None
    seed: int
    images: int
    train_loss: float | None = None
    zero_gradient: float | None = None
    clean_acc: float
    clean_interval: Interval
    fgsm_acc: float
    fgsm_interval: Interval
    pgd_acc: float
    pgd_interval: Interval
    strong_acc: float
    strong_interval: Interval


class NearestRow(Values):
    """The nearest-neighbour classifier on a condensed set, between what is proven and what attacks leave.

    certified_acc     share of images proven right within eps; robust_acc is the share that no attack broke
    certified_radius  quantiles of the proven radius over all judged images, 0 for wrong ones; None is infinite
    curve             what attacks leave at each eps, certified_curve what is proven
    """

    clean_acc: float | None = None
    clean_interval: Interval | None = None
    certified_acc: float | None = None
    certified_interval: Interval | None = None
    certificate: str = ""
    certified_radius: Mapping[str, float | None] = {}
    robust_acc: float | None = None
    interval: Interval | None = None
    attack: str = ""
    attack_norm: str = ""
    eps: float | None = None
    eval_images: int = 0
    curve: tuple[Point, ...] = ()
    certified_curve: tuple[Point, ...] = ()
    curve_images: int = 0
    labels_note: str = ""


def rows(values: Sequence[Values]) -> list[dict[str, Any]]:
    """Values as plain rows, for figures and tables."""
    return [value.to_json() for value in values]
