"""Condensed sets that were made elsewhere: take a file, look at it for a data set, and find what was taken."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from core.api import queue, visitors
from core.api.workplace import home
from core.compressors.brought.options import Imported
from core.datasets.upload import MOST_BYTES, save_upload
from core.jobs.files import BROUGHT
from core.jobs.results import BringResult
from core.settings.run import MethodChoice, RunConfig
from core.types import DataConfig, RunRecord

SUFFIXES = (".pt", ".pth", ".npz", ".zip")

__all__ = ["SUFFIXES", "BringResult", "Imported", "look", "looked", "settings", "upload"]


def settings(data: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a look: a data set as a run has it, and the options of the method `imported`.

    raises  ConfigError for wrong ones
    """
    return RunConfig(data=DataConfig(**data), method=MethodChoice.of("imported", **options)).to_json()


def upload(name: str, file: BinaryIO) -> str:
    """Store a file that a browser sends below the hash of its content; its path, as the option `set` takes it.

    raises  DataError for another kind of file, one that is too large, or a full disk
    """
    most = visitors.most_upload() or MOST_BYTES
    return str(save_upload(name, file, home() / "data" / BROUGHT, most=most, suffixes=SUFFIXES))


def look(config: Mapping[str, Any]) -> str:
    """Queue a look at a set, or find the one that was taken with these settings; the id of a run of kind `bring`."""
    known = looked(config)
    if known is not None:
        return known.id
    chosen = RunConfig(**config)
    name = f"set {chosen.method.known(Imported).set.rpartition('/')[2]} · {chosen.data.name.rpartition('/')[2]}"
    return queue.submit("bring", chosen.to_json(), name=name, lane=queue.lane_of_small())


def looked(config: Mapping[str, Any]) -> RunRecord | None:
    """The newest look with these settings that is under way or done, or None."""
    found = queue.equal("bring", config, ("queued", "running", "done"))
    return next(iter(found), None)
