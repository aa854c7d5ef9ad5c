"""A run of any length leaves few events in the store and all of them in metrics.csv."""

import csv
import io
from itertools import pairwise

import pytest

from core.engine import thinning
from core.engine.job import Ledger
from core.engine.recorder import Recorder
from core.events import Progress

LONG = 5_000


def queue(store):
    return store.create("run", {}, name="", digest="", lane="work")


def metrics(store, folder, run):
    out = io.StringIO()
    thinning.write_metrics(store, folder, run, out)
    return list(csv.DictReader(io.StringIO(out.getvalue())))


def tell(store, folder, run, count):
    """Events as a recorder gets them, faster than it stores those without an accuracy."""
    record = Recorder(store, run, folder, Ledger())
    record(Progress(stage="load", note="first words"))
    for i in range(1, count + 1):
        values = {"clean_acc": 0.5 + (0.4 if i == 1234 else 0.0), "loss": (1 / i) if i != 777 else -1.0}
        record(Progress(stage="train", done=i, total=count, values=values))
    record(Progress(stage="evaluate", done=1, total=1))
    record.flush()


def test_few_events_stay_with_the_first_the_last_and_the_best_among_them(store, tmp_path):
    run, folder = queue(store), tmp_path / "run"
    tell(store, folder, run, LONG)
    left = [e for e in store.events(run) if e.stage == "train"]
    assert thinning.KEEP <= len(left) <= 3 * thinning.KEEP
    assert {1, 777, 1234, LONG} <= {e.done for e in left}
    assert [e.stage for e in (store.events(run)[0], store.events(run)[-1])] == ["load", "evaluate"]


def test_what_stays_is_spread_evenly(store, tmp_path):
    run, folder = queue(store), tmp_path / "run"
    tell(store, folder, run, LONG)
    thinning.thin(store, folder, run)
    done = [e.done for e in store.events(run) if e.stage == "train"]
    gaps = [after - before for before, after in pairwise(done)]
    assert max(gaps) <= 4 * LONG / thinning.KEEP


def test_metrics_have_every_event_once_and_in_order(store, tmp_path):
    run, folder = queue(store), tmp_path / "run"
    tell(store, folder, run, LONG)
    assert (folder / thinning.SPILLED).exists()
    rows = metrics(store, folder, run)
    assert [int(row["done"]) for row in rows if row["stage"] == "train"] == list(range(1, LONG + 1))
    assert [int(row["seq"]) for row in rows] == list(range(1, LONG + 3))
    assert float(rows[777]["loss"]) == -1.0 and float(rows[1234]["clean_acc"]) == 0.9


def test_a_kill_between_the_file_and_the_store_loses_and_doubles_nothing(store, tmp_path, monkeypatch):
    run, folder = queue(store), tmp_path / "run"
    store.append(run, [Progress(stage="train", done=i, values={"loss": 1.0}) for i in range(1, LONG + 1)])

    def killed(run_id, seqs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "drop_events", killed)
        with pytest.raises(KeyboardInterrupt):
            thinning.thin(store, folder, run)
    path = folder / thinning.SPILLED
    path.write_bytes(path.read_bytes()[:-20])  # and the last line is half written
    assert len(metrics(store, folder, run)) == LONG
    thinning.thin(store, folder, run)
    assert len(metrics(store, folder, run)) == LONG and len(store.events(run)) <= 2 * thinning.KEEP


def test_a_store_that_kept_every_event_is_thinned_in_windows(store, tmp_path, monkeypatch):
    monkeypatch.setattr(thinning, "WINDOW", 1_500)
    run, folder = queue(store), tmp_path / "run"
    store.append(run, [Progress(stage="train", done=i) for i in range(1, LONG + 1)])
    other = queue(store)
    store.append(other, [Progress(stage="train", done=i) for i in range(10)])
    assert store.crowded(4 * thinning.KEEP) == [run]
    assert thinning.thin(store, folder, run) >= LONG - 2 * thinning.KEEP
    assert len(store.events(run)) <= 2 * thinning.KEEP and len(store.events(other)) == 10
    assert len(metrics(store, folder, run)) == LONG


def test_metrics_have_a_column_for_every_value(store, tmp_path):
    run = queue(store)
    store.append(run, [
        Progress(stage="train", done=1, total=2, unit="epochs", values={"loss": 0.5}, note="a, b"),
        Progress(stage="train", done=2, total=2, unit="epochs", values={"clean_acc": 1.0}),
    ])  # fmt: skip
    out = io.StringIO()
    thinning.write_metrics(store, tmp_path, run, out)
    times = [event.time for event in store.events(run)]
    assert out.getvalue().splitlines() == [
        "seq,time,stage,done,total,unit,loss,clean_acc,note",
        f'1,{times[0]},train,1,2,epochs,0.5,,"a, b"',
        f"2,{times[1]},train,2,2,epochs,,1.0,",
    ]
