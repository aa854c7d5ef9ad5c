"""What the store promises, on a file and on a server: the tests of tests/engine again, and what only many can see."""

import importlib.util
import inspect
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy import inspect as looked_at

from core.engine import reading, recovery
from core.engine.store import Store
from core.engine.tables import METADATA, RUNS
from core.errors import ConfigError, ResourceError, RunError
from core.events import Progress

ROOT = Path(__file__).resolve().parents[2]
for _name in ("test_store", "test_lease"):
    _spec = importlib.util.spec_from_file_location(_name, ROOT / "tests" / "engine" / f"{_name}.py")
    _promises = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_promises)
    for _test, _made in vars(_promises).items():
        if _test.startswith("test_") and list(inspect.signature(_made).parameters) == ["store"]:
            globals()[_test] = _made


def queue(store, **fields):
    return store.create(**{"kind": "run", "config": {}, "name": "", "digest": "", "lane": "work", **fields})


def test_the_tables_are_those_that_the_statements_speak_of(store):
    with store._db._engine.connect() as db:
        there = looked_at(db)
        for table in METADATA.sorted_tables:
            found = {column["name"]: column["nullable"] for column in there.get_columns(table.name)}
            assert found | dict.fromkeys(table.primary_key.columns.keys(), False) == {
                column.name: column.nullable for column in table.c
            }
            keys = there.get_pk_constraint(table.name)["constrained_columns"]
            assert keys == [column.name for column in table.primary_key]
            indexes = {index["name"]: index["column_names"] for index in there.get_indexes(table.name)}
            assert indexes == {index.name: [column.name for column in index.columns] for index in table.indexes}


def test_runs_are_found_by_their_methods(store):
    mine = queue(store, config={"method": {"name": "dm"}})
    queue(store, config={"method": {"name": "mfc"}})
    queue(store, config={"method": "odd"})
    assert [run.id for run in store.runs(methods=("dm", "other"))] == [mine] and store.count(methods=("mfc",)) == 1


def test_the_first_of_a_lane_is_claimed_and_one_that_is_held_is_left(store):
    first, second, third = queue(store), queue(store, lane="later"), queue(store)
    held = []

    def hold(run_id):
        held.append(run_id)
        return run_id != first

    assert store.claim_next("work", pid=1, born=0.0, hold=hold) is None and held == [first]
    assert store.get(first).status == "queued"
    claims = [store.claim_next("work", pid=1, born=0.0, hold=hold, besides=[first]) for _ in range(3)]
    assert [found and found.id for found in claims] == [third, second, None]


MANY = 600  # as many as make every process claim dozens while all others do
CLAIMER = textwrap.dedent("""
    import os, sys
    from core.engine.store import Store
    from pathlib import Path
    place = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
    store = Store(place)
    print("ready", flush=True)
    sys.stdin.readline()
    while found := store.claim_next("work", pid=os.getpid(), born=0.0, hold=lambda run: True):
        print(found.id)
    store.close()
""")


