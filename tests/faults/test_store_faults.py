"""Stores, homes and disks that cannot be used: one sentence names the place, the process goes on, no row lies."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from core.engine import locks, perform, recovery, trouble
from core.engine.executor import LocalExecutor
from core.engine.failpoint import FAILPOINT, counted, full
from core.engine.job import Kind
from core.engine.perform import claim, folder_of
from core.engine.store import Store
from core.engine.worker import size
from core.errors import BallastError, ResourceError, RunError
from core.events import Progress


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "ballast.sqlite")
    yield opened
    opened.close()


def queue(store, **fields):
    return store.create(**{"kind": "made-up", "config": {"a": 1}, "name": "", "digest": "d", "lane": "work", **fields})


def spoil(store, run, **columns):
    """Write what no version of this program would write."""
    db = sqlite3.connect(store.path)
    with db:
        for name, value in columns.items():
            db.execute(f"UPDATE runs SET {name} = ? WHERE id = ?", (value, run))
    db.close()


def do(store, home, run, work):
    claimed, lock = claim(store, home, run)
    try:
        perform.perform(store, home, claimed, {"made-up": Kind(lane="work", perform=work, torch=False)})
    finally:
        lock.release()
    return store.get(run)


def counting(config, job):
    for done in range(1, 20):
        yield Progress(stage="train", done=done, total=20, values={"clean_acc": 0.5})
    return {"best": 1}


# --- what is no store of ours ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"this is no database at all, but some text that is long enough to look at", "is damaged .*doctor --repair"),
        (b"SQLite format 3\x00" + bytes(200), "is damaged .*doctor --repair"),
    ],
)
def test_a_malformed_store_is_one_sentence(tmp_path, content, sentence):
    (tmp_path / "a.sqlite").write_bytes(content)
    with pytest.raises(RunError, match=sentence):
        Store(tmp_path / "a.sqlite")


def test_a_store_cut_in_half_is_one_sentence(store, tmp_path):
    runs = [queue(store, name="x" * 500) for _ in range(300)]
    store.close()
    content = store.path.read_bytes()
    (tmp_path / "b.sqlite").write_bytes(content[: len(content) // 2])
    with pytest.raises(BallastError, match="doctor"):
        [other.get(run) for other in [Store(tmp_path / "b.sqlite")] for run in runs]


def test_a_database_of_another_program_is_left_as_it_is(tmp_path):
    db = sqlite3.connect(tmp_path / "a.sqlite")
    db.execute("CREATE TABLE songs (name TEXT)")
    db.commit()
    db.close()
    before = (tmp_path / "a.sqlite").read_bytes()
    with pytest.raises(RunError, match="was written by another program"):
        Store(tmp_path / "a.sqlite")
    assert (tmp_path / "a.sqlite").read_bytes() == before


def test_a_home_that_is_a_file(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(ResourceError, match="home should be a folder and is none.*BALLAST_HOME"):
        Store(tmp_path / "home" / "ballast.sqlite")


@pytest.mark.parametrize("error", [errno.EROFS, errno.EACCES])
def test_a_home_that_cannot_be_written(tmp_path, monkeypatch, error):
    def refuse(self, *args, **options):
        raise OSError(error, os.strerror(error), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ResourceError, match="cannot be written or read .*BALLAST_HOME"):
        Store(tmp_path / "home" / "ballast.sqlite")


# --- rows and settings ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "columns", [{"config": "{"}, {"result": "[1]"}, {"seconds": "nonsense"}, {"status": "odd"}, {"created": "soon"}]
)
def test_a_row_that_cannot_be_read_is_isolated_and_can_be_deleted(store, columns):
    good, bad = queue(store), queue(store)
    store.request_cancel(bad)
    spoil(store, bad, **columns)
    assert [r.id for r in store.runs()] == [good] and store.count() == 2
    shown = {r.id: r for r in store.runs(damaged=True)}[bad]
    assert shown.damaged and shown.status == "failed" and next(iter(columns)) in shown.error
    assert not shown.digest and not shown.resumable  # nothing takes it for done or goes on with it
    assert store.get(bad) == shown
    store.end(bad)
    store.delete(bad)
    assert store.count() == 1


def test_a_queued_row_that_cannot_be_read_does_not_stop_those_behind_it(store, tmp_path):
    bad, good = queue(store), queue(store)
    spoil(store, bad, config="{")
    assert claim(store, tmp_path, bad) is None
    assert store.get(bad).status == "failed" and store.waiting("work") == [good]


def test_an_event_that_cannot_be_read_has_no_values(store):
    run = queue(store)
    store.append(run, [Progress(stage="train", values={"loss": 1.0})] * 2)
    db = sqlite3.connect(store.path)
    with db:
        db.execute("""UPDATE events SET "values" = '{' WHERE seq = 1""")
    db.close()
    assert [e.values for e in store.events(run)] == [{}, {"loss": 1.0}]


@pytest.mark.parametrize("text", ["", "many", "-3", "0", "1e99", "nan", "2; DROP TABLE runs"])
def test_a_setting_that_makes_no_sense_is_the_default(store, text):
    store.set_setting("parallel", text)
    assert size(store) == 1


def test_a_kind_that_is_not_known_is_one_sentence(store, tmp_path):
    record = do(store, tmp_path, queue(store, kind="of the future"), counting)
    assert record.status == "failed" and record.error.startswith("there is no kind of run called of the future")


# --- a full disk ----------------------------------------------------------------------------------
@pytest.mark.parametrize("step", range(1, 30, 3))
def test_a_disk_that_is_full_from_any_moment_on_leaves_no_run_that_is_said_to_go_on(store, tmp_path, step, monkeypatch):
    monkeypatch.setattr(perform, "PAUSES", ())
    run = queue(store)
    try:
        with FAILPOINT.armed(counted(full, step, onwards=True)):
            do(store, tmp_path, run, counting)
    except ResourceError as error:  # so early that it could not even be claimed
        assert "is full" in str(error) and store.get(run).status == "queued"
        return
    record = recovery.truth(store, tmp_path, run)
    assert record.status == "interrupted" and "ended unexpectedly" in record.error and store.running() == []


def test_the_last_word_is_written_on_the_reserve(store, tmp_path):
    run, reserve = queue(store), tmp_path / "ballast.reserve"
    assert reserve.stat().st_size == 1 << 20

    def crowded(step, path):
        if reserve.exists():
            full(step, path)

    claimed, lock = claim(store, tmp_path, run)
    with FAILPOINT.armed(crowded):
        perform.perform(store, tmp_path, claimed, {"made-up": Kind(lane="work", perform=counting, torch=False)})
    lock.release()
    record = store.get(run)
    assert record.status == "failed" and not reserve.exists()
    assert record.error.startswith(f"the disk that holds {tmp_path} is full (") and "make room" in record.error


def test_a_quota_is_told_from_a_disk(tmp_path, monkeypatch):
    error = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), str(tmp_path))
    for free, says in (
        (3.0, "is full (3 MB left): make room"),
        (5_000.0, "5,000 MB left, so your share of it is used up"),
    ):
        monkeypatch.setattr(trouble, "free_mb", lambda place, free=free: free)
        assert says in str(trouble.of_files(error, tmp_path))


def test_a_dead_worker_is_told_as_dead_when_that_cannot_be_written(store, tmp_path):
    run = queue(store)
    _, lock = claim(store, tmp_path, run)
    lock.release()
    with FAILPOINT.armed(full):
        record = recovery.truth(store, tmp_path, run)
    assert record.status == "interrupted" and "is full" in record.error
    assert recovery.truth(store, tmp_path, run).status == "interrupted" and store.running() == []


def test_a_run_does_not_begin_where_too_little_is_free(store, tmp_path):
    store.set_setting("least_free_mb", "1e9")
    record = do(store, tmp_path, queue(store), counting)
    assert record.status == "failed" and "a run begins with 1,000,000,000 MB at least" in record.error
    assert str(tmp_path) in record.error


def test_the_keeper_of_the_pool_outlives_a_full_disk_and_says_so(store, tmp_path, monkeypatch):
    executor = LocalExecutor(store, tmp_path, "none")
    monkeypatch.setattr(executor, "_round", lambda: None)
    run = queue(store)
    _, lock = claim(store, tmp_path, run)
    lock.release()
    try:
        with FAILPOINT.armed(full):
            (tmp_path / "ballast.reserve").unlink()
            assert not executor._guarded(executor.look_after) and "is full" in executor.trouble
        assert executor._guarded(executor.look_after)
        assert store.get(run).status == "interrupted"
    finally:
        executor.close()


def test_no_more_descriptors_is_a_sentence_and_no_damage(store, tmp_path):
    def crowded(config, job):
        yield Progress(stage="load")
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    record = do(store, tmp_path, queue(store), crowded)
    assert record.status == "failed" and "no more open files" in record.error
    assert not locks.held(folder_of(tmp_path, record.id) / locks.RUN_LOCK)
