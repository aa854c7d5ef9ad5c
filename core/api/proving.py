"""Prove something of the network of a finished run: interval bounds in Linf, randomised smoothing in L2."""

from collections.abc import Mapping
from typing import Any

from core.api import queue
from core.api.judging import of_model
from core.api.work import about, get
from core.errors import ConfigError
from core.evaluation.options import CertificateConfig, EvaluationConfig
from core.settings.run import RunConfig
from core.types import RunRecord

BY_NORM = {"Linf": "ibp", "L2": "smoothing"}

__all__ = ["BY_NORM", "CertificateConfig", "proofs", "settings", "submit"]


def settings(run_id: str, norm: str, eps: float, images: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a proof; the rest of the evaluation is the run's own.

    options  of CertificateConfig, without the certificate, which the norm decides
    raises   ConfigError in a norm without a certificate of networks; RunError when the run has no model
    """
    if norm not in BY_NORM:
        raise ConfigError(f"networks are proven in {' or '.join(BY_NORM)}, got {norm}: choose one of these")
    found = of_model(run_id)
    judged = found["settings"]["evaluation"] | {"norm": norm, "eps": eps, "images": images, "curve_end": 0.0}
    values = found["settings"] | {"evaluation": EvaluationConfig(**judged).model_dump(mode="json")}
    proof = CertificateConfig(**{**options, "certificate": BY_NORM[norm]}).model_dump(mode="json")
    return {**found, "settings": RunConfig(**values).to_json(), "proof": proof}


def submit(run_id: str, norm: str, eps: float, images: int, options: Mapping[str, Any]) -> str:
    """Queue a proof, or find the same one; returns its id. The run's own numbers stay."""
    values = settings(run_id, norm, eps, images, options)
    for same in queue.equal("prove", values, ("queued", "running", "done")):
        return same.id
    return queue.submit("prove", values, name=f"Proof of {get(run_id).name}")


def proofs(run_id: str) -> list[RunRecord]:
    """The proofs of a run's network in any state, newest first."""
    return about("prove", run_id)
