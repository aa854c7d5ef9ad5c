"""The one door to the work: names and values in, names and values out, no mathematics.

Pages and the command line call these functions and nothing beneath them. No torch is imported here;
work happens in worker processes that read the same store.
"""

from core.api import covering, study
from core.api.data import prepare, prepared, upload, uploads
from core.api.judging import (
    AttackConfig,
    AuditConfig,
    audit_of,
    audit_report,
    audit_settings,
    audit_state,
    audits,
    evaluations,
    film,
    frame,
    of_model,
    playback,
    submit_attack,
    submit_audit,
    submit_evaluation,
    test_images,
)  # fmt: skip
from core.api.kernel import (
    KernelConfig,
    WidthConfig,
    moments,
    submit_width,
    support_at,
    supports,
    width_of,
    width_seconds,
    widths,
)  # fmt: skip
from core.api.left import command, export, image, map_data, members, thumbnails
from core.api.machine import device, ensure_workers, parallel, set_parallel
from core.api.place import home
from core.api.work import (
    again,
    cancel,
    check,
    delete,
    events,
    get,
    here,
    references,
    rename,
    resume,
    runs,
    submit,
    submit_references,
)  # fmt: skip
from core.compressors import METHODS
from core.datasets import DATASETS
from core.evaluation.playback import MINIMAL as MINIMAL_NORM
from core.evaluation.playback import NORMS as ATTACK_NORMS
from core.networks import NETWORKS
from core.runs.config import EvaluationConfig, RunConfig
from core.runs.flags import STAGES, options, parse, split
from core.training import TRAINERS
from core.training.config import PROTOCOLS

__all__ = [
    "ATTACK_NORMS", "DATASETS", "METHODS", "MINIMAL_NORM", "NETWORKS", "PROTOCOLS", "STAGES", "TRAINERS",
    "AttackConfig", "AuditConfig", "EvaluationConfig", "KernelConfig", "RunConfig", "WidthConfig", "again", "audit_of",
    "audit_report", "audit_settings", "audit_state", "audits", "cancel", "check", "command", "covering", "delete",
    "device", "ensure_workers", "evaluations", "events", "export", "film", "frame", "get", "here", "home", "image",
    "map_data", "members", "moments", "of_model", "options", "parallel", "parse", "playback", "prepare", "prepared",
    "references", "rename", "resume", "runs", "set_parallel", "split", "study", "submit", "submit_attack",
    "submit_audit", "submit_evaluation", "submit_references", "submit_width", "support_at", "supports", "test_images",
    "thumbnails", "upload", "uploads", "width_of", "width_seconds", "widths",
]  # fmt: skip
