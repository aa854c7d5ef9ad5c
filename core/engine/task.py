"""What a node of a cluster does with one run: claim it, do it, keep what the process says.

A task may come twice, after its node was lost or from another bridge. The store says whose the run is: one that a
living worker has, or that has ended, is left alone; one whose worker is dead goes on from its checkpoint.
"""

import faulthandler
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.engine import device, recovery
from core.engine.perform import claim, folder_of, perform
from core.engine.process import HOST
from core.engine.store import Store
from core.engine.worker import load_kinds
from core.types import Status


def do(place: str, home: str, run_id: str, kinds: str, versions: Mapping[str, str]) -> Status:
    """Do a queued run on this node; its status afterwards.

    place     of the store, as a URL
    versions  of the server: a node with others fails the run with a sentence, since the same seed would not give the
              same bytes there
    """
    store, folder = Store(place), Path(home)
    try:
        while (found := claim(store, folder, run_id)) is None:
            if not recovery.settle_one(store, folder, run_id):
                return store.get(run_id, deleted=True).status
        claimed, lock = found
        try:
            if sentence := differing(versions, device.versions()):
                store.finish(run_id, "failed", token=claimed.token, error=sentence)
            else:
                with _kept(folder_of(folder, run_id) / "worker.log"):
                    perform(store, folder, claimed, load_kinds(kinds)[0])
        finally:
            lock.release()
        return store.get(run_id, deleted=True).status
    finally:
        store.close()


def differing(wanted: Mapping[str, str], there: Mapping[str, str]) -> str:
    """What is another version on a node than on the server, in one sentence; "" where nothing is."""
    names = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    if not names:
        return ""
    parts = ", ".join(f"{name} {there.get(name, 'missing')} instead of {wanted.get(name, 'none')}" for name in names)
    return f"the node {HOST} has {parts}: install the same requirements on every node, then run it again"


@contextmanager
def _kept(log: Path) -> Iterator[None]:
    """Append what this process and its libraries print, and the stacks of a crash, to the log of a run meanwhile."""
    outer = [os.dup(stream) for stream in (1, 2)]
    with log.open("ab", buffering=0) as file:
        try:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
            faulthandler.enable(file=file)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            faulthandler.disable()
            for stream, before in zip((1, 2), outer, strict=True):
                os.dup2(before, stream)
                os.close(before)
