"""What a page needs to show why the nearest-neighbour classifier is proven right around single test images."""

from core.engine import artifacts
from core.engine.job import Job
from core.evaluation.explained import explain
from core.evaluation.sample import choose_each
from core.events import Progress, Work, pulsing
from core.jobs.files import EXPLAINED
from core.types import CondensedSet, Dataset, Norm

EACH, MOST = 6, 300  # test images of each class, and of all; among those that a page may show
NORMS: tuple[Norm, ...] = ("Linf", "L2", "L1")


def keep(condensed: CondensedSet, dataset: Dataset, job: Job) -> Work[None]:
    """Store explained.npz, where images can be shown; points of the plane are drawn elsewhere."""
    if min(dataset.test.shape[1:]) < 2:
        return
    rows = choose_each(dataset.test, min(EACH * dataset.n_classes, MOST), 0)
    beat = Progress(stage="evaluate", note="nearest neighbour, image by image")
    found = yield from pulsing(explain(condensed, dataset.test, rows, NORMS), lambda _: beat)
    artifacts.save_arrays(job.folder / EXPLAINED, found.arrays())
