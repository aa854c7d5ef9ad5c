"""Jobs on the model of a finished run: audit it, and attack a few images for playback.

Both take {"run": id, "settings": the run's settings, "model": path of its weights} and their own settings; an audit
takes the path of a condensed set as "condensed" instead, and audits kernel regression on it. The audited run is
named, not owned: a record made here outlives it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from core.attacks import certified
from core.engine import artifacts, writing
from core.engine.job import Job
from core.errors import ConfigError
from core.evaluation.audit import audit as indicators
from core.evaluation.options import MINIMAL, AttackConfig, AuditConfig
from core.evaluation.playback import playback
from core.evaluation.sample import choose
from core.events import Progress, Work
from core.jobs import keeping, kernel, loading, measured
from core.jobs.files import PLAYBACK
from core.networks.model import restore
from core.plots import panels
from core.settings.run import RunConfig
from core.types import Dataset, TrainedModel


def audit(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Measure the indicators; the result reads back as an AuditReport.

    config["standard"]  path of a model trained without attacks on the same data, or None
    config["radii"]     Linf radii of the run's eps-curve at which images are proven too, with "radii_images" of them
    """
    settings, model, about, dataset = yield from _audited(config, job)
    chosen = AuditConfig(**config["audit"])
    standard = _standard(config.get("standard"), dataset)
    with keeping.timed(job.ledger, "audit"):
        yield Progress(stage="audit", unit="indicators")
        report = yield from indicators(
            model,
            dataset.test,
            chosen,
            n_classes=dataset.n_classes,
            seed=settings.seed,
            device=job.device,
            standard=restore(standard, device=job.device) if standard else None,
        )
        proven = yield from _proven(config, model, dataset, settings.seed, job)
    numbers = {
        "fired": list(report.fired),
        "clean_acc": report.clean.value,
        "clean_interval": list(report.clean.interval),
        "robust_acc": report.robust.value,
        "interval": list(report.robust.interval),
        "attack": report.robust.attack.sentence(),
        "attack_norm": chosen.norm,
        "eps": chosen.eps,
        "eval_images": report.robust.images,
    }
    found = measured.plain(report.to_json())
    about |= {"transfer_from": config.get("standard_run") if standard else None}
    return (
        measured.of_data(dataset, job) | about | found | numbers | proven | {"notes": [*dataset.notes, *report.notes]}
    )


def _proven(config: Mapping[str, Any], model: nn.Module, dataset: Dataset, seed: int, job: Job) -> Work[dict[str, Any]]:
    """Shares of the eps-curve's images that interval bounds prove robust, or the sentence that says why none are."""
    radii, images = config.get("radii", ()), config.get("radii_images", 0)
    if not radii:
        return {}
    rows, points = choose(dataset.test, images, seed), []
    x, y = torch.from_numpy(dataset.test.pixels(rows)).to(job.device), torch.from_numpy(dataset.test.y[rows])
    for done, eps in enumerate(radii):
        yield Progress(stage="proof", done=done, total=len(radii), unit="radii")
        try:
            count = int(certified(model, x, y.to(job.device), eps=eps).sum())
        except ConfigError as refusal:
            return {"certified": [], "certified_note": str(refusal)}
        points.append({"eps": eps, "value": count / len(rows)})
    return {"certified": points, "certified_images": len(rows), "certified_note": ""}


def attack(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Attack a few test images and leave playback.npz and attack.png in the job's folder."""
    settings, model, dataset = yield from _opened(config, job)
    chosen = AttackConfig(**config["attack"])
    with keeping.timed(job.ledger, "attack"):
        played = yield from playback(
            restore(model, device=job.device),
            dataset.test,
            chosen,
            n_classes=dataset.n_classes,
            seed=settings.seed,
            device=job.device,
        )
    artifacts.save_arrays(job.folder / PLAYBACK, played.arrays())
    full = _full(chosen, played.frames[:, 0], played.attacked)
    if min(dataset.test.shape[1:]) > 1:
        writing.save_bytes(job.folder / "attack.png", panels.sheet(played.frames[:, 0], played.attacked, full))
    right = played.margin[:, 0] <= 0
    numbers = {
        "images": len(played.rows),
        "right": int(right.sum()),
        "fooled": int(played.fooled.sum()),
        "median_length": float(np.median(played.length[played.fooled])) if played.fooled.any() else None,
        "attack_norm": chosen.norm,
        "eps": chosen.eps,
        "full": full,
    }
    return measured.of_data(dataset, job) | _about(config, model, settings) | numbers | {"notes": list(dataset.notes)}


def _audited(config: Mapping[str, Any], job: Job) -> Work[tuple[RunConfig, nn.Module, dict[str, Any], Dataset]]:
    """Settings, the model on the device, what the record says about it, and the data."""
    if "condensed" in config:
        settings, fitted, about, dataset = yield from kernel.regressor(config, job)
        return settings, fitted, about | {"model_run": config.get("run", ""), "seed": settings.seed}, dataset
    settings, model, dataset = yield from _opened(config, job)
    return settings, restore(model, device=job.device), _about(config, model, settings), dataset


def _opened(config: Mapping[str, Any], job: Job) -> Work[tuple[RunConfig, TrainedModel, Dataset]]:
    settings, path = RunConfig(**config["settings"]), Path(config["model"])
    model = artifacts.load_model(path)
    dataset = yield from loading.load(settings.data, job)
    dataset = loading.check_fit(path, model, dataset)
    return settings, model, dataset


def _standard(path: str | None, dataset: Dataset) -> TrainedModel | None:
    """The companion of the transfer attack; None when there is none, or its run was deleted since."""
    if not path or not Path(path).exists():
        return None
    model = artifacts.load_model(Path(path))
    return model if model.shape == dataset.train.shape and model.n_classes == dataset.n_classes else None


def _about(config: Mapping[str, Any], model: TrainedModel, settings: RunConfig) -> dict[str, Any]:
    kept = {"network": model.network, "kept": model.kept, "kept_epoch": model.epoch}
    return {"model_run": config.get("run", ""), **kept, "seed": settings.seed}


def _full(chosen: AttackConfig, clean: np.ndarray, attacked: np.ndarray) -> float:
    """The change of a pixel that is drawn in full colour: ε in Linf, else the largest there is."""
    bounded = chosen.norm == "Linf" and chosen.attack not in MINIMAL and chosen.eps > 0
    return chosen.eps if bounded else float(np.abs(attacked - clean).max()) or 1.0
