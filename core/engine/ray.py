"""Runs on a Ray cluster: `BALLAST_EXECUTOR=ray`, the cluster at `RAY_ADDRESS`, the store on PostgreSQL.

Nothing of Ray is loaded here. A program that is connected to a cluster ends when the head of that cluster is gone, so
the connection is held by a process of its own, `core.engine.bridge`, which is kept alive as a worker is. What a run
asks for, and how often one whose machine fell is begun again, are settings of the store: all machines mean the same.

source  Moritz et al. 2018, Ray: A Distributed Framework for Emerging AI Applications, arXiv:1712.05889
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.engine.executor import LocalExecutor
from core.engine.recovery import RETRIES
from core.engine.server import INSTALL
from core.engine.store import Store
from core.errors import ConfigError, ResourceError

SLOT = "ray-0"
TROUBLE = "ray_trouble"  # setting: what keeps the bridge from its work, in one sentence
CLUSTER = "cluster"  # setting: the nodes as the bridge saw them last
MOST = 4096.0
MOST_TASKS = 1_000  # of one study that wait in the queue of Ray
# what is asked for: variable of the environment → setting, smallest value, what holds where nobody said
ASKED = {
    "BALLAST_CPUS": ("ray_cpus", 0.01, 1.0),
    "BALLAST_GPUS": ("ray_gpus", 0.0, 0.0),
    "BALLAST_RETRIES": (RETRIES, 0.0, 3.0),
}


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a run asks of a node: cores and graphics cards, parts of one allowed, and how often it may begin again."""

    cpus: float
    gpus: float
    retries: int


class RayExecutor(LocalExecutor):
    """Keeps the bridge to the cluster alive; whatever waits in the store is worked on there.

    raises  ConfigError when Ray is not installed, the store is a file, or what a run asks for makes no sense
    """

    def __init__(self, store: Store, home: Path, kinds: str) -> None:
        check(store)
        remember(store, os.environ)
        super().__init__(store, home, kinds)

    def at_once(self) -> int:
        return MOST_TASKS

    def slots(self, parallel: int) -> list[str]:
        return [SLOT]

    def module(self) -> str:
        return "core.engine.bridge"

    def look_after(self) -> None:
        super().look_after()
        if sentence := self.store.setting(TROUBLE):
            raise ResourceError(sentence)


def check(store: Store) -> None:
    """Refuse what cannot work before anything is begun.

    raises  ConfigError
    """
    if find_spec("ray") is None:
        raise ConfigError(f"BALLAST_EXECUTOR is ray, which is not installed: {INSTALL}")
    if store.local:
        raise ConfigError("BALLAST_EXECUTOR is ray, for which BALLAST_STORE must name PostgreSQL: see docs/deploy.md")


def remember(store: Store, environment: Mapping[str, str]) -> None:
    """Keep what runs ask for from now on, where the environment says so.

    raises  ConfigError for what is no number, or too small
    """
    for variable, (setting, least, usual) in ASKED.items():
        told = environment.get(variable, "")
        if not told and store.setting(setting):
            continue
        store.set_setting(setting, f"{amount(variable, told, least) if told else usual:g}")


def amount(variable: str, told: str, least: float) -> float:
    """A number as somebody wrote it; ConfigError where it means nothing."""
    try:
        found = float(told)
    except ValueError:
        found = math.nan
    if not least <= found <= MOST:
        raise ConfigError(f"{variable} must be a number from {least:g} to {MOST:g}, got {told[:40]!r}")
    return found


def need(store: Store) -> Need:
    """What runs ask for at present."""
    cpus, gpus, retries = (store.number(key, usual, low=low, high=MOST) for key, low, usual in ASKED.values())
    return Need(cpus=cpus, gpus=gpus, retries=int(retries))


def last_seen(store: Store) -> dict[str, Any]:
    """The cluster as the bridge saw it last: at (seconds since the epoch), nodes, free; {} before that."""
    try:
        found = json.loads(store.setting(CLUSTER) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
