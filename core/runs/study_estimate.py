"""What a study will cost, from a few seconds of its own work.

Each distinct piece (a condensed set, a trained network) is begun and stopped after a moment, and the rate at which its
progress grew is taken to its end; pieces that the store knows are counted with what they took. Judging is reckoned from
the time of one gradient and a share of images that stand up to every attack, which nobody knows before: it is the least
certain part, and the reader is told so.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING

from core.events import Work, drive
from core.networks import build
from core.networks.statistics import channel_statistics
from core.runs import device, stages
from core.runs.config import MethodChoice
from core.runs.job import Job, Ledger
from core.runs.store import Store
from core.runs.study import Cell, Study, plan
from core.runs.study_done import finished
from core.types import CondensedSet, Dataset, RunRecord

if TYPE_CHECKING:
    import torch

PATIENCE_S = 2.0  # of one sample
STANDING = {"standard": 0.02}  # assumed share of images that withstand every attack; else:
STANDING_ELSE = 0.4
STEPS, QUERIES, TARGETS = 100, 5000, 9  # of AutoAttack's parts on an image that stands
SAMPLED_IMAGES = 64


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Wall seconds of what is missing, for one process.

    known  whether every piece could be sampled; else the sum is a lower limit
    """

    runs: int
    condense: float
    train: float
    evaluate: float
    known: bool

    @property
    def total(self) -> float:
        return self.condense + self.train + self.evaluate


def estimate(study: Study, store: Store, home: Path) -> Estimate:
    """Sample the first seed's pieces; the others are taken to cost the same."""
    done = finished(store)
    cells = [cell for cell in plan(study) if cell.digest not in done]
    if not cells:
        return Estimate(runs=0, condense=0.0, train=0.0, evaluate=0.0, known=True)
    with TemporaryDirectory() as folder:
        job = Job(folder=Path(folder), home=home, device=device.choose())
        dataset = drive(stages.load(study.data, job))
        sampler = _Sampler(study, store, dataset, job)
        condense = {cell.condensing: sampler.condense(cell) for cell in cells}
        train = {cell.model: sampler.train(cell) for cell in cells}
        evaluate = sum(cell.settings.networks * sampler.evaluate(cell) for cell in cells)
    known = all(part is not None for part in (*condense.values(), *train.values()))
    sums = [sum(part or PATIENCE_S for part in parts.values()) for parts in (condense, train)]
    return Estimate(runs=len(cells), condense=sums[0], train=sums[1], evaluate=evaluate, known=known)


def extrapolate(
    work: Work, patience: float, clock: Callable[[], float] = time.monotonic
) -> tuple[float | None, object]:
    """Seconds that work takes, and its result: run it, but no longer than `patience`.

    returns  (seconds, result) when it ended, (extrapolated seconds, None) when it made countable progress,
             (None, None) when it did not
    """
    began, first, last = clock(), None, None
    with closing(work):
        while True:
            try:
                event = next(work)
            except StopIteration as stop:
                return clock() - began, stop.value
            now = clock()
            if event.total:
                first = first or (now, event.done)
                last = (now, event.done, event.total)
            if now - began > patience and ((last is not None and last[1] > first[1]) or now - began > 3 * patience):
                break
    if last is None or last[1] <= first[1]:
        return None, None
    return first[0] - began + (last[2] - first[1]) * (last[0] - first[0]) / (last[1] - first[1]), None


class _Sampler:
    """Seconds by piece; equal pieces of other seeds are sampled once."""

    def __init__(self, study: Study, store: Store, dataset: Dataset, job: Job) -> None:
        self.study, self.store, self.dataset, self.job = study, store, dataset, job
        self.seconds: dict[object, float | None] = {}
        self.rates: tuple[float, float] | None = None
        self.records = self._records()

    def _records(self) -> Mapping[object, RunRecord]:
        """Finished runs by what they condensed, to count with what they took."""
        done = self.store.runs(kind="run", status=("done",))
        return {(str(r.config["data"]), str(r.config["method"])): r for r in reversed(done)}

    def condense(self, cell: Cell) -> float | None:
        choice, config = cell.settings.method, cell.settings.to_json()
        before = self.records.get((str(config["data"]), str(config["method"])))
        if before is not None and "condense" in before.seconds:
            return before.seconds["condense"]
        if ("condense", choice) not in self.seconds:
            self.seconds["condense", choice] = extrapolate(self._condensing(choice), PATIENCE_S)[0]
        return self.seconds["condense", choice]

    def _condensing(self, choice: MethodChoice) -> Work[CondensedSet]:
        return stages.condense(choice, self.dataset, 0, self._job())

    def _job(self) -> Job:
        """A job with an empty folder."""
        return replace(self.job, folder=Path(mkdtemp(dir=self.job.folder)), ledger=Ledger())

    def train(self, cell: Cell) -> float | None:
        """All networks of a cell."""
        key = ("train", cell.ipc, cell.settings.training)
        if key not in self.seconds:
            name, options = ("full", {}) if cell.ipc is None else ("random", {"ipc": cell.ipc})
            condensed = drive(self._condensing(MethodChoice.of(name, **options)))
            work = stages.train(
                cell.settings.training, self.study.network, condensed, self.dataset.train, self.dataset.n_classes, 0,
                self._job(),
            )  # fmt: skip
            self.seconds[key] = extrapolate(work, PATIENCE_S)[0]
        once = self.seconds[key]
        return None if once is None else once * cell.settings.networks

    def evaluate(self, cell: Cell) -> float:
        gradient, forward = self.rates = self.rates or self._rates()
        judged, steps = cell.settings.evaluation, cell.settings.evaluation.attack_steps
        standing = STANDING.get(cell.training, STANDING_ELSE)
        targets = min(TARGETS, self.dataset.n_classes - 1)
        gradients = STEPS * (1 + 3 * targets)  # APGD, then a targeted APGD and FAB (twice the work) a target
        headline = judged.images * standing * (gradients * gradient + QUERIES * forward)
        return headline + judged.curve_images * standing * steps * gradient

    def _blank(self) -> "torch.nn.Module":
        chosen, train = self.study.network, self.dataset.train
        network = build(
            chosen.name, chosen.options, train.shape, self.dataset.n_classes, *channel_statistics(train), seed=0
        )
        return network.to(self.job.device)

    def _rates(self) -> tuple[float, float]:
        """Seconds of one gradient with respect to an image, and of one forward pass, in a batch."""
        import torch

        x = torch.from_numpy(self.dataset.train.pixels(slice(0, SAMPLED_IMAGES)).copy()).to(self.job.device)
        model, images = self._blank().eval(), len(x)
        x.requires_grad_(True)
        for _ in range(2):  # the first turn only warms up
            began = time.monotonic()
            torch.autograd.grad(model(x).sum(), x)
            middle = time.monotonic()
            with torch.no_grad():
                model(x).sum().item()
            end = time.monotonic()
        return (middle - began) / images, (end - middle) / images
