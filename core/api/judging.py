"""Judge the model of a finished run: evaluate, audit, attack; and read what came of it. Values in, values out."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from core.api.place import executor, home, store
from core.api.work import get
from core.errors import RunError
from core.evaluation.audit import Config as AuditConfig
from core.evaluation.indicators import AuditReport
from core.evaluation.playback import Config as AttackConfig
from core.evaluation.playback import Playback
from core.plots import panels
from core.plots.mosaic import mosaic, to_png
from core.runs import artifacts, cache, judging_jobs
from core.runs.config import EvaluationConfig, RunConfig, digest
from core.runs.perform import folder_of
from core.types import ENDED, RunRecord

AuditState = Literal["not run", "running", "trusted", "doubtful"]
Target = Literal["network", "kernel"]  # the network a run trained, or kernel regression on its condensed set
FINER = 8  # times the first radius of a curve is halved for proofs
ATTACKS_KEPT = 30  # finished attacks; older ones are removed with their images


def of_model(run_id: str) -> dict[str, Any]:
    """What every job on a run's model is given: run, settings and the path of the weights it kept.

    raises  RunError unless the run is a finished one of kind run
    """
    record = get(run_id)
    if record.status != "done" or record.kind != "run":
        raise RunError(f"run {run_id} is a {record.kind} run and {record.status}: only a finished run has a model")
    model = folder_of(home(), run_id) / f"{record.result['kept']}.safetensors"
    return {"run": run_id, "settings": dict(record.config), "model": str(model)}


def audit_settings(run_id: str, config: Mapping[str, Any], target: Target = "network") -> dict[str, Any]:
    """The settings of an audit job; norm and eps are those the run was judged at unless they are given.

    The newest standard run on the same data lends its model for the transfer attack.
    raises  RunError when the run has no such model
    """
    record, path = get(run_id), folder_of(home(), run_id) / "condensed.npz"
    judged = record.config.get("evaluation", {})
    usual = {name: judged[name] for name in ("norm", "eps") if judged.get(name)}
    chosen = AuditConfig(**usual | dict(config)).model_dump(mode="json")
    if target == "kernel" and (record.status != "done" or not path.exists()):
        raise RunError(f"run {run_id} is {record.status} and has no condensed set: choose a finished run")
    kernel = {"run": run_id, "settings": dict(record.config), "condensed": str(path)}
    about = kernel if target == "kernel" else of_model(run_id) | _radii(record)
    standard = _standard(run_id)
    lent = of_model(standard)["model"] if standard else None
    return {**about, "audit": chosen, "standard_run": standard, "standard": lent}


def submit_audit(run_id: str, config: Mapping[str, Any], target: Target = "network") -> str:
    """Queue an audit of a finished run's model, or of kernel regression on its condensed set; returns its id."""
    name = "Audit of" if target == "network" else "Audit of the kernel on"
    return _submit("audit", audit_settings(run_id, config, target), name)


def submit_evaluation(run_id: str, config: Mapping[str, Any]) -> str:
    """Queue a further evaluation of a finished run's model; returns its id. The run's own numbers stay."""
    found = of_model(run_id)
    chosen = EvaluationConfig(**config).model_dump(mode="json")
    return _submit("evaluate", {**found, "settings": found["settings"] | {"evaluation": chosen}}, "Evaluation of")


def submit_attack(run_id: str, config: Mapping[str, Any]) -> str:
    """Attack a few test images; equal settings are found again instead of computed again. Returns the id.

    An attack does not wait behind long work: when some is queued or running it goes to a worker of its own.
    """
    values = {**of_model(run_id), "attack": AttackConfig(**config).model_dump(mode="json")}
    known = store().runs(kind="attack", digest=digest(values), limit=5)
    for record in known:
        if record.status in ("queued", "running", "done"):
            return record.id
    _prune()
    busy = bool(store().waiting("work")) or bool(store().runs(status=("running",), limit=1))
    return _submit("attack", values, "Attack on", "light" if busy else "work")


def audits(run_id: str, target: Target = "network") -> list[RunRecord]:
    """The audits of a run's model in any state, newest first."""
    return [record for record in _of("audit", run_id) if ("condensed" in record.config) == (target == "kernel")]


