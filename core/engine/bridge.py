"""The bridge to a Ray cluster: makes a task of every queued run, ends those that do not stop by themselves.

    python -m core.engine.bridge --home FOLDER --slot ray-0 --kinds core.jobs.kinds

The queue is Ray's: a task waits there until a node has what it asks for. That a run is done once is the store's: a task
that finds its run taken or ended does nothing, so that it may be made twice. The bridge ends as a worker does, and when
its cluster is gone; the next one makes tasks of what the store still has.
"""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ray

from core.engine import artifacts, device, locks, task
from core.engine.perform import folder_of
from core.engine.ray import CLUSTER, TROUBLE, Need, need
from core.engine.store import Store
from core.engine.worker import TROUBLE_S, parse, slot_lock, store_place, when_input_ends
from core.errors import BallastError, ResourceError

ROUND_S = 0.2  # seconds between two looks at the queue
REPORT_S = 2.0  # seconds between two looks at the cluster
CONNECT_S = 3.0  # seconds for the head to answer at all
GONE_S = 10.0  # seconds without an answer of the cluster after which it is gone
LAST_RESORT_S = 1.5  # seconds after which a run that did not stop is ended from outside
AGAIN_S = 5.0  # seconds until a run whose task failed is tried again
LIGHT_CPUS = 0.1  # of a core: what a run of the lane "light" asks for
ALONG = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "BALLAST_LEASE_S", "BALLAST_DEVICE", "PYTHONPATH")
LOG = logging.getLogger("ballast")


class Bridge:
    """The tasks of one store on one cluster, by run."""

    def __init__(self, store: Store, home: Path, kinds: str) -> None:
        self._store, self._home, self._kinds = store, home, kinds
        self._do = ray.remote(task.do)
        self.tasks: dict[str, Any] = {}
        self._later: dict[str, float] = {}
        self._asked: dict[str, float] = {}

    def round(self) -> None:
        """Forget what has ended, make tasks of what waits, end what was asked to stop and did not."""
        self._reap()
        self._submit(need(self._store))
        self._force()

    def _reap(self) -> None:
        if not self.tasks:
            return
        runs = {ref: run for run, ref in self.tasks.items()}
        for ref in ray.wait(list(runs), num_returns=len(runs), timeout=0)[0]:
            run = runs[ref]
            del self.tasks[run]
            try:
                ray.get(ref)
                self._later.pop(run, None)
            except ray.exceptions.RayError as error:
                self._later[run] = time.monotonic() + AGAIN_S
                LOG.warning("the task of run %s: %s", run, error)

    def _submit(self, wanted: Need) -> None:
        for lane in ("work", "light"):
            for run in self._store.waiting(lane):
                if run not in self.tasks and self._later.get(run, 0.0) <= time.monotonic():
                    self.tasks[run] = self._task(run, lane, wanted)

    def _task(self, run: str, lane: str, wanted: Need) -> Any:
        light = lane == "light"
        asked = {"num_cpus": LIGHT_CPUS if light else wanted.cpus, "num_gpus": 0 if light else wanted.gpus}
        carried = {name: os.environ[name] for name in ALONG if name in os.environ}
        made = self._do.options(
            **asked, max_retries=wanted.retries, name=f"run {run}", runtime_env={"env_vars": carried}
        )
        return made.remote(str(self._store.place), str(self._home), run, self._kinds, device.versions())

    def _force(self) -> None:
        """End what goes on though it was asked to stop; Ray says when it is gone, then the store is told."""
        running = set(self._store.running()) & set(self.tasks)
        self._asked = {run: since for run, since in self._asked.items() if run in running}
        for run in running:
            owner = self._store.owner(run)
            if owner is None or owner.cancel is None:
                continue
            if time.monotonic() - self._asked.setdefault(run, time.monotonic()) < LAST_RESORT_S:
                continue
            ray.cancel(self.tasks[run], force=True)
            if ray.wait([self.tasks[run]], timeout=1.0)[0]:
                again = artifacts.resumable(folder_of(self._home, run))
                self._store.finish(run, "cancelled", token=owner.token, resumable=again)


class Sight:
    """Looks at the cluster in a thread, since a head that is gone does not answer; tells the store what is there."""

    def __init__(self, store: Store) -> None:
        self._store, self._seen, self._over = store, time.monotonic(), threading.Event()
        self._here = ray.get_runtime_context().get_node_id()
        store.on_close(self._over.set)
        threading.Thread(target=self._look, name="sight", daemon=True).start()

    def gone(self) -> bool:
        return time.monotonic() - self._seen > GONE_S

    def _look(self) -> None:
        while not self._over.is_set():
            nodes = ray.nodes()
            if not any(node["Alive"] and node["NodeID"] == self._here for node in nodes):
                LOG.error("the Ray node that this machine was connected to is gone")
                os._exit(1)
            self._seen = time.monotonic()
            try:
                self._store.set_setting(CLUSTER, json.dumps(seen(nodes, ray.available_resources())))
            except BallastError as error:
                LOG.warning("%s", error)
            self._over.wait(REPORT_S)


def seen(nodes: Sequence[Mapping[str, Any]], free: Mapping[str, float]) -> dict[str, Any]:
    """The living nodes with what they have, and what nobody uses in all."""
    there = [
        {"name": node["NodeManagerHostname"], "address": node["NodeManagerAddress"], **have(node["Resources"])}
        for node in nodes if node["Alive"]
    ]  # fmt: skip
    return {"at": time.time(), "nodes": there, "free": have(free)}


def have(resources: Mapping[str, float]) -> dict[str, float]:
    return {"cpus": resources.get("CPU", 0.0), "gpus": resources.get("GPU", 0.0)}


def connect() -> None:
    """Join the cluster at `RAY_ADDRESS`, or the one that runs on this machine.

    raises  ResourceError where none answers
    """
    address = os.environ.get("RAY_ADDRESS") or "auto"
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal() and "/" not in host:  # Ray itself would ask for a minute
            socket.create_connection((host, int(port)), CONNECT_S).close()
        ray.init(address=address, namespace="ballast", log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        LOG.warning("%s", error)
        raise ResourceError(
            f"no Ray cluster answers at RAY_ADDRESS={address}: start one by `ray start --head`, and name its address"
        ) from None


def serve(store: Store, home: Path, kinds: str) -> int:
    """Go on until the server is gone and nothing is left to do; 1 when the cluster is gone."""
    ended, bridge, sight = when_input_ends(), Bridge(store, home, kinds), Sight(store)
    while not sight.gone():
        try:
            bridge.round()
            if ended.is_set() and not bridge.tasks and not store.waiting("work"):
                return 0
        except BallastError as error:  # the store cannot be used at the moment
            LOG.warning("%s", error)
            time.sleep(TROUBLE_S)
        time.sleep(ROUND_S)
    LOG.error("the Ray cluster does not answer")
    return 1


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(__doc__, arguments)
    place = locks.take(slot_lock(options.home, options.slot), 1.0)
    if place is None:
        return 0
    store = None
    try:
        store = Store(store_place(options.home))
        connect()
        store.set_setting(TROUBLE, "")
        return serve(store, options.home, options.kinds)
    except BallastError as error:
        LOG.error("%s", error)
        if store is not None:
            store.set_setting(TROUBLE, str(error))
        return 1


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)  # a cluster that is gone would be waited for
