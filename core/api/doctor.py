"""A look at the whole home: what is wrong, what was mended, and a copy of everything."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.api.workplace import home
from core.engine import doctor, locks, salvage, writing
from core.engine.database import Place
from core.engine.store import Store
from core.engine.worker import store_place
from core.errors import RunError, StoreError


@dataclass(frozen=True)
class Told:
    """One thing that is wrong.

    what  one sentence
    done  how it was mended, or "" when it was not
    can   whether the doctor could mend it
    """

    what: str
    done: str
    can: bool


def examine(*, repair: bool = False) -> Iterator[Told]:
    """Everything that is wrong in the home, one after another; with `repair` mended where that can be done."""
    place, fault = store_place(home()), ""
    try:
        store = Store(place)
        if faults := store.faults():
            fault = f"the store {place} is damaged: {faults[0]}"
            store.close()
    except StoreError as error:
        fault = str(error)
    if fault:
        yield Told(fault, _renewed(place) if repair else "", True)
        if not repair:
            return
        store = Store(place)
    try:
        for found in doctor.examine(store, home()):
            yield Told(found.what, found.repair() if repair and found.repair else "", found.repair is not None)
    finally:
        store.close()


def backup(target: Path) -> str:
    """Write the store and all that cannot be computed again into one zip, while runs go on; says what is in it."""
    writing.writable(target)
    store = Store(store_place(home()))
    try:
        return salvage.backup(store, home(), target)
    finally:
        store.close()


def _renewed(path: Place) -> str:
    """A new store in place of the damaged one.

    raises  RunError while workers have the old one open
    """
    assert isinstance(path, Path), "of a server no fault is found here"
    working = [lock.stem for lock in (home() / "workers").glob("*.lock") if locks.held(lock)]
    if working:
        raise RunError(
            f"workers still have the store open ({', '.join(working)}): stop Ballast and every command of this home, "
            "then repair"
        )
    return salvage.renew(path)