def evaluations(run_id: str) -> list[RunRecord]:
    """The further evaluations of a run in any state, newest first."""
    return _of("evaluate", run_id)


def audit_of(run_id: str, target: Target = "network") -> RunRecord | None:
    """The newest finished audit of a run's model, or None."""
    return next((record for record in audits(run_id, target) if record.status == "done"), None)


def audit_state(run_id: str, target: Target = "network") -> AuditState:
    """What to write beside a robust accuracy; a repeated audit says "running" until it is done."""
    found = audits(run_id, target)
    if any(record.status not in ENDED for record in found):
        return "running"
    return next((record.result["state"] for record in found if record.status == "done"), "not run")


def audit_report(record: RunRecord) -> AuditReport:
    """The indicators of a finished audit."""
    return AuditReport.from_json(record.result)


def playback(attack_id: str) -> Playback | None:
    """The images and losses of a finished attack, or None while there are none."""
    path = folder_of(home(), store().get(attack_id).id) / judging_jobs.PLAYBACK
    return Playback.of(artifacts.load_arrays(path)) if path.exists() else None


def test_images(run_id: str) -> dict[str, list[tuple[int, bytes]]]:
    """A few test images of a run's data, by class: the row in the test split and a PNG; empty for points of the plane.

    raises  RunError when none were kept yet
    """
    record = get(run_id)
    rows, x, y = cache.tests(home() / "cache", record.data_hash)
    if min(x.shape[2:]) < 2:
        return {}
    found: dict[str, list[tuple[int, bytes]]] = {name: [] for name in record.result["classes"]}
    for row, image, label in zip(rows.tolist(), x, y.tolist(), strict=True):
        found[record.result["classes"][label]].append((row, to_png(mosaic(image[None]).image)))
    return found


def frame(found: Playback, image: int, moment: int) -> tuple[bytes, bytes, bytes]:
    """PNGs of one image clean, its perturbation × 10 around mid-grey, and attacked, at a moment of the attack."""
    return panels.three(found.frames[image, 0], found.frames[image, moment])


def film(found: Playback, image: int) -> bytes:
    """An animated PNG of `frame`'s three pictures side by side, one moment after the other, over and over."""
    return panels.film(found.frames[image])


def _submit(kind: str, values: Mapping[str, Any], words: str, lane: str = "work") -> str:
    settings = {**values, "settings": RunConfig(**values["settings"]).to_json()}
    name = f"{words} {get(values['run']).name}"
    job = store().create(kind, settings, name=name, digest=digest(values), lane=lane)
    executor().submit(job)
    return job


def _radii(record: RunRecord) -> dict[str, Any]:
    """Where a run's eps-curve was measured, so that bounds are proven for the same images; nothing outside Linf."""
    curve, linf = record.result.get("curve", ()), record.config["evaluation"]["norm"] == "Linf"
    radii = [point["eps"] for point in curve] if linf else []
    first = next((eps for eps in radii if eps > 0), 0.0)
    radii = sorted({*radii, *(first / 2**k for k in range(FINER))})  # proofs end long before attacks begin
    return {"radii": radii, "radii_images": record.result.get("curve_images", 0)} if radii else {}


def _of(kind: str, run_id: str) -> list[RunRecord]:
    return [record for record in store().runs(kind=kind, text=run_id) if record.config.get("run") == run_id]


def _standard(run_id: str) -> str | None:
    """The newest finished run without adversarial training on exactly the same images, or None."""
    own = get(run_id)
    for record in store().runs(kind="run", status=("done",), text="standard"):
        if (
            record.id != run_id
            and record.config["training"]["name"] == "standard"
            and record.data_hash == own.data_hash
            and Path(of_model(record.id)["model"]).exists()
        ):
            return record.id
    return None


def _prune() -> None:
    """Remove the oldest finished attacks with their images."""
    for record in store().runs(kind="attack", status=ENDED)[ATTACKS_KEPT:]:
        store().delete(record.id)
        shutil.rmtree(folder_of(home(), record.id), ignore_errors=True)
