"""Networks that were made elsewhere, brought on a page: take a file, look at it for a data set, take its weights."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from core.api import queue, visitors
from core.api.work import get
from core.api.workplace import home
from core.datasets.upload import MOST_BYTES, save_upload
from core.errors import RunError
from core.jobs.files import BROUGHT
from core.jobs.results import WeightsResult
from core.settings.run import RunConfig
from core.types import RunRecord, Status

SUFFIXES = (".safetensors", ".pt", ".pth")
KNOWN: tuple[Status, ...] = ("queued", "running", "done")  # what is not done anew

__all__ = ["SUFFIXES", "WeightsResult", "look", "take", "upload"]


def upload(name: str, file: BinaryIO) -> str:
    """Store a file of weights that a browser sends below the hash of its content, and return its path.

    raises  DataError for another kind of file, one that is too large, or a full disk
    """
    most = visitors.most_upload() or MOST_BYTES
    return str(save_upload(name, file, home() / "data" / BROUGHT, most=most, suffixes=SUFFIXES))


def look(data: Mapping[str, Any], weights: str) -> str:
    """Queue a look at a file of weights for a data set, or find an equal one; the id of a run of kind `weights`."""
    settings: dict[str, Any] = {"data": dict(data)}
    config = {"settings": RunConfig(**settings).to_json(), "weights": weights}
    return _once("weights", config, f"look at {_called(weights)}")


def take(
    looked: str, network: Mapping[str, Any], mean: list[float], std: list[float], evaluation: Mapping[str, Any]
) -> str:
    """Queue taking the weights of a look as this network, and judging them; the id of a run of kind `network`.

    network     {"name", "options"} as a run has it
    mean, std   by which its images were normalised, a number a channel; empty where the file says so
    raises      RunError unless that run is a look that is done
    """
    record = get(looked)
    if record.kind != "weights" or record.status != "done":
        raise RunError(f"run {looked} is no finished look at weights: look at the file first")
    settings = RunConfig(**record.config["settings"] | {"network": dict(network), "evaluation": dict(evaluation)})
    weights = record.config["weights"]
    config = {"settings": settings.to_json(), "weights": weights, "inputs": {"mean": mean, "std": std}}
    return _once("network", config, f"weights {_called(weights)}")


def _once(kind: str, config: Mapping[str, Any], name: str) -> str:
    known: RunRecord | None = next(iter(queue.equal(kind, config, KNOWN)), None)
    return known.id if known else queue.submit(kind, config, name=name, lane=queue.lane_of_small())


def _called(path: str) -> str:
    return path.rpartition("/")[2]
