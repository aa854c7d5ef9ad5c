"""The nearest-neighbour classifier on a condensed set between what is proven and what attacks leave.

The robust accuracy at eps lies between the share of images whose proven radius is longer (core.certificates.nearest)
and the share that no attack broke: straight to each foreign centre first, then PGD on the margin for what is left.
Only images that are right and not proven need to be attacked. Every fall is judged again in float64.
Cost: |S| distances per image for both ends; a second or so for 1,000 images and 100 centres.
"""

import time
from collections.abc import Generator

import numpy as np
import torch

from core.attacks import pgd_steps
from core.certificates.classifier import NearestCentre
from core.certificates.line import towards_each
from core.certificates.nearest import Centres, Proven, prove
from core.errors import ConfigError
from core.evaluation.evaluate import curve_eps
from core.evaluation.options import EvaluationConfig as Config
from core.evaluation.sample import choose
from core.events import Progress, Work, pulsing, through
from core.types import Accuracy, Attack, CondensedSet, NearestReport, TestSplit, stream

STEPS, RESTARTS = 50, 3  # of PGD on the margin
CERTIFICATE = "nearest-neighbour certificate"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

Doing = Generator[int, None, np.ndarray]


def centres(condensed: CondensedSet) -> tuple[Centres, tuple[str, ...]]:
    """The images of a set as labelled centres, and what must be said of their labels.

    Learned labels count as the class they are largest for; one that does not decide is refused.
    """
    soft = condensed.soft_labels
    if soft is None:
        return Centres.of(condensed.x, condensed.y), ()
    first, second = np.sort(soft, 1)[:, :-3:-1].T if soft.shape[1] > 1 else (soft[:, 0], soft[:, 0] - 1)
    undecided = np.flatnonzero(first <= second)
    if len(undecided):
        raise ConfigError(
            f"a nearest-neighbour classifier needs one class for each image; the learned labels of image "
            f"{undecided[0]} are largest for two: choose a set with fixed labels"
        )
    labels = soft.argmax(1).astype(np.int64)
    changed = int((labels != condensed.y).sum())
    note = (
        f"learned labels count as the class they are largest for, another than at first for {changed} of {len(labels)}"
    )
    return Centres.of(condensed.x, labels), (note,)


def judge(condensed: CondensedSet, test: TestSplit, config: Config, *, seed: int) -> Work[NearestReport]:
    """Prove and attack the nearest-neighbour classifier on the test images that a network would be judged on.

    yields   Progress with stage "evaluate"; done and total count images
    returns  NearestReport
    raises   ConfigError for labels that name no class
    """
    classifier, notes = centres(condensed)
    began, rows = time.perf_counter(), choose(test, config.images, seed)
    x, y = test.pixels(rows), test.y[rows]
    strengths = curve_eps(config)
    total = (2 + len(strengths)) * len(rows)

    def event(done: int) -> Progress:
        return Progress(stage="evaluate", done=min(done, total), total=total, unit="images", note="nearest neighbour")

    proven = yield from through(prove(x, y, classifier, config.norm), event)

    def bracket(eps: float, part: slice) -> Work[tuple[Accuracy, Accuracy]]:
        found = proven.take(part)
        standing = yield from pulsing(
            standing_at(x[part], y[part], found, classifier, condensed.n_classes, config, eps, seed), event
        )
        sure = (found.radius > eps) if eps else found.right
        return _share(sure, CERTIFICATE, config, eps, seed, began), _share(
            standing, _attack(), config, eps, seed, began
        )

    certified, robust = yield from bracket(config.eps, slice(None))
    curve = []
    for eps in strengths:
        curve.append((yield from bracket(eps, slice(config.curve_images))))
    return NearestReport(
        clean=_share(proven.right, "none", config, 0.0, seed, began), certified=certified, robust=robust,
        curve=tuple(curve), radii={q: float(np.quantile(proven.radius, q)) for q in QUANTILES}, notes=notes,
        rows=tuple(rows.tolist()), radius=tuple(proven.radius.tolist()),
    )  # fmt: skip


def standing_at(
    x: np.ndarray, y: np.ndarray, proven: Proven, classifier: Centres, n_classes: int, config: Config, eps: float,
    seed: int,
) -> Doing:  # fmt: skip
    """(n,) bool: right, and broken by no attack at eps."""
    standing = proven.right.copy()
    open_ = np.flatnonzero(proven.right & (proven.radius <= eps)) if eps else np.empty(0, np.int64)
    if not len(open_):
        return standing
    _, fell = yield from towards_each(x[open_], y[open_], classifier, config.norm, eps)
    standing[open_[fell]] = False
    left = open_[~fell]
    if len(left):
        images, labels = torch.from_numpy(x[left]).double(), torch.from_numpy(y[left])
        work = pgd_steps(
            NearestCentre(classifier, n_classes), images, labels, norm=config.norm, eps=eps, steps=STEPS,
            restarts=RESTARTS, loss="margin", generator=torch.Generator().manual_seed(stream(seed, "nearest", "pgd")),
        )  # fmt: skip
        moved = yield from through(work, lambda _: 0)
        again = yield from prove(moved.numpy(), y[left], classifier, config.norm)
        standing[left[~again.right]] = False
    return standing


def _attack() -> str:
    return f"straight lines to all centres + PGD-{STEPS} × {RESTARTS} (margin)"


def _share(kept: np.ndarray, name: str, config: Config, eps: float, seed: int, began: float) -> Accuracy:
    attack = Attack(name=name, norm=None if name == "none" else config.norm, eps=eps)
    seconds = time.perf_counter() - began
    return Accuracy(correct=int(kept.sum()), images=len(kept), attack=attack, seed=seed, seconds=seconds)
