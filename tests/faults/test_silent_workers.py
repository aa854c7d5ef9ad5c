"""Workers that are stopped, and clocks that are set: what gives no sign of life is seen, killed and gone on with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from core.engine import locks, process, recovery, silence
from core.engine.executor import LocalExecutor
from core.engine.perform import folder_of
from core.engine.store import Store
from core.engine.worker import store_place
from core.errors import RunError
from core.types import ENDED

ENGINE = Path(__file__).resolve().parents[1] / "engine"  # where the kinds made up for tests are
PATIENCE = 400  # seconds until a promise counts as broken on a crowded machine


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
    return found


@pytest.fixture
def store(tmp_path):
    opened = Store(store_place(tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def pool(store, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ENGINE))
    executor = LocalExecutor(store, tmp_path, "fake_kinds")
    yield executor
    executor.close()


def begun(store, pool, steps=60):
    run = store.create("count", {"steps": steps, "pause": 0.05}, name="", digest="", lane="work")
    pool.submit(run)
    until(lambda: any(e.done >= 3 for e in store.events(run)))
    return run


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system cannot stop a process")
class TestStopped:
    def test_it_is_killed_and_gone_on_with_by_itself_after_the_patience(self, store, pool):
        store.set_setting("patience_s", "3")
        run = begun(store, pool)
        stopped = store.owner(run)
        os.kill(stopped.pid, signal.SIGSTOP)
        record = until(lambda: (found := store.get(run)).status in ENDED and found)
        assert record.status == "done" and record.result["pid"] != stopped.pid and record.result["start"] >= 3
        assert store.restarts(run) == 1 and not psutil.pid_exists(stopped.pid)

    def test_its_silence_is_told_and_somebody_may_kill_it(self, store, pool, tmp_path):
        store.set_setting("patience_s", "0")  # never by itself
        run = begun(store, pool)
        assert silence.of(store, run) is None or silence.of(store, run) < PATIENCE
        stopped = store.owner(run)
        os.kill(stopped.pid, signal.SIGSTOP)
        until(lambda: (silence.of(store, run) or 0.0) > 2.5)
        assert store.get(run).status == "running"
        pool.requeue(run)
        record = until(lambda: (found := store.get(run)).status in ENDED and found)
        assert record.status == "done" and record.result["start"] >= 3 and store.restarts(run) == 0
        with pytest.raises(RunError, match="is done, not running: nothing is killed"):
            pool.requeue(run)

    def test_it_is_cancelled_when_that_is_asked_for(self, store, pool):
        run = begun(store, pool, steps=1000)
        os.kill(store.owner(run).pid, signal.SIGSTOP)
        pool.cancel(run)
        assert until(lambda: (found := store.get(run)).status in ENDED and found).status == "cancelled"


def test_a_run_that_falls_silent_again_and_again_is_left_interrupted(store, tmp_path):
    run = store.create("count", {}, name="", digest="", lane="work")
    for attempt in range(silence.MOST_RESTARTS + 1):
        store.claim(run, pid=2**22 + 1, born=0.0)
        silence.kill_and_requeue(store, tmp_path, run, again=True)
        left = attempt == silence.MOST_RESTARTS
        assert store.get(run).status == ("interrupted" if left else "queued")
    assert "gave no sign of life and was killed" in store.get(run).error
    store.requeue(run, lane="work")  # somebody looked after it
    assert store.restarts(run) == 0


def test_nobody_sees_a_run_between_its_end_and_its_queue(store, tmp_path, monkeypatch):
    """Whoever follows a run takes an ended one for ended, and a keeper may die between two words."""
    run = store.create("count", {}, name="", digest="", lane="later")
    store.claim(run, pid=2**22 + 1, born=0.0)
    monkeypatch.setattr(store, "finish", lambda *_, **__: pytest.fail("it was ended on the way"))
    silence.kill_and_requeue(store, tmp_path, run, again=True)
    assert store.get(run).status == "queued" and store.waiting("work") == [run]
    with pytest.raises(RunError, match="is queued, not running: nothing is killed"):
        silence.kill_and_requeue(store, tmp_path, run)


@pytest.fixture
def holder(store, tmp_path):
    """A run with a process that has claimed it, holds its lock and does nothing."""
    run = store.create("count", {}, name="", digest="", lane="work")
    code = "import sys, time; from pathlib import Path; from core.engine import locks; "
    code += "lock = locks.take(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"
    lock = folder_of(tmp_path, run) / locks.RUN_LOCK
    child = subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"held\n"
    store.claim(run, pid=child.pid, born=process.born(child.pid))
    yield run, child
    child.kill()
    child.communicate()


def test_whoever_looks_after_dead_workers_at_that_moment_does_not_end_the_run(store, tmp_path, holder, monkeypatch):
    run, child = holder
    kill = process.kill

    def killed_while_somebody_looks(pid, birth):
        assert kill(pid, birth) and child.wait(PATIENCE)
        recovery.settle(store, tmp_path)
        return True

    monkeypatch.setattr(process, "kill", killed_while_somebody_looks)
    silence.kill_and_requeue(store, tmp_path, run)
    assert store.get(run).status == "queued" and child.poll() is not None


def test_a_process_that_woke_and_went_on_is_left_alone(store, tmp_path, holder):
    run, child = holder
    other = store.create("count", {}, name="", digest="", lane="work")
    store.claim(other, pid=child.pid, born=process.born(child.pid))
    silence.kill_and_requeue(store, tmp_path, run)
    assert store.get(run).status == "queued" and store.get(other).status == "running" and child.poll() is None


def test_a_run_that_is_to_be_cancelled_is_not_gone_on_with(store, tmp_path):
    run = store.create("count", {}, name="", digest="", lane="work")
    store.claim(run, pid=2**22 + 1, born=0.0)
    store.request_cancel(run)
    silence.kill_and_requeue(store, tmp_path, run, again=True)
    assert store.get(run).status == "cancelled"


def test_only_silence_while_somebody_listened_counts(store, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(silence.time, "monotonic", lambda: now[0])
    store.set_setting("patience_s", "30")
    run = store.create("count", {}, name="", digest="", lane="work")
    store.claim(run, pid=1, born=0.0)
    store.beat(run)
    shell = store.create("count", {}, name="", digest="", lane="here")  # held up by whoever called it
    store.claim(shell, pid=1, born=0.0)
    listener = silence.Listener(last=now[0])
    assert listener.silent(store) == []
    now[0] += 10_000.0  # the machine slept
    assert listener.silent(store) == []
    for _ in range(40):
        now[0] += 1.0
        heard = listener.silent(store)
    assert heard == [run]
    store.beat(run)
    assert listener.silent(store) == []


def test_a_process_is_known_by_its_birth_whatever_the_clock_says(monkeypatch):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        birth = process.born(child.pid)
        step = time.time() + 86_400.0
        monkeypatch.setattr(time, "time", lambda: step)
        monkeypatch.setattr(psutil, "boot_time", lambda: step, raising=False)
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: step)
        if Path("/proc/self/stat").exists():
            assert process.born(child.pid) == birth
        assert not process.kill(child.pid, birth - 1.0) and child.poll() is None  # another one that had this number
        assert process.kill(child.pid, process.born(child.pid))
        assert child.wait(PATIENCE) and process.born(2**22 + 1) is None
    finally:
        child.kill()
        child.wait()
