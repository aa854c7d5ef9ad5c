"""Job on a trained network: prove something of it by interval bounds, or of its smoothed classifier by noise."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from core.certificates.smoothing import Smoothing
from core.engine import artifacts
from core.engine.job import Job
from core.evaluation.certified import by_intervals, by_smoothing
from core.evaluation.options import CertificateConfig
from core.events import Work
from core.jobs import keeping, loading, measured, stages
from core.networks.model import restore
from core.settings.run import RunConfig
from core.training.options import Smoothing as Noisy
from core.types import Dataset

SIGMA = 0.25  # where neither the settings nor the training name one
STAGE = "proof"


def prove(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Certify the network in the file `config["model"]` as `config["proof"]` says.

    Interval bounds are of the network, so it is attacked too. What noise certifies is of another classifier, and
    nothing that was attacked stands beside it.
    """
    settings, path = RunConfig(**config["settings"]), Path(config["model"])
    chosen, stored = CertificateConfig(**config.get("proof", {})), artifacts.load_model(path)
    dataset = yield from loading.load(settings.data, job)
    dataset = loading.check_fit(path, stored, dataset)
    about = {"network": stored.network, "kept": stored.kept, "kept_epoch": stored.epoch, "seed": settings.seed}
    about |= {"model_run": config.get("run", "")}
    model, found = restore(stored, device=job.device), {}
    if chosen.certificate == "ibp":
        found = yield from intervals(settings, model, dataset, job)
        report = yield from stages.evaluate(stored, dataset, settings.evaluation, settings.seed, job)
        found = measured.of_report(report, settings.evaluation) | found | {"model": "network"}
    else:
        found = yield from _by_noise(settings, chosen, model, dataset, job)
    return measured.of_data(dataset, job) | about | found | {"notes": [*dataset.notes, *found.get("notes", ())]}


def intervals(settings: RunConfig, model: nn.Module, dataset: Dataset, job: Job) -> Work[dict[str, Any]]:
    """What interval bounds prove of a network, at the headline eps and along the curve."""
    with keeping.timed(job.ledger, STAGE):
        report = yield from by_intervals(
            model, dataset.test, settings.evaluation, seed=settings.seed, device=job.device
        )
    return measured.of_certified(report)


def _by_noise(
    settings: RunConfig, chosen: CertificateConfig, model: nn.Module, dataset: Dataset, job: Job
) -> Work[dict[str, Any]]:
    trained = settings.training.options
    own = trained.sigma if isinstance(trained, Noisy) else SIGMA
    how = Smoothing(sigma=chosen.sigma or own, n0=chosen.n0, n=chosen.n, alpha=chosen.alpha)
    with keeping.timed(job.ledger, STAGE):
        work = by_smoothing(
            model, dataset.test, settings.evaluation, how, seed=settings.seed, device=job.device,
            checkpoint=keeping.checkpoint(job, STAGE),
        )  # fmt: skip
        report = yield from keeping.keeping(work, job, STAGE)
    keeping.forget(job.folder, STAGE)
    assert report.clean is not None
    return measured.of_certified(report) | {
        "model": "smoothed network", "clean_acc": report.clean.value,
        "clean_interval": list(report.clean.interval), "attack_norm": "L2", "eps": settings.evaluation.eps,
        "eval_images": report.clean.images,
        "notes": ["This is the smoothed classifier, not the network: no attack on the network is set beside it"],
    }  # fmt: skip
