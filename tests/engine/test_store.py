"""The store: one status in one place, whoever asks and however many do."""

import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from core.engine.store import Store
from core.errors import RunError
from core.events import Progress

ROOT = Path(__file__).resolve().parents[2]


def queue(store, **fields):
    return store.create(**{"kind": "run", "config": {"a": 1}, "name": "one", "digest": "d", "lane": "work", **fields})


def test_a_run_goes_from_queued_to_done(store):
    run = queue(store)
    assert store.get(run).status == "queued" and store.waiting("work") == [run] and store.waiting("light") == []
    claimed = store.claim(run, pid=7, born=1.5)
    assert (claimed.id, claimed.kind, claimed.config) == (run, "run", {"a": 1})
    assert store.owner(run).pid == 7 and store.claim(run, pid=8, born=1.0) is None
    store.note(run, device="cpu", seconds={"load": 1.0}, data_hash="ff")
    assert store.finish(run, "done", result={"clean_acc": 0.5}, peak_rss_mb=12.0)
    record = store.get(run)
    assert (record.status, record.device, record.result, record.data_hash) == ("done", "cpu", {"clean_acc": 0.5}, "ff")
    assert record.created <= record.started <= record.finished and store.owner(run) is None


def test_the_first_word_about_the_end_stands(store):
    run = queue(store)
    store.claim(run, pid=1, born=0)
    assert store.finish(run, "cancelled")
    assert not store.finish(run, "done", result={"x": 1})
    assert store.get(run).status == "cancelled" and store.get(run).result == {}


def test_events_are_numbered_and_read_from_where_one_left_off(store):
    run, other = queue(store), queue(store)
    store.append(
        run, [Progress(stage="load", note="a"), Progress(stage="train", done=1, total=2, values={"loss": 0.5})]
    )
    store.append(other, [Progress(stage="load")])
    store.append(run, [Progress(stage="train", done=2, total=2)])
    assert [(e.seq, e.stage, e.done) for e in store.events(run)] == [(1, "load", 0), (2, "train", 1), (3, "train", 2)]
    assert [e.seq for e in store.events(run, after=2)] == [3]
    assert store.events(run)[1].values == {"loss": 0.5} and store.last_event(run).done == 2
    assert store.last_event(queue(store)) is None


def test_cancel_and_requeue(store):
    waiting, working = queue(store), queue(store)
    store.claim(working, pid=1, born=0)
    assert store.request_cancel(waiting) == "cancelled"
    assert store.request_cancel(working) == "running" and store.owner(working).cancel is not None
    with pytest.raises(RunError, match="is running, not interrupted"):
        store.requeue(working, lane="work")
    store.requeue(waiting, lane="work")
    assert store.get(waiting).status == "queued"
    store.finish(working, "cancelled")
    assert store.request_cancel(working) == "cancelled"
    store.requeue(working, lane="work")
    store.claim(working, pid=2, born=0)
    assert store.owner(working).cancel is None  # the old request does not stop the new attempt


def test_deleting_removes_rows_of_ended_runs_only(store):
    run = queue(store)
    store.append(run, [Progress(stage="load")])
    with pytest.raises(RunError, match="cancel it before deleting"):
        store.delete(run)
    store.request_cancel(run)
    store.delete(run)
    assert store.events(run) == []
    for call in (store.get, store.delete, lambda r: store.rename(r, "x")):
        with pytest.raises(RunError, match="there is no run"):
            call(run)


def test_runs_are_found_newest_first_by_kind_status_and_words(store):
    first = queue(store, name="MFC on digits", config={"method": {"name": "mfc"}})
    second = queue(store, name="bar", config={"method": {"name": "random"}}, digest="e")
    data = queue(store, kind="data", lane="light")
    assert [r.id for r in store.runs()] == [data, second, first]
    assert [r.id for r in store.runs(kind="run", text="mfc DIGITS")] == [first]
    assert [r.id for r in store.runs(text="random")] == [second]
    assert [r.id for r in store.runs(digest="e")] == [second]
    assert [r.id for r in store.runs(status=("queued", "done"), limit=2)] == [data, second]
    assert store.runs(text="100%_nothing") == []


