"""What a picture of the nearest-neighbour certificate needs: per test image its centres, its ball, an attack beside it.

For looking, not for judging: a few images of each class. The radii are those of core.certificates.nearest.
Cost: a few milliseconds for each image and norm.
"""

from collections.abc import Generator, Sequence

import numpy as np

from core.certificates.nearest import DUAL, Centres, Proven, prove
from core.certificates.smallest import smallest
from core.evaluation.nearest import centres
from core.types import CondensedSet, Explained, Norm, TestSplit, only_test

POWER = {"cityblock": 1, "euclidean": 2, "chebyshev": np.inf}


def explain(
    condensed: CondensedSet, test: TestSplit, rows: np.ndarray, norms: Sequence[Norm]
) -> Generator[int, None, Explained]:
    """Prove and attack the nearest-neighbour classifier on a few test images, and keep what decided.

    rows     (n,) int64 of the test split
    yields   now and then, how many images of a norm are done
    returns  Explained
    raises   ConfigError for labels that name no class
    """
    only_test(test)
    classifier, _ = centres(condensed)
    x, y = test.pixels(rows), test.y[rows]
    parts = []
    for norm in norms:
        proven = yield from prove(x, y, classifier, norm)
        moved, size = yield from smallest(x, y, proven, classifier, norm)
        after = yield from prove(moved, y, classifier, norm)
        parts.append((norm, proven, moved, size, after.foreign))
    first = parts[0][1]
    pairs = [(proven.keeper, proven.rival) for _, proven, *_ in parts]
    return Explained(
        norms=np.array(norms), rows=rows, y=y, x=x, labels=classifier.y, own=first.own, foreign=first.foreign,
        own_away=_away(x, classifier, first.own), foreign_away=_away(x, classifier, first.foreign),
        keeper=np.stack([keeper for keeper, _ in pairs]), rival=np.stack([rival for _, rival in pairs]),
        keeper_away=np.stack([_away(x, classifier, keeper) for keeper, _ in pairs]),
        rival_away=np.stack([_away(x, classifier, rival) for _, rival in pairs]),
        apart=np.stack([_apart(classifier, proven, norm) for norm, proven, *_ in parts]),
        radius=np.stack([proven.radius for _, proven, *_ in parts]),
        attacked=np.stack([moved for _, _, moved, *_ in parts]).astype(np.float32),
        size=np.stack([size for *_, size, _ in parts]),
        reached=np.stack([foreign for *_, foreign in parts]),
    )  # fmt: skip


def _away(x: np.ndarray, classifier: Centres, which: np.ndarray) -> np.ndarray:
    """(n,) L2 distance of each image to its centre, infinite where it has none."""
    found = np.sqrt(((x.reshape(len(x), -1).astype(np.float64) - classifier.x[which]) ** 2).sum(1))
    return np.where(which < 0, np.inf, found)


def _apart(classifier: Centres, proven: Proven, norm: Norm) -> np.ndarray:
    """(n,) distance of the deciding pair in the dual norm."""
    gap = classifier.x[proven.rival] - classifier.x[proven.keeper]
    return np.asarray(np.linalg.norm(gap, ord=POWER[DUAL[norm]], axis=1))
