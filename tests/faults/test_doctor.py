"""The doctor: a sound home has nothing wrong, each fault is found and mended, and a backup is a home."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from core import api
from core.engine import artifacts, doctor, locks, salvage, trash, writing
from core.engine.perform import RECORD, claim, folder_of
from core.engine.store import Store
from core.engine.worker import store_place
from core.errors import RunError, StoreError
from core.events import Progress

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BALLAST_HOME", str(tmp_path / "home"))
    return (tmp_path / "home").resolve()


@pytest.fixture
def store(home):
    opened = Store(store_place(home))
    yield opened
    opened.close()


def done(store, home, name="one"):
    """A finished run with a file and the record that every run leaves."""
    run = store.create("run", {"a": 1}, name=name, digest="d", lane="work")
    _, lock = claim(store, home, run)
    store.append(run, [Progress(stage="train", done=1, total=1, values={"loss": 0.5})])
    store.finish(run, "done", result={"clean_acc": 0.5})
    lock.release()
    folder = folder_of(home, run)
    artifacts.save_arrays(folder / "map.npz", {"xy": np.zeros((3, 2))})
    writing.save_json(folder / RECORD, asdict(store.get(run)))
    return run


def test_a_sound_home_has_nothing_wrong(store, home):
    done(store, home)
    trash.discard(store, home, done(store, home))
    assert list(doctor.examine(store, home)) == [] and list(api.doctor.examine(repair=True)) == []


def harm_file(store, home, run):
    (folder_of(home, run) / "map.npz").write_bytes(b"PK half")


def harm_cache(store, home, run):
    (home / "cache" / "feed").mkdir(parents=True)
    np.save(home / "cache" / "feed" / "x_train.npy", np.zeros((50, 3)))
    path = home / "cache" / "feed" / "x_train.npy"
    path.write_bytes(path.read_bytes()[:-100])


def harm_writing(store, home, run):
    (folder_of(home, run) / f".map.npz.1{writing.TEMPORARY}").write_bytes(b"half")


def harm_row(store, home, run):
    forget(store, run, "UPDATE runs SET config = '{' WHERE id = ?")


def harm_row_no_record(store, home, run):
    (folder_of(home, run) / RECORD).unlink()
    harm_row(store, home, run)


def harm_no_row(store, home, run):
    forget(store, run, "DELETE FROM runs WHERE id = ?")


def harm_no_row_no_record(store, home, run):
    (folder_of(home, run) / RECORD).unlink()
    harm_no_row(store, home, run)


def harm_dead(store, home, run):
    other = store.create("run", {}, name="", digest="", lane="work")
    store.claim(other, pid=1, born=0.0)


def harm_half_deleted(store, home, run):
    trash.discard(store, home, run)
    store.discard(run, None)


def forget(store, run, sql):
    db = sqlite3.connect(store.path)
    with db:
        db.execute(sql, (run,))
    db.close()


@pytest.mark.parametrize(
    ("harm", "says", "how"),
    [
        (harm_file, "map.npz is damaged", "it is kept as map.npz.damaged"),
        (harm_cache, "x_train.npy is damaged", "it is kept as x_train.npy.damaged"),
        (harm_writing, "is half written by a process that is gone", "it is removed"),
        (harm_row, "row of this run is damaged .config.", "it is put right by the record it left"),
        (harm_row_no_record, "row of this run is damaged .config.", "is in the trash"),
        (harm_no_row, "the store knows no run", "it is taken back by the record it left"),
        (harm_no_row_no_record, "the store knows no run", "it has no record and is put aside as orphans/"),
        (harm_dead, "is said to be running and nobody works on it", "is ended"),
        (harm_half_deleted, "is in use and its folder in the trash", "it is put back"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_fault_is_found_and_mended(store, home, harm, says, how):
    run, other = done(store, home), done(store, home, "two")
    harm(store, home, run)
    (found,) = list(api.doctor.examine())
    assert re.search(says, found.what) and found.can and not found.done
    (found,) = list(api.doctor.examine(repair=True))
    assert how in found.done
    assert list(api.doctor.examine()) == []
    assert store.get(other).status == "done"
    if harm in (harm_row, harm_no_row):
        assert (store.get(run).status, store.get(run).result) == ("done", {"clean_acc": 0.5})


def test_what_only_a_person_can_mend_is_told(store, home):
    run = done(store, home)
    for path in folder_of(home, run).iterdir():
        path.unlink()
    folder_of(home, run).rmdir()
    (found,) = list(api.doctor.examine(repair=True))
    assert "is done and its folder is missing" in found.what and not found.can and store.get(run).status == "done"


def test_a_run_that_is_worked_on_is_left_alone(store, home):
    run = store.create("run", {}, name="", digest="", lane="work")
    _, lock = claim(store, home, run)
    (folder_of(home, run) / f".map.npz.1{writing.TEMPORARY}").write_bytes(b"half")
    assert list(api.doctor.examine(repair=True)) == [] and store.get(run).status == "running"
    lock.release()


def test_a_damaged_store_is_renewed_with_what_can_be_read_and_what_runs_left(store, home):
    runs = [done(store, home, f"run {n} " + "x" * 300) for n in range(40)]
    store.close()
    path = store_place(home)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = os.urandom(8192)
    path.write_bytes(content)
    held = locks.take(home / "workers" / "work-0.lock")
    with pytest.raises(RunError, match="workers still have the store open .work-0."):
        list(api.doctor.examine(repair=True))
    held.release()
    told = list(api.doctor.examine(repair=True))
    assert "is damaged" in told[0].what and "it is kept as ballast.sqlite.damaged" in told[0].done
    again = Store(path)
    found = {record.id: record for record in again.runs()}
    again.close()
    assert set(found) == set(runs) and all(r.result == {"clean_acc": 0.5} for r in found.values())
    assert list(api.doctor.examine()) == []


def test_a_store_that_is_rubbish_is_renewed_from_what_runs_left(store, home):
    run = done(store, home)
    store.close()
    for path in home.glob("ballast.sqlite*"):
        path.write_bytes(b"rubbish " * 4000)
    with pytest.raises(StoreError, match="doctor --repair"):
        Store(store_place(home))
    told = list(api.doctor.examine(repair=True))
    assert [one.done for one in told][1:] == ["it is taken back by the record it left"]
    again = Store(store_place(home))
    assert again.get(run).result == {"clean_acc": 0.5}
    again.close()


def test_a_backup_taken_while_others_write_is_a_home(store, home, tmp_path):
    run = done(store, home)
    going = store.create("run", {}, name="going", digest="", lane="work")
    _, lock = claim(store, home, going)
    artifacts.save_arrays(folder_of(home, going) / "checkpoint-train.npz", {"epoch": np.array(3)})
    said = salvage.backup(store, home, tmp_path / "all.zip")
    store.append(going, [Progress(stage="train")])
    lock.release()
    assert "holds the store and 3 files" in said
    with zipfile.ZipFile(tmp_path / "all.zip") as file:
        file.extractall(tmp_path / "again")
    copy = Store(tmp_path / "again" / "ballast.sqlite")
    assert copy.get(run) == store.get(run) and copy.events(going) == []
    told = [finding.what for finding in doctor.examine(copy, tmp_path / "again")]
    assert told == [f"run {going} is said to be running and nobody works on it"]
    copy.close()


def test_the_command_prints_a_line_each_and_ends_with_what_stays_wrong(store, home):
    run = done(store, home)
    harm_file(store, home, run)

    def call(*words):
        environment = {**os.environ, "BALLAST_HOME": str(home)}
        command = [sys.executable, "-m", "core", "doctor", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    first = call()
    assert first.returncode == 1 and "map.npz is damaged" in first.stdout and "--repair mends it" in first.stdout
    mended = call("--repair", "--backup", str(home.parent / "b.zip"), "--json")
    values = json.loads(mended.stdout)
    assert mended.returncode == 0 and values["found"][0]["done"].startswith("it is kept as")
    assert "holds the store" in values["backup"] and zipfile.is_zipfile(home.parent / "b.zip")
    sound = call()
    assert sound.returncode == 0 and sound.stdout.strip() == f"{home} is sound"
