"""Studies on the command line: begun, gone on with, shown; what is done is not done again."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from core.api import workplace
from core.cli.main import app
from core.engine import locks
from core.engine.store import Store
from core.engine.worker import slot_lock
from core.errors import BallastError

ROOT = Path(__file__).resolve().parents[2]
WORDS = [  # points of the plane are their own map
    "--data", "moons", "--limit", "40", "--methods", "random", "--ipc", "2", "--seeds", "2", "--eps", "0.1",
    "--trainings", "standard", "--network", "mlp", "--epochs", "2", "--full-epochs", "1", "--attack", "strong",
    "--attack-images", "10", "--images", "15", "--attack-steps", "3", "--reference-seeds", "2",
    "--name", "small",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which commands are done by this process, and runs by two workers of it."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("BALLAST_HOME", str(folder)), ("BALLAST_DEVICE", "cpu"), ("OMP_NUM_THREADS", "1")):
            patch.setenv(name, value)
        yield folder
        workplace.close()


def study(*words: str) -> Result:
    """What a command prints; the project's errors come out as they are."""
    done = CliRunner().invoke(app, ["study", *words])
    if isinstance(done.exception, BallastError):
        raise done.exception
    assert done.exit_code == 0, (done.output, done.exception)
    return done


def test_a_study_is_planned_done_by_two_processes_and_read_again():
    planned = json.loads(study("transfer", *WORDS, "--plan", "--json").stdout)
    assert (planned["done"], planned["total"], planned["estimated"]["runs"]) == (0, 4, 4)
    done = study("transfer", *WORDS, "--workers", "2", "--json")
    values = json.loads(done.stdout)
    assert (values["done"], values["total"], len(values["rows"])) == (4, 4, 2)
    assert "4 runs to do, about" in done.stderr
    again = study("resume", "small", "--json")
    assert json.loads(again.stdout)["rows"] == values["rows"] and "/4" not in again.stderr
    shown = study("show", "small")
    assert "| random | 2 | standard | 0.1 | 2 |" in shown.stdout
    assert study("list").stdout.strip() == "small  4 of 4 runs"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["transfer", "--data", "digits", "--methods", "randm"], "there is no method called 'randm'"),
        (["show", "nothing"], "there is no study nothing"),
        (["transfer", *WORDS[:-1], "../out"], "letters, digits"),
    ],
)
def test_wrong_words_are_refused_in_a_sentence(words: list[str], sentence: str):
    with pytest.raises(BallastError, match=sentence):
        study(*words)


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
        while any(locks.held(slot_lock(tmp_path, slot)) for slot in ("work-0", "work-1")):
            time.sleep(0.1)  # its workers leave when they have nothing to do
    finally:
        process.kill()
        store.close()
