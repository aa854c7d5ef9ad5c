"""The kinds of runs there are, and what a warm worker loads before the first of them. Light: work is named."""

from collections.abc import Callable, Mapping

from core.engine.job import Kind, Lane
from core.jobs.results import RESULTS
from core.types import Named


def _kind(name: str, work: str, *, lane: Lane = "work", torch: bool = True) -> Kind:
    """A kind whose result is the value of that name in `core.jobs.results`."""
    return Kind(lane=lane, perform=Named(f"core.jobs.{work}"), torch=torch, check=RESULTS[name].checked)


KINDS: Mapping[str, Kind] = {
    "run": _kind("run", "run:run"),
    "condense": _kind("condense", "run:condense"),
    "bring": _kind("bring", "bring:bring"),
    "train": _kind("train", "run:train"),
    "weights": _kind("weights", "elsewhere:look"),
    "network": _kind("network", "elsewhere:network"),
    "code": _kind("code", "elsewhere:code"),
    "evaluate": _kind("evaluate", "run:evaluate"),
    "audit": _kind("audit", "judge:audit"),
    "attack": _kind("attack", "judge:attack"),
    "kernel": _kind("kernel", "kernel:judge"),
    "prove": _kind("prove", "prove:prove"),
    "nearest": _kind("nearest", "nearest:judge"),
    "width": _kind("width", "width:width"),
    "covering": _kind("covering", "cover:cover", torch=False),
    "frontier": _kind("frontier", "frontier:frontier", torch=False),
    "bound": _kind("bound", "bound:estimate"),
    "certify": _kind("certify", "certify:certify"),
    "data": _kind("data", "data:data", lane="light", torch=False),
}

WARM: tuple[Callable[[], None], ...] = (
    Named("core.jobs.warm:load_libraries"),
    Named("core.jobs.warm:compile_covering"),
    Named("core.jobs.warm:compile_convnet"),
    Named("core.jobs.warm:compile_nearest"),
)
