"""Studies on the command line: begun, gone on with, shown; what is done is not done again."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.engine import locks
from core.engine.store import Store
from core.engine.worker import slot_lock

ROOT = Path(__file__).resolve().parents[2]
WORDS = [
    "--data", "digits", "--limit", "100", "--methods", "random", "--ipc", "2", "--seeds", "2", "--eps", "0.1",
    "--trainings", "standard", "--network", "mlp", "--epochs", "2", "--full-epochs", "1", "--attack", "strong",
    "--attack-images", "10", "--images", "15", "--attack-steps", "3", "--reference-seeds", "2",
    "--name", "small",
]  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def study(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BALLAST_HOME": str(home), "BALLAST_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "core", "study", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_a_study_is_planned_done_by_two_processes_and_read_again(home: Path):
    planned = json.loads(study(home, "transfer", *WORDS, "--plan", "--json").stdout)
    assert (planned["done"], planned["total"], planned["estimated"]["runs"]) == (0, 4, 4)
    done = study(home, "transfer", *WORDS, "--workers", "2", "--json")
    assert done.returncode == 0, done.stderr
    values = json.loads(done.stdout)
    assert (values["done"], values["total"], len(values["rows"])) == (4, 4, 2)
    assert "4 runs to do, about" in done.stderr
    again = study(home, "resume", "small", "--json")
    assert json.loads(again.stdout)["rows"] == values["rows"] and "/4" not in again.stderr
    shown = study(home, "show", "small")
    assert "| random | 2 | standard | 0.1 | 2 |" in shown.stdout
    assert study(home, "list").stdout.strip() == "small  4 of 4 runs"


def test_wrong_words_are_refused_in_a_sentence(home: Path):
    wrong = study(home, "transfer", "--data", "digits", "--methods", "randm")
    assert wrong.returncode == 1 and "there is no method called 'randm'" in wrong.stderr
    assert "Traceback" not in wrong.stderr
    missing = study(home, "show", "nothing")
    assert missing.returncode == 1 and "there is no study nothing" in missing.stderr
    escape = study(home, "transfer", *WORDS[:-1], "../out")
    assert escape.returncode == 1 and "letters, digits" in escape.stderr


def test_a_study_that_is_terminated_cancels_its_runs_and_says_so_by_its_exit_code(tmp_path: Path):
    environment = {**os.environ, "BALLAST_HOME": str(tmp_path), "BALLAST_DEVICE": "cpu", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "core", "study", "transfer", *WORDS[:12], "--epochs", "100000", "--name", "ended",
               "--network", "mlp", "--reference-seeds", "0", "--workers", "2"]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    store = Store(tmp_path / "ballast.sqlite")
    try:
        while not any(event.stage == "train" and event.done for run in store.runs() for event in store.events(run.id)):
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.1)
        process.terminate()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 143 and "Traceback" not in said
        assert {run.status for run in store.runs(kind="run")} == {"cancelled"}
        while any(locks.held(slot_lock(tmp_path, f"work-{number}")) for number in (0, 1)):
            time.sleep(0.1)  # its workers leave when they have nothing to do
    finally:
        process.kill()
        store.close()