def test_the_limit_of_parallel_runs_counts_its_own_lane(store):
    first, second, data = queue(store), queue(store), queue(store, kind="data", lane="light")
    assert store.claim(data, pid=1, born=0, at_most=1)
    assert store.claim(first, pid=1, born=0, at_most=1)
    assert store.claim(second, pid=1, born=0, at_most=1) is None
    assert store.claim(second, pid=1, born=0, at_most=2)


def test_settings_are_remembered(tmp_path):
    first = Store(tmp_path / "s.sqlite")
    assert first.setting("parallel", "1") == "1"
    first.set_setting("parallel", "2")
    first.set_setting("parallel", "3")
    first.close()
    second = Store(tmp_path / "s.sqlite")
    assert second.setting("parallel", "1") == "3"
    second.close()


def test_a_newer_store_is_refused(tmp_path):
    path = tmp_path / "new.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 999")
    db.close()
    with pytest.raises(RunError, match="has version 999"):
        Store(path)


CLAIMER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from core.events import Progress
    from core.engine.store import Store
    path, me = Path(sys.argv[1]), sys.argv[2]
    store = Store(path)                       # several open a store that does not exist yet
    for n in range(10):
        store.create("run", {}, name=me, digest="", lane="work")
    mine = []
    while len(store.runs(limit=1000)) < 40:   # until everybody has queued theirs
        pass
    for run in store.waiting("work"):
        if store.claim(run, pid=int(me), born=0.0):
            mine.append(run)
            store.append(run, [Progress(stage="load", done=i) for i in range(5)])
            store.finish(run, "done", result={"by": me})
    print(*mine)
    store.close()
""")


def test_processes_never_claim_the_same_run(tmp_path):
    path = tmp_path / "shared.sqlite"
    command = [sys.executable, "-W", "error", "-c", CLAIMER, str(path)]
    workers = [
        subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        for n in range(4)
    ]
    results = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * 4, [error for _, error in results]
    claimed = [run for out, _ in results for run in out.split()]
    store = Store(path)
    assert len(claimed) == len(set(claimed)) == 40
    assert all(r.status == "done" and len(store.events(r.id)) == 5 for r in store.runs())
    store.close()


def test_threads_share_one_store(store):
    run = queue(store)

    def write():
        for i in range(25):
            store.append(run, [Progress(stage="load", done=i)])

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [e.seq for e in store.events(run)] == list(range(1, 101))


def test_a_request_to_finish_is_heard_by_every_attempt(store):
    run = queue(store)
    assert store.finish_requested(run) is None and store.finish_requested("nobody") is None
    store.claim(run, pid=1, born=0.0)
    assert store.owner(run).finish is None
    store.request_finish(run)
    first = store.finish_requested(run)
    store.request_finish(run)
    assert store.owner(run).finish == store.finish_requested(run) == first
    store.finish(run, "interrupted")
    store.requeue(run, lane="work")
    store.claim(run, pid=2, born=0.0)
    assert store.owner(run).finish == first and store.owner(run).cancel is None


def test_runs_wait_in_the_order_they_came(store):
    first, second, third = (queue(store) for _ in range(3))
    assert store.waiting("work") == [first, second, third]
    store.request_cancel(first)
    store.requeue(first, lane="work")  # who comes again stands behind those who wait
    assert store.waiting("work") == [second, third, first]
    for run in (second, third, first):  # those that are worked on do not stand in the way
        assert store.claim_next("work", pid=1, born=0.0, hold=lambda found: True).id == run
    assert store.claim_next("work", pid=1, born=0.0, hold=lambda found: True) is None


def test_what_may_come_later_stands_behind_what_comes_afterwards_and_counts_with_it(tmp_path):
    store = Store(tmp_path / "ballast.sqlite")
    later = [store.create("run", {}, name=f"reference {n}", digest="", lane="later") for n in range(2)]
    mine = store.create("run", {}, name="mine", digest="", lane="work")
    light = store.create("data", {}, name="small", digest="", lane="light")
    assert store.waiting("work") == [mine, *later] and store.waiting("light") == [light]
    assert store.claim(later[0], pid=1, born=0.0, at_most=1) is not None
    assert store.claim(mine, pid=1, born=0.0, at_most=1) is None  # both lanes share the workers
    assert store.claim(mine, pid=1, born=0.0, at_most=2) is not None
    store.close()
