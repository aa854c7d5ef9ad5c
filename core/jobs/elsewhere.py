"""Jobs on networks that were made elsewhere: weights are looked at, kept as a run keeps its own, judged; so is code."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.engine import artifacts
from core.engine.job import Job
from core.evaluation.evaluate import evaluate
from core.events import Progress, Work
from core.jobs import foreign, keeping, loading, measured, stages, weights_file
from core.settings.identity import fingerprint
from core.settings.run import RunConfig


def look(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Say what the file `config["weights"]` holds, beside the data of the settings; nothing is taken yet.

    raises  DataError when it cannot be read, or names other classes
    """
    settings, path = RunConfig(**config["settings"]), Path(config["weights"])
    dataset = yield from loading.load(settings.data, job)
    file = weights_file.read(path)
    notes = foreign.of_data(file, dataset)
    choice, (statistics, why) = foreign.recognised(file, dataset), foreign.proposed(dataset)
    found = {
        "weights_file": path.name, "weights_hash": fingerprint(path), "tensors": len(file.state),
        "network": choice.name if choice else "", "options": choice.options.model_dump() if choice else {},
        "says_network": file.choice is not None, "says_statistics": file.says_statistics,
        "mean": list(statistics[0]), "std": list(statistics[1]), "statistics_are": why,
        "says_classes": list(file.origin.classes), "says_train_hash": file.origin.train_hash,
    }  # fmt: skip
    return measured.of_data(dataset, job) | found | {"notes": [*dataset.notes, *notes]}


def network(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Take the weights of the file `config["weights"]` for the network of the settings, and judge them on test images.

    config["inputs"]  {"mean": [...], "std": [...]}, a number a channel, or empty lists
    What is left is what training leaves, so that audits, attacks and certificates take it like any other.
    """
    settings, path = RunConfig(**config["settings"]), Path(config["weights"])
    dataset = yield from loading.load(settings.data, job)
    inputs = config["inputs"]
    file = weights_file.read(path)
    model, notes = foreign.weights(file, settings.network, dataset, inputs["mean"], inputs["std"])
    for kept in stages.KEPT:
        artifacts.save_model(job.folder / f"{kept}.safetensors", model)
    report = yield from stages.evaluate(model, dataset, settings.evaluation, settings.seed, job)
    found = measured.of_report(report, settings.evaluation)
    about = {"network": model.network, "kept": "last", "selection": model.selection, "seed": settings.seed}
    about |= {"weights_file": path.name, "weights_hash": fingerprint(path)}
    return measured.of_data(dataset, job) | about | found | {"notes": [*dataset.notes, *notes, *found["notes"]]}


def code(config: Mapping[str, Any], job: Job) -> Work[dict[str, Any]]:
    """Judge the module that `config["code"]`, FILE.py:function of the owner's own, returns; from a command only."""
    settings = RunConfig(**config["settings"])
    dataset = yield from loading.load(settings.data, job)
    made = foreign.network_of(config["code"], dataset, job.device)
    with keeping.timed(job.ledger, "evaluate"):
        yield Progress(stage="evaluate", unit="images")
        report = yield from evaluate(
            made, dataset.test, settings.evaluation, n_classes=dataset.n_classes, seed=settings.seed, device=job.device
        )
    found = measured.of_report(report, settings.evaluation)
    note = f"{config['code']}: output k is taken as class k of the data set, 0 as {dataset.classes[0]}"
    about = {"network": Path(config["code"]).name, "kept": "made elsewhere", "seed": settings.seed}
    return measured.of_data(dataset, job) | about | found | {"notes": [*dataset.notes, note, *found["notes"]]}