def test_eight_processes_claim_each_of_many_runs_once(store, place):
    runs = [f"run-{number:04}" for number in range(MANY)]
    row = {"kind": "run", "lane": "work", "name": "", "status": "queued", "config": "{}", "digest": ""}
    row |= {"created": 0.0, "queued": 0.0}
    store._db.change(lambda db: db.execute(insert(RUNS), [row | {"id": run} for run in runs]))
    command = [sys.executable, "-W", "error", "-c", CLAIMER, str(place)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    workers = [subprocess.Popen(command, **pipes) for _ in range(8)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    began = time.perf_counter()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [worker.communicate(timeout=300)[0].split() for worker in workers]
    seconds = time.perf_counter() - began
    print(f"{MANY / seconds:,.0f} claims a second by 8 processes: {str(place).partition(':')[0]}")
    assert [worker.returncode for worker in workers] == [0] * 8
    assert Counter(run for claimed in told for run in claimed) == Counter(runs)


# --- only on a server -----------------------------------------------------------------------------
@pytest.fixture
def far(postgres):
    opened = Store(postgres.fresh())
    yield opened
    opened.close()


def elsewhere(store, run, seconds):
    """Let a run be worked on by another machine, whose lease ends in so many seconds."""
    word = update(RUNS).where(RUNS.c.id == run).values(host="another machine", lease=time.time() + seconds)
    store._db.change(lambda db: db.execute(word))


def test_a_run_elsewhere_is_left_alone_until_its_lease_has_ended(far, tmp_path, monkeypatch):
    monkeypatch.setattr("core.engine.recovery.HOST", "here")
    run = queue(far)
    far.claim(run, pid=os.getpid(), born=0.0)
    elsewhere(far, run, 30.0)
    assert recovery.alive(far, tmp_path, run) and not recovery.settle_one(far, tmp_path, run)
    monkeypatch.setattr(reading, "OWNER", reading._owner(1e9))
    elsewhere(far, run, -1.0)  # but the server has been up for less than a lease: its holder may not have reached it
    assert recovery.alive(far, tmp_path, run) and far.owner(run).left > 0
    monkeypatch.setattr(reading, "OWNER", reading._owner(0.0))
    assert not recovery.alive(far, tmp_path, run) and recovery.settle_one(far, tmp_path, run)
    record = far.get(run)
    assert record.status == "interrupted" and record.error.startswith("another machine gave no sign of life before")


def test_a_server_that_restarts_under_load_loses_no_event_and_doubles_none(far, postgres):
    far._db.patience = 300.0  # of a busy machine
    runs = [queue(far) for _ in range(4)]
    stop = threading.Event()
    written, errors = Counter(), []

    def write(run):
        try:
            while not stop.is_set():
                far.append(run, [Progress(stage="train", done=written[run])])
                written[run] += 1
                far.beat(run)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for how in ("fast", "immediate"):
        while min(written[run] for run in runs) < 20:
            time.sleep(0.01)
        postgres.stop(how)
        postgres.start()
    after = dict(written)
    while any(written[run] < after[run] + 20 for run in runs) and not errors:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    for run in runs:
        done = [event.done for event in far.events(run)]
        assert len(done) == len(set(done)) and done == sorted(done)
        assert [event.seq for event in far.events(run)] == list(range(1, len(done) + 1))


def test_a_server_that_is_away_is_one_sentence(far, postgres):
    postgres.stop()
    try:
        with pytest.raises(ResourceError, match="does not answer: see that PostgreSQL runs there"):
            far.runs()
    finally:
        postgres.start()
    assert far.runs() == []


@pytest.mark.parametrize("url", ["mysql://a/b", "postgresql+asyncpg://a/b", "://", "s3://bucket"])
def test_an_address_of_another_kind_is_refused(url):
    with pytest.raises(ConfigError, match="BALLAST_STORE is the path of a file or postgresql"):
        Store(url)


def test_a_database_that_does_not_exist_is_refused_and_a_password_is_not_told(postgres):
    with pytest.raises(ResourceError, match="refuses .*does not exist") as told:
        Store(f"postgresql://ballast:secret@127.0.0.1:{postgres.port}/nowhere")
    assert "secret" not in str(told.value)


def test_tables_of_a_newer_version_and_of_another_program_are_refused(far, postgres):
    far._db.change(lambda db: db.execute(text("UPDATE ballast_schema SET version = 99")))
    with pytest.raises(RunError, match="has version 99, this program knows up to"):
        Store(far.place)
    other = Store(url := postgres.fresh())
    other._db.change(lambda db: db.execute(text("DROP TABLE ballast_schema")))
    other.close()
    with pytest.raises(RunError, match="another program"):
        Store(url)


def test_a_copy_of_a_server_is_a_store_on_one_machine(far, tmp_path):
    run = queue(far, name="kept")
    far.append(run, [Progress(stage="load", values={"a": 1.0})])
    far.set_setting("parallel", "2")
    far.copy(tmp_path / "copy.sqlite")
    copy = Store(tmp_path / "copy.sqlite")
    assert copy.runs() == far.runs() and copy.events(run) == far.events(run) and copy.setting("parallel") == "2"
    copy.close()
