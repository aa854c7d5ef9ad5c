"""Judge the model of a finished run: evaluate, audit, attack; and read what came of it. Values in, values out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from core.api import queue
from core.api.work import about, get, prune, runs
from core.api.workplace import home, store
from core.engine import artifacts
from core.engine.job import Lane
from core.engine.perform import folder_of
from core.errors import RunError
from core.evaluation.indicators import AuditReport
from core.evaluation.options import AttackConfig, AuditConfig, CertificateConfig, EvaluationConfig
from core.jobs import cache
from core.jobs.files import PLAYBACK
from core.jobs.results import AuditResult, RunResult
from core.plots import panels
from core.plots.mosaic import mosaic, to_png
from core.settings.flags import options
from core.settings.run import RunConfig
from core.types import ENDED, Playback, RunRecord

AuditState = Literal["not run", "running", "trusted", "doubtful"]
Target = Literal["network", "kernel"]  # the network a run trained, or kernel regression on its condensed set
FINER = 8  # times the first radius of a curve is halved for proofs
LEAVE_A_NETWORK = ("run", "network")
ATTACKS_KEPT = 30  # finished attacks; older ones are removed with their images


def certificate_settings(flags: Mapping[str, str], certificate: str) -> tuple[dict[str, Any], list[str]]:
    """The settings of a certificate among the flags of a command, and the words of the others."""
    own = {info.name for info in CertificateConfig.describe()}
    chosen = {name: text for name, text in flags.items() if name in own} | {"certificate": certificate}
    rest = [word for name, text in flags.items() if name not in own for word in (f"--{name}", text)]
    return options(chosen, CertificateConfig), rest


def of_model(run_id: str) -> dict[str, Any]:
    """What every job on a run's model is given: run, settings and the path of the weights it kept.

    raises  RunError unless the run is a finished one, or weights that were brought
    """
    record = get(run_id)
    if record.status != "done" or record.kind not in LEAVE_A_NETWORK:
        raise RunError(f"run {run_id} is a {record.kind} run and {record.status}: only a finished run has a model")
    model = folder_of(home(run_id), run_id) / f"{RunResult.of(record).kept}.safetensors"
    return {"run": run_id, "settings": dict(record.settings), "model": str(model)}


def with_models() -> list[RunRecord]:
    """What has a network to judge, newest first: finished runs, and weights that were brought."""
    found = [record for kind in LEAVE_A_NETWORK for record in runs(kind=kind, status=("done",))]
    return sorted(found, key=lambda record: -record.created)


def audit_settings(run_id: str, config: Mapping[str, Any], target: Target = "network") -> dict[str, Any]:
    """The settings of an audit job; norm and eps are those the run was judged at unless they are given.

    The newest standard run on the same data lends its model for the transfer attack.
    raises  RunError when the run has no such model
    """
    record, path = get(run_id), folder_of(home(run_id), run_id) / "condensed.npz"
    judged = record.settings.get("evaluation", {})
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

    An attack does not wait behind long work.
    """
    values = {**of_model(run_id), "attack": AttackConfig(**config).model_dump(mode="json")}
    for record in queue.equal("attack", values, ("queued", "running", "done")):
        return record.id
    prune("attack", ATTACKS_KEPT)
    return _submit("attack", values, "Attack on", queue.lane_of_small())


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
    states = (AuditResult.of(record).state for record in found if record.status == "done")
    return next((state for state in states if state is not None), "not run")


def audit_report(record: RunRecord) -> AuditReport:
    """The indicators of a finished audit."""
    return AuditReport.from_json(record.result)


def playback(attack_id: str) -> Playback | None:
    """The images and losses of a finished attack, or None while there are none."""
    path = folder_of(home(attack_id), store(attack_id).get(attack_id).id) / PLAYBACK
    return Playback.of(artifacts.load_arrays(path)) if path.exists() else None


def test_images(run_id: str) -> dict[str, list[tuple[int, bytes]]]:
    """A few test images of a run's data, by class: the row in the test split and a PNG; empty for points of the plane.

    raises  RunError when none were kept yet
    """
    record = get(run_id)
    classes = RunResult.of(record).classes
    rows, x, y = cache.tests(home(run_id) / "cache", record.data_hash)
    if min(x.shape[2:]) < 2:
        return {}
    found: dict[str, list[tuple[int, bytes]]] = {name: [] for name in classes}
    for row, image, label in zip(rows.tolist(), x, y.tolist(), strict=True):
        found[classes[label]].append((row, to_png(mosaic(image[None]).image)))
    return found


def sheet(found: Playback, full: float) -> bytes:
    """A PNG of all images clean, their perturbations with full colour at `full`, and attacked; a column for each."""
    return panels.sheet(found.frames[:, 0], found.attacked, full)


def frame(found: Playback, image: int, moment: int, full: float) -> tuple[bytes, bytes, bytes]:
    """PNGs of one image clean, its perturbation around mid-grey, and attacked, at a moment of the attack.

    full  change of a pixel that has full colour
    """
    return panels.three(found.frames[image, 0], found.frames[image, moment], full)


def film(found: Playback, image: int, full: float) -> bytes:
    """An animated PNG of `frame`'s three pictures side by side, one moment after the other, over and over."""
    return panels.film(found.frames[image], full)


def _submit(kind: str, values: Mapping[str, Any], words: str, lane: Lane = "work") -> str:
    settings = {**values, "settings": RunConfig(**values["settings"]).to_json()}
    name = f"{words} {get(values['run']).name}"
    return queue.submit(kind, settings, name=name, lane=lane)


def _radii(record: RunRecord) -> dict[str, Any]:
    """Where a run's eps-curve was measured, so that bounds are proven for the same images; nothing outside Linf."""
    curve, linf = RunResult.of(record).curve, record.settings["evaluation"]["norm"] == "Linf"
    radii = [point.eps for point in curve] if linf else []
    first = next((eps for eps in radii if eps > 0), 0.0)
    radii = sorted({*radii, *(first / 2**k for k in range(FINER))})  # proofs end long before attacks begin
    return {"radii": radii, "radii_images": RunResult.of(record).curve_images} if radii else {}


def _of(kind: str, run_id: str) -> list[RunRecord]:
    return about(kind, run_id)


def _standard(run_id: str) -> str | None:
    """The newest finished run without adversarial training on exactly the same images, or None."""
    own = get(run_id)
    for record in store().runs(kind="run", status=("done",)):
        if (
            record.id != run_id
            and record.config["training"]["name"] == "standard"
            and record.data_hash == own.data_hash
            and Path(of_model(record.id)["model"]).exists()
        ):
            return record.id
    return None
