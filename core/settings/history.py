"""Runs stored by an earlier version, brought to what runs are known by today. The one place that knows the past.

Options that came later take their default, renamed ones are read by both names (`option(..., formerly=)`), so stored
settings still read; what changes is the digest. A home is healed once after every change of the options there are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.evaluation.options import EvaluationConfig
from core.settings.identity import READING, TABLES, digest, identity, named
from core.settings.run import RunConfig
from core.types import DataConfig, RunRecord

WHOLE = ("run", "condense", "covering", "bring")  # kinds whose config is that of a run


def stamp() -> str:
    """Equal as long as the options there are, their defaults, and the versions of the rows stay the same."""
    rows = [row.Config for table in TABLES.values() for row in table.values()]
    told = {f"{kind.__module__}.{kind.__qualname__}": _told(kind) for kind in (*rows, EvaluationConfig, DataConfig)}
    return digest({"scheme": 2, "options": told})


def _told(kind: Any) -> dict[str, str]:
    return {info.name: repr(info.default) for info in kind.describe()}


def healed(record: RunRecord) -> tuple[str, Mapping[str, Any], str]:
    """Digest, basis and parent of a stored run as they would be today.

    A run stored without its basis counts as one on the present data only if no file it names changed since it was
    created; else nothing equals it any more, and its digest is "". So it is with several networks on one set, whose
    seeds are drawn otherwise today.
    """
    parent = parent_of(record.config)
    try:
        values = current(record.kind, record.config)
    except (ConfigError, TypeError, KeyError):  # a method or an option that there was once
        return "", record.basis, parent
    if not record.basis and any(_changed(name, record.created) for _, name in named(values)):
        return "", {}, parent
    if not record.basis and record.config.get("networks", 1) > 1:
        return "", {}, parent  # their networks were trained from other seeds
    found = identity(values, record.basis)
    return found.digest, found.basis, parent


def current(kind: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values with the options of today filled in, as the digest of such a run is made of."""
    if kind == "data":
        return {"data": DataConfig(**config).model_dump(mode="json"), "reading": READING}
    if kind == "frontier":
        settings = RunConfig(**config).to_json()
        return {"data": settings["data"], "norm": settings["method"]["options"]["norm"]}
    if kind in WHOLE:
        return RunConfig(**config).to_json()
    return {**config, "settings": RunConfig(**config["settings"]).to_json()}


def parent_of(config: Mapping[str, Any]) -> str:
    """The run that a further job is about, or ""."""
    return config.get("cover_run") or config.get("run") or ""


def _changed(name: str, since: float) -> bool:
    path = Path(name).expanduser()
    try:
        paths = [path, *path.rglob("*")] if path.is_dir() else [path]
        return any(found.stat().st_mtime > since for found in paths)
    except OSError:
        return True  # it is not there any more
