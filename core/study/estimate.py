"""What a study will cost, from a few seconds of its own work.

Each distinct piece (a condensed set, a trained network) is begun and stopped after a moment, and the rate at which its
progress grew is taken to its end; pieces that the store knows are counted with what they took. Judging is reckoned by
`core.study.pace` from what it took before, else from the time of one gradient. How many images will stand up to every
attack nobody knows before: it is the least certain part, and the reader is told so.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, mkdtemp

import torch

from core.engine import device
from core.engine.job import Job, Ledger
from core.engine.store import Store
from core.events import Progress, Work, drive, finish, through, until
from core.jobs import loading, stages
from core.networks.model import build
from core.networks.statistics import channel_statistics
from core.settings.run import MethodChoice
from core.settings.study import Cell, Study, plan
from core.study.done import finished
from core.study.pace import Known, effort
from core.types import CondensedSet, Dataset, RunRecord

PATIENCE_S = 2.0  # of one sample
SAMPLED_IMAGES, TURNS, TURNS_S = 64, 5, 1.0  # of timing a gradient: images at once, turns at least, seconds if more fit


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
        dataset = drive(loading.load(study.data, job))
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
    rate = _Rate(patience, clock)
    result = finish(until(through(work, rate.hear), rate.enough))
    return rate.seconds(), result


class _Rate:
    """How fast the progress of one piece of work grows."""

    def __init__(self, patience: float, clock: Callable[[], float]) -> None:
        self._patience, self._clock, self._began = patience, clock, clock()
        self._first: tuple[float, int] | None = None
        self._last: tuple[float, int, int] | None = None
        self._stopped = False

    def hear(self, event: Progress) -> None:
        if event.total:
            now = self._clock()
            self._first = self._first or (now, event.done)
            self._last = (now, event.done, event.total)

    def enough(self) -> bool:
        """Whether patience is at an end; it lasts three times as long while nothing countable has moved."""
        spent = self._clock() - self._began
        self._stopped = spent > self._patience * (1 if self._moved() else 3)
        return self._stopped

    def seconds(self) -> float | None:
        """Of the whole work: what it took, or will take at this rate; None where there is none."""
        if not self._stopped:
            return self._clock() - self._began
        if not self._moved():
            return None
        assert self._first and self._last
        (since, before), (until_now, done, total) = self._first, self._last
        return since - self._began + (total - before) * (until_now - since) / (done - before)

    def _moved(self) -> bool:
        return self._first is not None and self._last is not None and self._last[1] > self._first[1]


class _Sampler:
    """Seconds by piece; equal pieces of other seeds are sampled once."""

    def __init__(self, study: Study, store: Store, dataset: Dataset, job: Job) -> None:
        self.study, self.store, self.dataset, self.job = study, store, dataset, job
        self.seconds: dict[object, float | None] = {}
        done = store.runs(kind="run", status=("done",))
        self.records: Mapping[object, RunRecord] = {  # by what they condensed, to count with what they took
            (str(r.config["data"]), str(r.config["method"])): r for r in reversed(done)
        }
        values = study.to_json()
        self.known = Known(done, values["data"], values["network"])
        self.pace = self.known.pace(dataset.n_classes)

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
        """One network of a cell."""
        if self.pace is None:
            self.pace = self._gradient()
        judged = cell.settings.evaluation
        return self.pace * effort(judged, self.dataset.n_classes, self.known.shares(cell.training, judged))

    def _blank(self) -> torch.nn.Module:
        chosen, train = self.study.network, self.dataset.train
        network = build(
            chosen.name, chosen.options, train.shape, self.dataset.n_classes, *channel_statistics(train), seed=0
        )
        return network.to(self.job.device)

    def _gradient(self) -> float:
        """Seconds of one gradient with respect to an image, in a batch: the median of some turns.

        One turn says nothing on a machine with other work: it may take twenty times as long as the next.
        """
        x = torch.from_numpy(self.dataset.train.pixels(slice(0, SAMPLED_IMAGES)).copy()).to(self.job.device)
        x.requires_grad_(True)
        model, turns = self._blank().eval(), list[float]()
        since = time.monotonic()
        while len(turns) <= TURNS or time.monotonic() - since < TURNS_S:
            began = time.monotonic()
            torch.autograd.grad(model(x).sum(), x)[0].sum().item()
            turns.append(time.monotonic() - began)
        return median(turns[1:]) / len(x)  # the first turn only warms up
